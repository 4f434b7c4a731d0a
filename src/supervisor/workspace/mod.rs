//! A session's own clone: made, saved, sent.
//!
//! ```text
//!   home/work   the agent's clone: own refs, stash, configuration. The agent may do anything to it.
//!   home/git    our own bare repository. It reads the clone's objects and never its configuration; whatever needs a
//!               credential, or reads files with git, runs here. The agent need not see it.
//!   remote      <branch>                   moves only by `push`
//!               refs/devtask/wip/142       the last checkpoint
//!               refs/devtask/attempt/142   the fence: who may push; moves with every push of ours, atomically
//! ```
//! Knows one session's clone and its three refs; must not know the agent, the link or what the work is about.
//! The person's own checkout is only ever read.

mod error;
mod fence;
mod prepare;
mod save;
mod ship;
mod start;
#[cfg(test)]
pub(super) mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::domain::Attempt;
use crate::git::{BranchName, Git, Identity, Place, RemoteUrl, Sha};

pub use error::WorkspaceError;

use super::checks::Plan;
use fence::Fence;

/// Where a credential for the remote comes from. Asked once for every command that talks to it.
pub trait Credentials: Send + Sync {
    /// `user:password`; `None` = there is none, try without.
    fn lend(&self) -> BoxFuture<'_, Option<SecretString>>;
}

/// A prepared clone of one attempt.
pub struct Workspace {
    home: PathBuf,
    git: Git,
    url: RemoteUrl,
    credentials: Arc<dyn Credentials>,
    needs_credential: bool,
    vault: Place,
    clone: Place,
    branch: BranchName,
    base: String,
    base_sha: Sha,
    author: Identity,
    /// Whose work it is: the session's own mark, and this attempt.
    mark: (Uuid, Attempt),
    notes: Vec<String>,
    /// One save or push at a time; what we know of the remote.
    remote: Mutex<Fence>,
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Workspace");
        shown.field("home", &self.home).field("branch", &self.branch).field("base_sha", &self.base_sha);
        shown.finish_non_exhaustive()
    }
}

/// The agent's folder below a node's home.
pub fn work_folder(home: &Path) -> PathBuf {
    home.join("work")
}

/// The folders that set-up commands prepare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// The agent's.
    Work,
    Checks,
}

impl Folder {
    /// File of our own repository that says which set-up commands were run there.
    fn record(self) -> &'static str {
        match self {
            Self::Work => "work.setup",
            Self::Checks => "checks.setup",
        }
    }
}

fn lines(plan: &Plan) -> String {
    let lines: Vec<&str> = plan.setup.iter().map(|c| c.line.as_str()).collect();
    lines.join("\n")
}

/// Who commits what the agent left, makes checkpoints and fences.
fn committer() -> Identity {
    Identity::new("DevTask", "devtask@localhost")
}

impl Workspace {
    /// The agent's folder.
    pub fn path(&self) -> PathBuf {
        work_folder(&self.home)
    }

    /// Where checks are run, beside the agent's folder.
    pub fn checks_path(&self) -> PathBuf {
        self.home.join("checks")
    }

    pub fn branch(&self) -> &str {
        self.branch.as_str()
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn base_sha(&self) -> &str {
        self.base_sha.as_str()
    }

    /// What a reader of the log should know of how the clone came to be.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// A file of the base commit: settings are read from there, never from what the agent may have written.
    pub async fn base_file(&self, path: &'static str) -> Result<Option<Vec<u8>>, WorkspaceError> {
        Ok(self.vault.file(&self.base_sha, path).await?)
    }

    /// A file of the commit `HEAD` stands at: for what the base does not have yet.
    pub async fn head_file(&self, path: &'static str) -> Result<Option<Vec<u8>>, WorkspaceError> {
        let head = self.head().await?;
        Ok(self.vault.file(&head, path).await?)
    }

    /// The commit the agent's `HEAD` stands at.
    pub async fn head(&self) -> Result<Sha, WorkspaceError> {
        self.guard().await?;
        self.clone.head().await?.ok_or(WorkspaceError::NoCommit)
    }

    /// The tree of `HEAD`.
    pub async fn tree(&self) -> Result<Sha, WorkspaceError> {
        let head = self.head().await?;
        Ok(self.vault.tree_of(&head).await?)
    }

    /// Whether what is committed differs from the base.
    pub async fn changed(&self) -> Result<bool, WorkspaceError> {
        Ok(self.tree().await? != self.vault.tree_of(&self.base_sha).await?)
    }

    /// Brings `home/checks` to the commit `HEAD` stands at: ignored files stay, so that build caches survive.
    /// Returns the folder and the tree it now has.
    ///
    /// Checks may write to their `.git`, so it is made anew each time and never read by us.
    pub async fn export(&self) -> Result<(PathBuf, Sha), WorkspaceError> {
        let head = self.head().await?;
        let tree = self.vault.tree_of(&head).await?;
        let folder = self.checks_path();
        let dot_git = folder.join(".git");
        match tokio::fs::symlink_metadata(&dot_git).await {
            Ok(m) if m.is_dir() => tokio::fs::remove_dir_all(&dot_git).await?,
            Ok(_) => tokio::fs::remove_file(&dot_git).await?,
            Err(_) => tokio::fs::create_dir_all(&folder).await?,
        }
        self.vault.over(&folder).pour(&tree, &self.vault.dir().join("checks.index")).await?;
        let checks = self.git.clone_at(&folder);
        checks.init().await?;
        checks.borrow_objects(self.clone.dir()).await?;
        checks.detach(&head).await?;
        checks.reset_index(&tree).await?;
        Ok((folder, tree))
    }

    /// Whether this plan's set-up has been run there.
    pub(super) async fn is_set_up(&self, folder: Folder, plan: &Plan) -> bool {
        let done = tokio::fs::read_to_string(self.vault.dir().join(folder.record())).await;
        done.map_or(plan.setup.is_empty(), |done| done == lines(plan))
    }

    /// Remembers that it has.
    pub(super) async fn note_set_up(&self, folder: Folder, plan: &Plan) -> Result<(), WorkspaceError> {
        Ok(tokio::fs::write(self.vault.dir().join(folder.record()), lines(plan)).await?)
    }

    /// Refuses a clone whose git folder was bent to point elsewhere.
    async fn guard(&self) -> Result<(), WorkspaceError> {
        let dir = self.clone.dir();
        for (name, folder) in
            [("", true), ("objects", true), ("refs", true), ("HEAD", false), ("config", false)]
        {
            let path = if name.is_empty() { dir.to_owned() } else { dir.join(name) };
            let kind = tokio::fs::symlink_metadata(&path).await.map(|m| m.file_type());
            let fine = kind.is_ok_and(|k| if folder { k.is_dir() } else { k.is_file() });
            if !fine {
                return Err(WorkspaceError::Bent { path });
            }
        }
        let bent = dir.join("commondir");
        if tokio::fs::symlink_metadata(&bent).await.is_ok() {
            return Err(WorkspaceError::Bent { path: bent });
        }
        Ok(())
    }

    async fn credential(&self) -> Option<SecretString> {
        if self.needs_credential { self.credentials.lend().await } else { None }
    }
}
