//! Where the work starts: which branch, from which commit, with which files.
//!
//! Knows what an earlier attempt, a checkpoint and the remote's branches mean together: nothing that only one of them
//! has is ever left behind. Must not know how a clone is made or fenced.

use super::error::WorkspaceError;
use super::prepare::{Found, Maker, NAMES, READY, Result};
use super::save::WIP_SESSION;
use super::ship::bring_in;
use crate::git::{BranchName, Heads, Sha};

/// Where the work starts.
pub(super) struct Start {
    pub branch: BranchName,
    pub base: String,
    pub base_sha: Sha,
    /// The commit that is checked out, and the tree its files get.
    pub commit: Sha,
    pub files: Option<Sha>,
    /// The branch is made on the remote, at `commit`.
    pub fresh: bool,
}

impl Maker<'_> {
    /// The base's name: as asked, as an earlier attempt had it, or the remote's default.
    fn base(&self, heads: &Heads, found: &Found) -> Result<BranchName> {
        let earlier = found.seen.as_ref().map(|(_, m)| m.base.clone());
        let base = match self.run.new.base.clone().or(earlier) {
            Some(base) => base.parse()?,
            None => heads.default.clone().ok_or_else(|| WorkspaceError::NoDefault(self.url.clone()))?,
        };
        if heads.branch(&base).is_some() || self.known_branch(found)?.is_some() {
            return Ok(base);
        }
        Err(WorkspaceError::UnknownBase { url: self.url.clone(), base: base.to_string() })
    }

    /// The branch an earlier attempt worked on.
    fn known_branch(&self, found: &Found) -> Result<Option<BranchName>> {
        match (&self.run.branch, &found.seen) {
            (Some(name), _) => Ok(Some(name.parse()?)),
            (None, Some((_, marker))) => Ok(Some(marker.branch.clone())),
            (None, None) => Ok(None),
        }
    }

    /// With a clone that is ready: nothing in it is touched. Commits others pushed are brought in beside.
    pub async fn go_on(&mut self, heads: &Heads, found: &Found) -> Result<Start> {
        let base = self.base(heads, found)?;
        let branch = match self.known_branch(found)? {
            Some(branch) => branch,
            None => self.free_name(heads)?,
        };
        let commit = self.vault.find(&READY.parse()?).await?.ok_or(WorkspaceError::NoCommit)?;
        if let Some(tip) = heads.branch(&branch)
            && !self.vault.has(tip).await?
        {
            let credential = self.credential().await;
            let brought = bring_in(&self.vault, &self.clone, &self.url, &branch, credential.as_ref()).await;
            brought.map_err(|e| self.remote_error(e))?;
            self.notes.push(format!(
                "`{branch}` has commits of others on the remote: they are `origin/{branch}` here"
            ));
        }
        let base_sha = self.base_sha(found, &base, &commit).await?;
        Ok(Start { branch, base: base.to_string(), base_sha, commit, files: None, fresh: false })
    }

    async fn base_sha(&self, found: &Found, base: &BranchName, commit: &Sha) -> Result<Sha> {
        let named = self.run.base_sha.as_deref().and_then(|s| s.parse().ok());
        let named: Option<Sha> = named.or_else(|| found.seen.as_ref().map(|(_, m)| m.base_sha.clone()));
        if let Some(sha) = named
            && self.vault.has(&sha).await?
        {
            return Ok(sha);
        }
        let tip = self.clone.find(&format!("refs/remotes/origin/{base}").parse()?).await?;
        match tip {
            Some(tip) => Ok(self.vault.merge_base(&tip, commit).await?.unwrap_or_else(|| commit.clone())),
            None => Ok(commit.clone()),
        }
    }

    /// In a new clone: at the base on a free name, or where the last checkpoint or push was.
    pub async fn start(&mut self, heads: &Heads, found: &Found) -> Result<Start> {
        let base = self.base(heads, found)?;
        let tip = self.clone.find(&format!("refs/remotes/origin/{base}").parse()?).await?;
        let Some(branch) = self.known_branch(found)? else {
            let commit = tip.ok_or_else(|| WorkspaceError::UnknownBase {
                url: self.url.clone(),
                base: base.to_string(),
            })?;
            let branch = self.free_name(heads)?;
            let base_sha = commit.clone();
            return Ok(Start { branch, base: base.to_string(), base_sha, commit, files: None, fresh: true });
        };
        let pushed = self.clone.find(&format!("refs/remotes/origin/{branch}").parse()?).await?;
        let saved = self.saved(heads, found).await?;
        let (commit, files) = match (saved, pushed) {
            (Some((head, tree)), Some(tip)) => self.newer(&branch, head, tree, tip).await?,
            (Some((head, tree)), None) => (head, Some(tree)),
            (None, Some(tip)) => (tip, None),
            (None, None) => {
                self.notes
                    .push(format!("`{branch}` is gone from the remote; the work starts again at `{base}`"));
                let url = self.url.clone();
                (tip.ok_or(WorkspaceError::UnknownBase { url, base: base.to_string() })?, None)
            }
        };
        let base_sha = self.base_sha(found, &base, &commit).await?;
        Ok(Start { branch, base: base.to_string(), base_sha, commit, files, fresh: false })
    }

    /// The last checkpoint, fetched: the commit `HEAD` was at and the tree of the files.
    async fn saved(&self, heads: &Heads, found: &Found) -> Result<Option<(Sha, Sha)>> {
        let Some(at) = heads.get(&found.slot.wip).filter(|_| found.seen.is_some()) else { return Ok(None) };
        let spec = format!("+{}:refs/devtask/restored", found.slot.wip);
        let credential = self.credential().await;
        self.clone.fetch(&self.url, &[spec], credential.as_ref()).await.map_err(|e| self.remote_error(e))?;
        let ours = format!("{WIP_SESSION}{}", self.run.new.mark);
        if !self.clone.message(at).await?.lines().any(|l| l == ours) {
            return Ok(None);
        }
        let tree = self.clone.tree_of(at).await?;
        let parents = self.clone.parents(at).await?;
        for (n, other) in parents.iter().enumerate().skip(1) {
            self.clone.set_ref(&format!("refs/devtask/saved/{n}").parse()?, other).await?;
        }
        Ok(parents.into_iter().next().map(|head| (head, tree)))
    }

    /// Checkpoint or branch: nothing that only the checkpoint has is ever left behind.
    async fn newer(
        &mut self,
        branch: &BranchName,
        head: Sha,
        tree: Sha,
        tip: Sha,
    ) -> Result<(Sha, Option<Sha>)> {
        if head == tip || self.clone.is_ancestor(&tip, &head).await? {
            return Ok((head, Some(tree)));
        }
        let clean = self.clone.tree_of(&head).await? == tree || self.clone.tree_of(&tip).await? == tree;
        if clean && self.clone.is_ancestor(&head, &tip).await? {
            return Ok((tip, None));
        }
        self.notes
            .push(format!("`{branch}` has commits of others on the remote: they are `origin/{branch}` here"));
        Ok((head, Some(tree)))
    }

    /// The session's branch name, or with `-2`, `-3` … where somebody else has it.
    fn free_name(&self, heads: &Heads) -> Result<BranchName> {
        let name = self.run.new.branch();
        for n in 1..=NAMES {
            let tried: BranchName = if n == 1 { name.parse()? } else { format!("{name}-{n}").parse()? };
            if heads.branch(&tried).is_none() {
                return Ok(tried);
            }
        }
        Err(WorkspaceError::NoName(name))
    }
}
