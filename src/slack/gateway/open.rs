//! Where a socket's address comes from, and how it is connected.
//!
//! An address carries a ticket: it is a secret and is in no text here. TLS is rustls on ring, with the machine's roots.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hyper_rustls::ConfigBuilderExt;
use rustls::crypto::ring;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

use super::line::Ended;
use super::socket::FRAME_MAX;
use crate::slack::web::{Web, WebError};

/// A longer message is not even read to its end; the connection breaks.
const MESSAGE_MAX: usize = 4 * FRAME_MAX;
const READ_BUFFER: usize = 16 * 1024;

pub type Connection = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// `apps.connections.open`, under a time-out of its own or not: the caller has one.
#[async_trait]
pub trait OpenSocket: Send + Sync {
    /// The address of a new socket: `wss://…` with its ticket.
    async fn open(&self) -> Result<SecretString, OpenError>;
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("Slack asks to wait {}s", .0.as_secs())]
    RateLimited(Duration),
    /// Slack's own word for it.
    #[error("Slack refuses: {0}")]
    Refused(String),
    /// Slack is not reached, or answered what nobody understands.
    #[error("{0}")]
    Failed(String),
}

/// With the app's own token.
pub struct OverWeb {
    web: Web,
    app_token: SecretString,
}

impl OverWeb {
    pub fn new(web: Web, app_token: SecretString) -> Self {
        Self { web, app_token }
    }
}

#[async_trait]
impl OpenSocket for OverWeb {
    async fn open(&self) -> Result<SecretString, OpenError> {
        let address = self.web.open_socket(&self.app_token).await;
        address.map(SecretString::from).map_err(|error| match error {
            WebError::RateLimited { after } => OpenError::RateLimited(after),
            WebError::Refused { code } => OpenError::Refused(code),
            WebError::Unsure | WebError::Down { .. } => OpenError::Failed(error.to_string()),
        })
    }
}

impl From<OpenError> for Ended {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::RateLimited(after) => Self::Limited(after),
            OpenError::Refused(code) => Self::Refused(code),
            OpenError::Failed(why) => Self::Broke(why),
        }
    }
}

/// Connects; the caller has the time-out.
pub(super) async fn connect(address: &SecretString) -> Result<Connection, String> {
    let address = address.expose_secret();
    let tls = if address.starts_with("wss:") { Connector::Rustls(tls()?) } else { Connector::Plain };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    let connected =
        tokio_tungstenite::connect_async_tls_with_config(address, Some(config), true, Some(tls)).await;
    connected.map(|(connection, _)| connection).map_err(|error| in_words(&error))
}

fn tls() -> Result<Arc<rustls::ClientConfig>, String> {
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_native_roots()
        .map_err(|error| format!("the machine's certificates: {error}"))?
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Only of errors that cannot quote the address.
fn in_words(error: &Error) -> String {
    match error {
        Error::Io(error) => format!("the socket was not reached: {error}"),
        Error::Tls(error) => format!("the socket's TLS: {error}"),
        Error::Http(answer) => format!("the socket's server answered {}", answer.status()),
        _ => "the socket's address or handshake is not understood".to_owned(),
    }
}
