//! This machine as a provider: a node is a folder `<data>/nodes/<key>` and the processes that carry its mark.
//!
//! Making it twice makes it once; letting go of it ends what runs there first, and keeps a folder that may hold work
//! which is nowhere else. Must not know what a supervisor does in there.

mod link;
#[cfg(test)]
mod tests;

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::{Caps, Condition, Link, NodeError, NodeRef, Owned, Provider, Spec};
use crate::domain::SessionId;
use crate::domain::lease::Key;
use crate::sweep::{self, Target};
use crate::wire::run::{MARK, file};

use link::LocalLink;

/// A supervisor that is told to go interrupts its agent and secures its work.
const FOR_SUPERVISOR: Duration = Duration::from_secs(20);
const FOR_SWEEP: Duration = Duration::from_secs(10);
/// Folders on their way out; never listed, never adopted.
const GOING: &str = ".going-";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Agents may run here although nothing cages them: they can do all this user can.
    pub unsandboxed: bool,
}

/// Nodes on this machine.
#[derive(Clone, Debug)]
pub struct Local {
    root: PathBuf,
    instance: String,
    settings: Settings,
    caged: bool,
}

impl Local {
    /// `data`: our data folder. `instance`: the installation's mark. `caged`: bubblewrap works here, see
    /// [`bubblewrap`].
    pub fn new(data: &Path, instance: &str, settings: Settings, caged: bool) -> Self {
        let root = data.join("nodes");
        Self {
            root: std::path::absolute(&root).unwrap_or(root),
            instance: instance.to_owned(),
            settings,
            caged,
        }
    }

    /// The node's folder. A name that is no key of ours cannot lead anywhere else.
    fn home(&self, node: &NodeRef) -> Result<PathBuf, NodeError> {
        parse(&node.name).ok_or_else(|| NodeError::Permanent(format!("`{}` is no local node", node.name)))?;
        Ok(self.root.join(&node.name))
    }

    fn present(&self, node: &NodeRef) -> Result<PathBuf, NodeError> {
        let home = self.home(node)?;
        if home.is_dir() { Ok(home) } else { Err(NodeError::Gone) }
    }

    /// Ends the supervisor, gently first, and then whatever carries the session's mark.
    async fn end_processes(&self, home: &Path, session: SessionId) -> Result<(), NodeError> {
        if let Some(pid) = supervisor(home)
            && !sweep::end(pid, Signal::TERM, FOR_SUPERVISOR).await
        {
            sweep::end(pid, Signal::KILL, Duration::from_secs(5)).await;
        }
        let mark = format!("{MARK}={}/{session}.", self.instance);
        let swept = Target { mark: Some(mark), below: None }.sweep(FOR_SWEEP).await;
        swept.map(drop).map_err(|left| transient(&left))
    }

