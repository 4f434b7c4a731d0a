//! Where a control plane is: a Unix socket, or an address.
//!
//! Knows the spelling and how a connection is made; must not know what is said over it.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use hyper::Uri;
use hyper::rt::{Read, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tower::{ServiceExt, service_fn};

use crate::domain::without_user;

const CONNECT: Duration = Duration::from_secs(5);

/// A control plane's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Socket(PathBuf),
    /// `http://…` or `https://…`, without a path.
    Url(Uri),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no server address; write it like `http://127.0.0.1:7777`")]
pub struct BadTarget(String);

impl FromStr for Target {
    type Err = BadTarget;

    fn from_str(text: &str) -> Result<Self, BadTarget> {
        let bad = || BadTarget(without_user(text).into_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Socket(PathBuf::from(path)));
        }
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let user = uri.authority().is_some_and(|a| a.as_str().contains('@'));
        if known && bare && !user && uri.host().is_some() { Ok(Self::Url(uri)) } else { Err(bad()) }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Url(uri) => f.write_str(uri.to_string().trim_end_matches('/')),
        }
    }
}

/// A connection of either kind.
pub(super) trait Io: Read + Write + Send + Unpin {}
impl<T: Read + Write + Send + Unpin> Io for T {}

/// Why there is no connection, for the person's log.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Target {
    /// The `Host` header: over the socket there is no name to give.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Socket(_) => "localhost".to_owned(),
            Self::Url(uri) => uri.authority().map_or_else(String::new, ToString::to_string),
        }
    }

    /// On this machine: its token lies in our own data folder.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Socket(_) => true,
            Self::Url(uri) => matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]")),
        }
    }

    pub(super) async fn connect(&self) -> Result<Box<dyn Io>, Cause> {
        tokio::time::timeout(CONNECT, self.dial()).await.map_err(|_| "it did not answer in time")?
    }

    async fn dial(&self) -> Result<Box<dyn Io>, Cause> {
        match self {
            Self::Socket(path) => Ok(Box::new(TokioIo::new(UnixStream::connect(path).await?))),
            Self::Url(uri) if uri.scheme_str() == Some("https") => secure(uri.clone()).await,
            Self::Url(uri) => Ok(Box::new(tcp(uri.clone()).await?)),
        }
    }
}

async fn tcp(uri: Uri) -> std::io::Result<TokioIo<TcpStream>> {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(TokioIo::new(stream))
}

async fn secure(uri: Uri) -> Result<Box<dyn Io>, Cause> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
    let connector: HttpsConnector<_> = builder.https_only().enable_http1().wrap_connector(service_fn(tcp));
    Ok(Box::new(connector.oneshot(uri).await?))
}
