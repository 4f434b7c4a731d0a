//! A way into a machine by the system's OpenSSH, whatever carries its bytes there.
//!
//! ```text
//!   SshLink ─► Pool: one connection a node ──ProxyCommand──► sshd ─► sh: exec, put
//!                └─ open(): `devtask attach` on the node, which passes bytes to the supervisor's socket
//! ```
//! Own key, own known hosts, nothing of the user's configuration. A program of ours at the far end rather than ssh's
//! forwarding of sockets, because that may be switched off there, has no words for what goes wrong, and takes no path
//! longer than a socket's address. Must not know which provider made the node.

mod call;
mod group;
mod key;
mod master;
mod options;
mod quote;
mod script;
mod stream;
#[cfg(test)]
mod tests;
pub(super) mod trouble;

use std::collections::HashMap;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::sync::{Mutex, OnceCell, Semaphore};

use super::{Duplex, Link, NodeError, Output};
use crate::clock::Clock;
use call::{Call, Told};
use group::Group;
use master::{Master, Slot};
use script::End;
use stream::Stream;

/// A put of this many bytes takes no longer; the slowest link that is of use carries them.
const FOR_PUT: Duration = Duration::from_mins(5);
/// A path of a control socket with the letters ssh adds while it makes one.
const LONGEST_SOCKET: usize = 70;

/// How connections are made and given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// From the start of a proxy command to a shell that answers.
    pub connect: Duration,
    /// A far side that is silent is asked this often, in whole seconds; after three unanswered it is given up.
    pub alive: Duration,
    /// Connections that are being made at the same time; an sshd's own limit is 10.
    pub at_once: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { connect: Duration::from_secs(50), alive: Duration::from_secs(5), at_once: 8 }
    }
}

/// One node as ssh sees it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Our name for it: letters, digits, `-`, `_` and `.`. Its host key is kept under this name.
    pub alias: String,
    pub user: String,
    /// What carries the bytes, as an argument list; [`key_of`](Ssh::key) may stand in it.
    pub proxy_command: Vec<String>,
    /// Variables for the proxy command alone.
    pub env: Vec<(String, SecretString)>,
    /// The folder on the node that is ours.
    pub home: PathBuf,
    /// The supervisor's program on the node.
    pub program: PathBuf,
}

/// Every connection of this installation over ssh. Cheap to clone.
#[derive(Clone)]
pub struct Ssh(Arc<Pool>);

struct Pool {
    settings: Settings,
    clock: Clock,
    folder: PathBuf,
    sockets: PathBuf,
    /// Only where our folder's path is too long for a socket.
    _short: Option<tempfile::TempDir>,
    key: OnceCell<PathBuf>,
    turns: Semaphore,
    slots: Mutex<HashMap<String, Slot>>,
}

impl Ssh {
    /// `folder`: where key, known hosts and sockets lie; it is made, and closed to others.
    pub fn new(folder: &Path, settings: Settings, clock: Clock) -> std::io::Result<Self> {
        let folder = std::path::absolute(folder)?;
        let make = |path: &Path| std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        make(&folder.join("known"))?;
        let mut sockets = folder.join("c");
        let mut short = None;
        if sockets.as_os_str().len() > LONGEST_SOCKET {
            let other = tempfile::Builder::new().prefix("dt-").tempdir()?;
            other.path().clone_into(&mut sockets);
            short = Some(other);
        } else {
            // What an earlier life left leads nowhere any more.
            let _ = std::fs::remove_dir_all(&sockets);
            make(&sockets)?;
        }
        let turns = Semaphore::new(settings.at_once.max(1));
        Ok(Self(Arc::new(Pool {
            settings,
            clock,
            folder,
            sockets,
            _short: short,
            key: OnceCell::new(),
            turns,
            slots: Mutex::default(),
        })))
    }

    /// Our private key, made at the first call; `.pub` beside it.
    pub async fn key(&self) -> Result<PathBuf, NodeError> {
        self.0.key().await
    }

    /// Forgets the host key of a node that is gone or was rebuilt on our wish.
    pub fn forget(&self, alias: &str) {
        if is_alias(alias) {
            let _ = std::fs::remove_file(self.0.folder.join("known").join(alias));
        }
    }

    /// The way into a node; nothing is connected yet.
    pub fn link(&self, target: Target) -> Result<SshLink, NodeError> {
        let named = is_alias(&target.alias) && is_alias(&target.user);
        if !named || !target.home.is_absolute() || target.home.to_str().is_none() {
            return Err(NodeError::Permanent(format!("`{}` is no node ssh can be asked for", target.alias)));
        }
        Ok(SshLink { pool: Arc::clone(&self.0), target, held: Mutex::default() })
    }
}

impl Pool {
    async fn key(&self) -> Result<PathBuf, NodeError> {
        self.key.get_or_try_init(|| key::ensure(&self.folder)).await.cloned()
    }

    fn known(&self, target: &Target) -> PathBuf {
        self.folder.join("known").join(&target.alias)
    }

    fn mark(&self) -> String {
        self.clock.random_id().simple().to_string()
    }

    /// Somewhere between nothing and `most`.
    fn jitter(&self, most: Duration) -> Duration {
        let part = u32::from(self.clock.random_id().as_bytes().first().copied().unwrap_or_default());
        most * part / 255
    }
}

