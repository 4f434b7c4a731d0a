//! Pushing, fenced and verified.
//!
//! Every push moves the attempt ref with it. Where a lease does not hold, the remote is looked at: a newer attempt ends
//! this one; an answer of ours that got lost is taken up; commits of others are brought in beside the agent's work.
//!
//! Knows pushes of this session; must not know what follows from them.

use secrecy::SecretString;

use super::fence::{Fence, Marker, Slot};
use super::{Workspace, WorkspaceError};
use crate::domain::report::Pushed;
use crate::git::{BranchName, Failure, GitError, Heads, Lease, Place, Push, RemoteUrl, Sha};

type Result<T> = std::result::Result<T, WorkspaceError>;

/// How often a push is tried again after a look at the remote.
const ROUNDS: u32 = 4;
const SEEN: &str = "refs/devtask/seen";

impl Workspace {
    /// Moves the branch on the remote to the agent's `HEAD`, with the fence, all or nothing, and reads it back.
    pub async fn push(&self) -> Result<Pushed> {
        let mut remote = self.remote.lock().await;
        let head = self.head().await?;
        let name = self.branch.to_ref();
        self.send(&mut remote, |fence| Push {
            name: name.clone(),
            to: Some(head.clone()),
            lease: fence.branch.clone().into(),
        })
        .await?;
        remote.branch = Some(head.clone());
        let heads = self.look(&remote.slot).await?;
        if heads.get(&name) != Some(&head) {
            return Err(WorkspaceError::NotVerified { branch: self.branch.to_string() });
        }
        let tree = self.vault.tree_of(&head).await?.to_string();
        Ok(Pushed { branch: self.branch.to_string(), sha: head.to_string(), tree })
    }

    /// Pushes what `what` makes of our knowledge of the remote, beside the fence.
    pub(super) async fn send(&self, remote: &mut Fence, what: impl Fn(&Fence) -> Push) -> Result<()> {
        for _ in 0..ROUNDS {
            let push = what(remote);
            let marker = remote.marker.next();
            let at = marker.commit(&self.vault).await?;
            let lease = Lease::At(remote.at.clone());
            let fence = Push { name: remote.slot.attempt.clone(), to: Some(at.clone()), lease };
            let credential = self.credential().await;
            match self.vault.push(&self.url, &[push.clone(), fence], credential.as_ref()).await {
                Ok(()) => {
                    remote.marker = marker;
                    remote.at = at;
                    return Ok(());
                }
                Err(e) if e.failure() == Some(&Failure::Stale) => self.catch_up(remote, &push).await?,
                Err(e) => return Err(self.remote_error(e)),
            }
        }
        Err(WorkspaceError::NotVerified { branch: self.branch.to_string() })
    }

    fn remote_error(&self, e: GitError) -> WorkspaceError {
        WorkspaceError::from_remote(e, &self.url, self.branch.as_str())
    }

    /// The session's refs as they stand on the remote.
    pub(super) async fn look(&self, slot: &Slot) -> Result<Heads> {
        let credential = self.credential().await;
        let branch = self.branch.to_ref();
        let which = [branch.as_str(), slot.attempt.as_str(), slot.wip.as_str()];
        self.git.ls_remote(&self.url, &which, credential.as_ref()).await.map_err(|e| self.remote_error(e))
    }

    /// Learns from the remote why a lease did not hold.
    async fn catch_up(&self, remote: &mut Fence, push: &Push) -> Result<()> {
        let heads = self.look(&remote.slot).await?;
        self.read_fence(remote, &heads).await?;
        remote.wip = heads.get(&remote.slot.wip).cloned();
        let tip = heads.branch(&self.branch).cloned();
        if tip != remote.branch && push.name == self.branch.to_ref() {
            if let (Some(tip), Some(head)) = (&tip, &push.to) {
                self.refuse_diverged(tip, head).await?;
            }
            remote.branch = tip;
        }
        Ok(())
    }

    async fn read_fence(&self, remote: &mut Fence, heads: &Heads) -> Result<()> {
        let ours = self.mark.1;
        let overtaken = |newer| WorkspaceError::Fenced { ours, newer };
        // Somebody took the fence away: then nobody can say who may push.
        let Some(at) = heads.get(&remote.slot.attempt) else { return Err(overtaken(ours.next())) };
        if *at == remote.at {
            return Ok(());
        }
        let credential = self.credential().await;
        let spec = format!("+{}:{SEEN}", remote.slot.attempt);
        self.vault.fetch(&self.url, &[spec], credential.as_ref()).await.map_err(|e| self.remote_error(e))?;
        let marker = Marker::parse(&self.vault.message(at).await?);
        match marker {
            Some(m) if m.session == self.mark.0 && m.attempt == ours => {
                remote.at = at.clone();
                remote.marker = m;
                Ok(())
            }
            Some(m) if m.session == self.mark.0 => Err(overtaken(m.attempt)),
            _ => Err(overtaken(ours.next())),
        }
    }

    /// Commits of others on the branch must be part of what is pushed.
    async fn refuse_diverged(&self, tip: &Sha, head: &Sha) -> Result<()> {
        if self.vault.has(tip).await? && self.vault.is_ancestor(tip, head).await? {
            return Ok(());
        }
        let credential = self.credential().await;
        let brought = bring_in(&self.vault, &self.clone, &self.url, &self.branch, credential.as_ref()).await;
        brought.map_err(|e| self.remote_error(e))?;
        Err(WorkspaceError::Diverged { branch: self.branch.to_string() })
    }
}

/// Fetches a branch of the remote with our own repository and hands it to the agent's clone as `origin/<branch>`.
pub(super) async fn bring_in(
    vault: &Place,
    clone: &Place,
    url: &RemoteUrl,
    branch: &BranchName,
    credential: Option<&SecretString>,
) -> std::result::Result<(), GitError> {
    let ours = "refs/devtask/remote".parse()?;
    vault.fetch(url, &[format!("+{}:{ours}", branch.to_ref())], credential).await?;
    let Some(tip) = vault.find(&ours).await? else { return Ok(()) };
    let known: Vec<Sha> =
        clone.refs(&["refs/heads", "refs/remotes"]).await?.into_iter().map(|(_, s)| s).collect();
    vault.hand_over(clone, std::slice::from_ref(&tip), &known, vault.dir()).await?;
    clone.set_ref(&format!("refs/remotes/origin/{branch}").parse()?, &tip).await
}
