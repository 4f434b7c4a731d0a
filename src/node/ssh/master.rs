//! The one connection to a node that everything else goes over: made once, shared, ended with its last user,
//! but not at once.
//!
//! Knows how many may be made at once and how to tell that one stands; must not know what goes over it.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::super::NodeError;
use super::group::{self, Group};
use super::options::State;
use super::script::Kept;
use super::{Pool, Target, options, trouble};

/// A new connection stands at least so long, whether anybody uses it or not.
const LINGER: Duration = Duration::from_secs(10);
/// Tries at one connection while the far side has too much to do.
const TRIES: u32 = 6;

/// A connection that stood when it was made.
pub(super) struct Master {
    pub(super) control: PathBuf,
    group: Group,
}

impl Master {
    pub(super) fn stands(&self) -> bool {
        !self.group.gone.is_cancelled()
    }

    /// Until it does not stand any more.
    pub(super) async fn over(&self) {
        self.group.gone.cancelled().await;
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.control);
    }
}

impl Pool {
    /// The connection to this node: the one that stands, or a new one.
    pub(super) async fn master(&self, target: &Target) -> Result<Arc<Master>, NodeError> {
        let slot = {
            let mut slots = self.slots.lock().await;
            slots.retain(|_, slot| {
                Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|m| m.strong_count() > 0)
            });
            Arc::clone(slots.entry(target.alias.clone()).or_default())
        };
        let mut slot = slot.lock().await;
        if let Some(master) = slot.upgrade().filter(|master| master.stands()) {
            return Ok(master);
        }
        let master = Arc::new(self.connect_in_turn(target).await?);
        *slot = Arc::downgrade(&master);
        tokio::spawn(linger(Arc::clone(&master)));
        Ok(master)
    }

    /// Never more at once than a far side's door takes, and not all in one moment.
    async fn connect_in_turn(&self, target: &Target) -> Result<Master, NodeError> {
        let mut tried = 0;
        loop {
            let turn = if let Ok(turn) = self.turns.try_acquire() {
                turn
            } else {
                let turn = self.turns.acquire().await.map_err(|error| broken(&error))?;
                tokio::time::sleep(self.jitter(Duration::from_millis(50))).await;
                turn
            };
            let connected = self.connect(target).await;
            drop(turn);
            tried += 1;
            match connected {
                Err(Failed::Said(said)) if tried < TRIES && trouble::is_crowded(&said) => {
                    tokio::time::sleep(self.jitter(Duration::from_millis(400) * tried)).await;
                }
                Err(Failed::Said(said)) => {
                    return Err(trouble::of_connect(&said, target, &self.known(target)));
                }
                Err(Failed::Node(error)) => return Err(error),
                Ok(master) => return Ok(master),
            }
        }
    }

    async fn connect(&self, target: &Target) -> Result<Master, Failed> {
        let key = self.key().await?;
        let mark = self.mark();
        let control = self.sockets.join(mark.get(..12).unwrap_or(&mark));
        let known = self.known(target);
        let state = State { control: &control, known: &known, key: &key };
        let argv = options::master(&self.settings, &state, target, &mark);
        let argv = argv.ok_or_else(|| {
            NodeError::Permanent(format!(
                "`{}` cannot be reached: its proxy command is no text",
                target.alias
            ))
        })?;
        let mut child = group::start(Self::ssh(target, &argv)).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => NodeError::Permanent("`ssh` is not installed here".to_owned()),
            _ => broken(&error),
        })?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let group = Group::tend(child, stdin);
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            return Err(broken(&"ssh has no pipes").into());
        };
        let said = tokio::spawn(keep(stderr));
        match tokio::time::timeout(self.settings.connect, until(stdout, mark)).await {
            Ok(true) => Ok(Master { control, group }),
            Ok(false) => Err(Failed::Said(said.await.unwrap_or_default())),
            Err(_) => {
                let seconds = self.settings.connect.as_secs();
                let why = format!("`{}` did not answer within {seconds} seconds", target.alias);
                Err(NodeError::Transient { why, retry_after: None }.into())
            }
        }
    }

    /// ssh in a cleared environment with what its proxy command needs.
    pub(super) fn ssh(target: &Target, argv: &[String]) -> Command {
        let mut command = Command::new("ssh");
        command.args(argv).env_clear();
        for name in crate::wire::run::PASSED.iter().chain(&["HOME"]) {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        for (name, value) in &target.env {
            command.env(name, secrecy::ExposeSecret::expose_secret(value));
        }
        // Its sentences are read, and its proxy command is written for this shell.
        command.env("LC_ALL", "C").env("SHELL", "/bin/sh");
        command
    }
}

/// Whoever makes a node ready lets go of it a moment before its session comes: both shall share one connection.
async fn linger(master: Arc<Master>) {
    let _ = tokio::time::timeout(LINGER, master.over()).await;
}

/// Why there is no connection.
enum Failed {
    /// ssh's own words.
    Said(String),
    Node(NodeError),
}

impl From<NodeError> for Failed {
    fn from(error: NodeError) -> Self {
        Self::Node(error)
    }
}

fn broken(error: &impl ToString) -> NodeError {
    NodeError::Transient { why: error.to_string(), retry_after: None }
}

/// Reads up to the line that says it is up, and keeps the pipe empty from then on.
async fn until(pipe: impl AsyncRead + Send + Unpin + 'static, mark: String) -> bool {
    let mut reader = BufReader::new(pipe);
    let mut seen = 0;
    while seen < super::script::MAX_NOISE {
        let mut line = Vec::new();
        let read = (&mut reader).take(super::script::MAX_NOISE as u64).read_until(b'\n', &mut line).await;
        match read {
            Ok(0) | Err(_) => return false,
            Ok(read) => seen += read,
        }
        if line.strip_suffix(b"\n").is_some_and(|line| line == mark.as_bytes()) {
            tokio::spawn(async move { tokio::io::copy(&mut reader, &mut tokio::io::sink()).await });
            return true;
        }
    }
    false
}

/// Everything ssh says, bounded, until it ends.
async fn keep(mut pipe: impl AsyncRead + Unpin) -> String {
    let mut kept = Kept::default();
    let mut chunk = vec![0; 4096];
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        kept.take(chunk.get(..read).unwrap_or_default());
    }
    kept.text()
}

/// One node's place in the pool; whoever connects holds it.
pub(super) type Slot = Arc<tokio::sync::Mutex<Weak<Master>>>;
