//! Checkpoints, and committing what the agent left.
//!
//! Files are read with our own repository and an index of ours: the agent's index, `HEAD` and configuration are
//! neither touched nor obeyed. What a checkpoint holds: every file that is not ignored, the commit `HEAD` is at (first
//! parent), and whatever else the agent committed or stashed (further parents).
//!
//! Knows how work is kept; must not know why it is kept now.

use std::path::PathBuf;

use super::{Workspace, WorkspaceError, committer};
use crate::git::{Commit, Push, Sha, Swept};

type Result<T> = std::result::Result<T, WorkspaceError>;

/// First words of the line that says whose checkpoint it is.
pub(super) const WIP_SESSION: &str = "session: ";
/// Other tips kept beside `HEAD`, at most.
const MAX_TIPS: usize = 32;

/// What is safe on the remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub sha: Sha,
    /// What could not be read, in git's words. Empty = everything is in it.
    pub missed: Vec<String>,
}

/// The agent's work as it is now.
struct Work {
    head: Option<Sha>,
    others: Vec<Sha>,
    files: Swept,
}

impl Workspace {
    /// Makes all work safe on the remote; does nothing where it already is.
    pub async fn checkpoint(&self) -> Result<Checkpoint> {
        let mut remote = self.remote.lock().await;
        let work = self.work().await?;
        let missed = work.files.missed.clone();
        if let Some(sha) = self.held(&work, &remote).await? {
            return Ok(Checkpoint { sha, missed });
        }
        let sha = self.wrap(&work).await?;
        let wip = remote.slot.wip.clone();
        self.send(&mut remote, |fence| Push {
            name: wip.clone(),
            to: Some(sha.clone()),
            lease: fence.wip.clone().into(),
        })
        .await?;
        remote.wip = Some(sha.clone());
        Ok(Checkpoint { sha, missed })
    }

    /// Whether everything, committed or not, is on the remote as it stands there now. Ask before anything is deleted.
    pub async fn is_safe(&self) -> Result<bool> {
        let remote = self.remote.lock().await;
        let work = self.work().await?;
        if !work.files.missed.is_empty() {
            return Ok(false);
        }
        let Some(sha) = self.held(&work, &remote).await? else { return Ok(false) };
        let heads = self.look(&remote.slot).await?;
        Ok(heads.refs.values().any(|at| *at == sha))
    }

    /// Whether there is something to commit.
    pub async fn is_dirty(&self) -> Result<bool> {
        let work = self.work().await?;
        let Some(head) = &work.head else { return Ok(true) };
        Ok(self.vault.tree_of(head).await? != work.files.tree)
    }

    /// Commits what the agent left, onto whatever its `HEAD` is on. `None`: there was nothing.
    pub async fn commit_all(&self, message: &str) -> Result<Option<Sha>> {
        let _alone = self.remote.lock().await;
        self.refuse_unfinished().await?;
        let work = self.work().await?;
        let head = work.head.ok_or(WorkspaceError::NoCommit)?;
        if self.vault.tree_of(&head).await? == work.files.tree {
            return Ok(None);
        }
        let tree = &work.files.tree;
        let commit = Commit {
            tree,
            parents: std::slice::from_ref(&head),
            message,
            author: &self.author,
            committer: &committer(),
        };
        let sha = self.vault.commit(&commit).await?;
        let scratch = self.vault.dir();
        self.vault
            .hand_over(&self.clone, std::slice::from_ref(&sha), std::slice::from_ref(&head), scratch)
            .await?;
        self.clone.move_head(&sha, &head).await?;
        self.clone.reset_index(tree).await?;
        Ok(Some(sha))
    }

    /// A merge or rebase under way has a shape that a plain commit would lose.
    async fn refuse_unfinished(&self) -> Result<()> {
        let states = [
            ("MERGE_HEAD", "a merge"),
            ("CHERRY_PICK_HEAD", "a cherry-pick"),
            ("REVERT_HEAD", "a revert"),
            ("rebase-merge", "a rebase"),
            ("rebase-apply", "a rebase"),
        ];
        for (file, what) in states {
            if tokio::fs::symlink_metadata(self.clone.dir().join(file)).await.is_ok() {
                return Err(WorkspaceError::Unfinished(what));
            }
        }
        Ok(())
    }

    async fn work(&self) -> Result<Work> {
        self.guard().await?;
        let head = self.clone.head().await?;
        let exclude = self.clone.dir().join("info/exclude");
        let exclude = exclude.is_file().then_some(exclude);
        let files = self.vault.over(self.path());
        let swept = files.sweep(&self.index(), exclude.as_deref()).await?;
        let others = self.others(head.as_ref()).await?;
        Ok(Work { head, others, files: swept })
    }

    fn index(&self) -> PathBuf {
        self.vault.dir().join("work.index")
    }

    /// Tips of branches and the stash that `HEAD` does not reach.
    async fn others(&self, head: Option<&Sha>) -> Result<Vec<Sha>> {
        let mut tips: Vec<Sha> = Vec::new();
        for (_, tip) in self.clone.refs(&["refs/heads", "refs/stash"]).await? {
            let reached = match head {
                Some(head) => self.vault.is_ancestor(&tip, head).await?,
                None => false,
            };
            if !reached && !tips.contains(&tip) && tips.len() < MAX_TIPS {
                tips.push(tip);
            }
        }
        Ok(tips)
    }

    /// The commit on the remote that already holds the work: the branch's tip, or the last checkpoint.
    async fn held(&self, work: &Work, remote: &super::fence::Fence) -> Result<Option<Sha>> {
        if let (Some(head), true) = (&work.head, work.others.is_empty()) {
            if remote.branch.as_ref() == Some(head) && self.vault.tree_of(head).await? == work.files.tree {
                return Ok(Some(head.clone()));
            }
        }
        let Some(wip) = &remote.wip else { return Ok(None) };
        let known = self.vault.has(wip).await?;
        let same = known
            && self.vault.tree_of(wip).await? == work.files.tree
            && self.vault.parents(wip).await? == work.parents();
        Ok(same.then(|| wip.clone()))
    }

    async fn wrap(&self, work: &Work) -> Result<Sha> {
        let (session, attempt) = self.mark;
        let message = format!(
            "devtask: checkpoint of attempt {attempt}\n\n{WIP_SESSION}{session}\nattempt: {attempt}\n"
        );
        let (parents, who) = (work.parents(), committer());
        let commit = Commit {
            tree: &work.files.tree,
            parents: &parents,
            message: &message,
            author: &self.author,
            committer: &who,
        };
        Ok(self.vault.commit(&commit).await?)
    }
}

impl Work {
    fn parents(&self) -> Vec<Sha> {
        self.head.iter().chain(&self.others).cloned().collect()
    }
}
