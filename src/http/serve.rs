//! The two doors: a Unix socket in the data folder and a TCP address; connections, their limits, and the end.
//!
//! hyper is used directly, for its header time-out and small write buffer. Must not know routes.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::guard::{Door, Guard};
use super::token::{self, Token, TokenError};
use super::{Parts, SOCKET, Settings, SettingsError, router};
use crate::clock::Clock;

/// A request's head must be here by then; also how long an idle connection is kept.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// What is written ahead of a reader who does not read.
const BUFFER: usize = 16 * 1024;
/// Connections of one door.
const CONNECTIONS: usize = 1_024;
/// What is under way at the end may take this long.
const GRACE: Duration = Duration::from_secs(10);

/// Both doors, bound and not yet answering.
pub struct Doors {
    tcp: TcpListener,
    unix: UnixListener,
    socket: PathBuf,
    identity: Option<(u64, u64)>,
    address: SocketAddr,
    token: Token,
    hosts: Arc<[String]>,
    times: Times,
    signed: Router,
}

#[derive(Clone, Copy)]
struct Times {
    head: Duration,
    grace: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("cannot listen on {address}")]
    Tcp {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("cannot make the socket `{}`", path.display())]
    Unix {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another server answers at `{}`", path.display())]
    Taken { path: PathBuf },
}

impl Doors {
    /// Binds both; makes the token at first start. `data_dir` exists and is ours alone.
    pub async fn open(settings: &Settings, data_dir: &Path, clock: &Clock) -> Result<Self, OpenError> {
        let wanted = settings.address()?;
        let hosts = settings.hosts()?.into();
        let token = Token::new(&token::ensure(&token::token_file(settings, data_dir), clock)?);
        let socket = data_dir.join(SOCKET);
        let unix = bind_unix(&socket).await?;
        let failed = |source| OpenError::Tcp { address: wanted, source };
        let tcp = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        let identity = identity(&socket);
        Ok(Self {
            tcp,
            unix,
            socket,
            identity,
            address,
            token,
            hosts,
            times: Times { head: HEAD_TIME, grace: GRACE },
            signed: Router::new(),
        })
    }

    /// Where TCP listens, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// How long a request's head may take, and how long what is under way may take at the end.
    #[must_use]
    pub fn times(mut self, head: Duration, grace: Duration) -> Self {
        self.times = Times { head, grace };
        self
    }

    /// Routes of the TCP door that are asked for by strangers without our token, and check who they are themselves.
    #[must_use]
    pub fn signed(mut self, routes: Router) -> Self {
        self.signed = routes;
        self
    }

    /// Answers until `parts.closing` is cancelled and what was under way is done, or its grace is over.
    pub async fn serve(self, parts: Parts) {
        let closing = parts.closing.clone();
        let guard = |door| Guard { door, hosts: Arc::clone(&self.hosts) };
        let inside = Hall::new(router(parts.clone(), guard(Door::Socket)), self.times, &closing);
        let outside = router(parts, guard(Door::Tcp(self.token.clone()))).merge(self.signed);
        let outside = Hall::new(outside, self.times, &closing);
        let unix = inside.run(async || self.unix.accept().await.map(|(io, _)| io));
        let tcp = outside.run(async || self.tcp.accept().await.map(|(io, _)| io));
        tokio::join!(unix, tcp);
        // Only while it is still ours: the next server may have put its own there.
        if identity(&self.socket) == self.identity {
            let _gone = std::fs::remove_file(&self.socket);
        }
    }
}

/// The connections of one door.
struct Hall {
    router: Router,
    times: Times,
    closing: CancellationToken,
    places: Arc<Semaphore>,
    guests: TaskTracker,
}

impl Hall {
    fn new(router: Router, times: Times, closing: &CancellationToken) -> Self {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        Self { router, times, closing: closing.clone(), places, guests: TaskTracker::new() }
    }

    /// Takes a place first, then a connection: what we cannot serve waits in the kernel's queue.
    async fn run<I, F>(self, mut accept: impl FnMut() -> F)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<I>>,
    {
        while let Some(Ok(place)) =
            self.closing.run_until_cancelled(Arc::clone(&self.places).acquire_owned()).await
        {
            match self.closing.run_until_cancelled(accept()).await {
                None => break,
                Some(Ok(io)) => {
                    let guest = guest(io, self.router.clone(), self.times, self.closing.clone());
                    self.guests.spawn(async move {
                        guest.await;
                        drop(place);
                    });
                }
                Some(Err(error)) => {
                    // Out of file descriptors, most likely: some come free.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        self.guests.close();
        self.guests.wait().await;
    }
}

/// One connection to its end.
async fn guest<I>(io: I, router: Router, times: Times, closing: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(times.head)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(io), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(times.grace, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Which file this is, whatever its name.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

/// Made beside and renamed into place with its mode: nobody can connect before it is ours alone.
async fn bind_unix(path: &Path) -> Result<UnixListener, OpenError> {
    if UnixStream::connect(path).await.is_ok() {
        return Err(OpenError::Taken { path: path.to_owned() });
    }
    let failed = |source| OpenError::Unix { path: path.to_owned(), source };
    let beside = path.with_extension("new");
    match std::fs::remove_file(&beside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
        _ => {}
    }
    let listener = UnixListener::bind(&beside).map_err(failed)?;
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)?;
    Ok(listener)
}