    async fn remove(&self, home: &Path, name: &str) -> Result<(), NodeError> {
        let going = self.root.join(format!("{GOING}{name}"));
        // What an interrupted removal left goes first, or the name would be taken.
        for (from, to) in [(None, &going), (Some(home), &going)] {
            if let Some(from) = from {
                match tokio::fs::rename(from, to).await {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(transient(&error)),
                    _ => {}
                }
            }
            match tokio::fs::remove_dir_all(to).await {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(transient(&error)),
                _ => {}
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Provider for Local {
    fn kind(&self) -> &'static str {
        "local"
    }

    fn caps(&self) -> Caps {
        Caps { suspend: false, max_lifetime: None, survives_restart: true }
    }

    async fn preflight(&self, _spec: &Spec) -> Result<(), NodeError> {
        if self.caged || self.settings.unsandboxed {
            return Ok(());
        }
        Err(NodeError::Permanent(
            "bubblewrap is not here, so an agent would not be caged; install it, or set `nodes.local.unsandboxed = true`"
                .to_owned(),
        ))
    }

    async fn ensure(&self, key: &Key, _spec: &Spec) -> Result<NodeRef, NodeError> {
        let node = NodeRef { name: key.to_string() };
        let home = self.home(&node)?;
        let make = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        make(&self.root).and_then(|()| make(&home)).map_err(|e| transient(&e))?;
        Ok(node)
    }

    async fn inspect(&self, node: &NodeRef) -> Result<Condition, NodeError> {
        Ok(if self.home(node)?.is_dir() { Condition::Ready } else { Condition::Gone })
    }

    async fn start(&self, node: &NodeRef) -> Result<(), NodeError> {
        self.present(node).map(drop)
    }

    async fn stop(&self, node: &NodeRef) -> Result<(), NodeError> {
        self.present(node).map(drop)
    }

    async fn destroy(&self, node: &NodeRef) -> Result<(), NodeError> {
        let home = self.home(node)?;
        let session = parse(&node.name).map(|(_, session)| session);
        if let (true, Some(session)) = (home.is_dir(), session) {
            self.end_processes(&home, session).await?;
            if home.join(file::UNSAVED).exists() {
                return Err(NodeError::Permanent(format!(
                    "`{}` may hold work that is nowhere else, so it is kept; look at its folder `{}` and delete it \
                     yourself when nothing in it is needed",
                    home.display(),
                    file::WORK
                )));
            }
        }
        self.remove(&home, &node.name).await
    }

    async fn list_owned(&self, instance: &str) -> Result<Vec<Owned>, NodeError> {
        let entries = match std::fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(transient(&error)),
        };
        let mut owned = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| transient(&e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some((key, session)) = parse(&name).filter(|_| entry.path().is_dir()) else { continue };
            if key.as_str().starts_with(mark_of(instance, session).as_str()) {
                let made = entry.metadata().and_then(|m| m.created().or_else(|_| m.modified())).ok();
                owned.push(Owned { node: NodeRef { name }, key, created_at: made.map(Into::into) });
            }
        }
        Ok(owned)
    }

    async fn link(&self, node: &NodeRef) -> Result<Box<dyn Link>, NodeError> {
        let home = self.present(node)?;
        LocalLink::new(home).map(|link| Box::new(link) as Box<dyn Link>).map_err(|e| transient(&e))
    }
}

/// Asks every supervisor below this data folder to secure its work and go, and waits for them. Their sessions go on when
/// they are started again.
pub async fn rest(data: &Path) {
    let Ok(homes) = std::fs::read_dir(data.join("nodes")) else { return };
    let pids: Vec<u32> = homes.filter_map(|home| supervisor(&home.ok()?.path())).collect();
    futures_util::future::join_all(pids.into_iter().map(|pid| async move {
        if !sweep::end(pid, Signal::TERM, FOR_SUPERVISOR).await {
            tracing::warn!(pid, "a supervisor does not go");
        }
    }))
    .await;
}

/// Where bubblewrap is, if it is here and works for this user: in a container or without user namespaces it may not.
pub async fn bubblewrap() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let program = std::env::split_paths(&path).map(|p| p.join("bwrap")).find(|p| p.is_file())?;
    let mut command = tokio::process::Command::new(&program);
    command.args([
        "--die-with-parent",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--ro-bind",
        "/",
        "/",
    ]);
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--", "true"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_secs(10), command.status()).await;
    matches!(ended, Ok(Ok(status)) if status.success()).then_some(program)
}

/// The supervisor that holds the home now: its name in the lock counts only while the lock is held.
fn supervisor(home: &Path) -> Option<u32> {
    let lock = std::fs::File::open(home.join(file::LOCK)).ok()?;
    if flock(&lock, FlockOperation::NonBlockingLockShared).is_ok() {
        return None;
    }
    let text = std::fs::read_to_string(home.join(file::LOCK)).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// A folder's name as a key: `<mark>-<session>-<incarnation>` and nothing else.
fn parse(name: &str) -> Option<(Key, SessionId)> {
    let mut parts = name.split('-');
    let (mark, session, incarnation) = (parts.next()?, parts.next()?, parts.next()?);
    let session = SessionId::new(session.parse().ok()?)?;
    let key = Key::new(mark, session, incarnation.parse().ok()?);
    (parts.next().is_none() && key.as_str() == name).then_some((key, session))
}

/// What all keys of this session of an installation start with.
fn mark_of(instance: &str, session: SessionId) -> String {
    let key = Key::new(instance, session, 0);
    key.as_str().trim_end_matches('0').to_owned()
}

fn transient(error: &dyn std::error::Error) -> NodeError {
    NodeError::Transient { why: error.to_string(), retry_after: None }
}