/// An option, a path or a percent sign can never be one.
fn is_alias(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.len() <= 128 && name.chars().all(plain) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// A way into one node. Its connection is made when it is first needed, and again when it broke.
pub struct SshLink {
    pool: Arc<Pool>,
    target: Target,
    /// Between two calls, so that they share one connection.
    held: Mutex<Option<Arc<Master>>>,
}

impl SshLink {
    async fn master(&self) -> Result<Arc<Master>, NodeError> {
        let mut held = self.held.lock().await;
        if let Some(master) = held.as_ref().filter(|master| master.stands()) {
            return Ok(Arc::clone(master));
        }
        // What broke must be let go before the next is made: both would have the same name.
        *held = None;
        let master = self.pool.master(&self.target).await?;
        *held = Some(Arc::clone(&master));
        Ok(master)
    }

    /// One of our programs for the far `sh` with its arguments.
    async fn run(
        &self,
        script: &str,
        arguments: &[&str],
        input: &[u8],
        limit: Duration,
        slow: impl FnOnce() -> String,
    ) -> Result<Told, NodeError> {
        let master = self.master().await?;
        let mark = self.pool.mark();
        let argv: Vec<&str> =
            ["sh", "-c", script, "devtask", &mark].into_iter().chain(arguments.iter().copied()).collect();
        let line = quote::line(&argv);
        let line = line.ok_or_else(|| NodeError::Permanent("an argument holds a zero byte".to_owned()))?;
        let call = Call { line, mark: &mark, input, limit };
        match self.pool.call(&master, &self.target, call).await {
            Ok(Some(told)) => {
                if told.end == End::Unknown {
                    // Most likely the connection ends as well; the next call shall see that it did.
                    let _ = tokio::time::timeout(Duration::from_millis(500), master.over()).await;
                }
                Ok(told)
            }
            Ok(None) => Err(NodeError::Transient { why: slow(), retry_after: None }),
            Err(error) => Err(NodeError::Transient { why: error.to_string(), retry_after: None }),
        }
    }

    fn home_text(&self) -> &str {
        self.target.home.to_str().unwrap_or_default()
    }

    fn cut(&self, told: &Told) -> NodeError {
        let why = trouble::last_words(&told.said, "the link broke");
        NodeError::Transient { why: format!("`{}`: {why}", self.target.alias), retry_after: None }
    }
}

#[async_trait]
impl Link for SshLink {
    fn home(&self) -> &Path {
        &self.target.home
    }

    fn program(&self) -> Option<&Path> {
        Some(&self.target.program)
    }

    async fn put(&self, bytes: &[u8], path: &Path, mode: u32) -> Result<(), NodeError> {
        let inside = path.components().all(|c| matches!(c, Component::Normal(_)));
        let Some(text) = path.to_str().filter(|text| inside && !text.is_empty()) else {
            return Err(NodeError::Permanent(format!(
                "`{}` does not lie below the node's folder",
                path.display()
            )));
        };
        let sum = super::sum(bytes);
        let (home, mode) = (self.home_text(), format!("{:o}", mode & 0o777));
        let slow = || format!("`{text}` could not be put within {} seconds", FOR_PUT.as_secs());
        let told = self.run(script::PUT, &[home, text, &mode, &sum], bytes, FOR_PUT, slow).await?;
        match told.end {
            End::Code(Some(0)) => Ok(()),
            End::Code(Some(4)) => {
                Err(NodeError::Permanent("a link leads out of the node's folder".to_owned()))
            }
            End::Code(Some(5)) => {
                Err(NodeError::Transient { why: format!("`{text}` did not arrive whole"), retry_after: None })
            }
            End::Unknown => Err(self.cut(&told)),
            _ => Err(trouble::of_put(&String::from_utf8_lossy(&told.stderr), &self.target.home)),
        }
    }

    async fn exec(&self, argv: &[String], limit: Duration) -> Result<Output, NodeError> {
        let Some(program) = argv.first() else {
            return Err(NodeError::Permanent("an empty command".to_owned()));
        };
        // The far side ends it a moment after we have given up.
        let seconds = (limit.as_secs() + 5).to_string();
        let mut arguments = vec![seconds.as_str(), self.home_text()];
        arguments.extend(argv.iter().map(String::as_str));
        let slow = || format!("`{program}` took longer than {} seconds", limit.as_secs());
        let told = self.run(script::EXEC, &arguments, &[], limit, slow).await?;
        match told.end {
            End::Code(code) => Ok(Output { code, stdout: told.stdout, stderr: told.stderr }),
            End::Absent => {
                Err(NodeError::Permanent(format!("`{program}` cannot be run: it is not on the node")))
            }
            End::Homeless => Err(trouble::of_put(&String::from_utf8_lossy(&told.stderr), &self.target.home)),
            End::Unknown => Err(self.cut(&told)),
        }
    }

    async fn open(&self) -> Result<Box<dyn Duplex>, NodeError> {
        let master = self.master().await?;
        let program = self.target.program.to_str().unwrap_or_default();
        let line = quote::line(&[program, "attach", "--home", self.home_text()]);
        let line = line.ok_or_else(|| NodeError::Permanent("a path holds a zero byte".to_owned()))?;
        let nowhere = Path::new("/dev/null");
        let state = options::State { control: &master.control, known: nowhere, key: nowhere };
        let argv = options::client(&state, &self.target, line);
        let broken =
            |error: std::io::Error| NodeError::Transient { why: error.to_string(), retry_after: None };
        let mut child = group::start(Pool::ssh(&self.target, &argv)).map_err(broken)?;
        let (Some(stdin), Some(stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(broken(std::io::Error::other("ssh has no pipes")));
        };
        // Noise, or words about a break that the stream itself tells.
        tokio::spawn(async move { tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await });
        let pipes = tokio::io::join(stdout, stdin);
        Ok(Box::new(Stream { pipes, _group: Group::tend(child, None), _master: master }))
    }
}
