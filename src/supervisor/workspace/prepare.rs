//! Making the clone, or going on with one.
//!
//! Order matters: ask the remote, refuse what is overtaken, clone beside and rename, move the fence (and make the
//! branch with it, all or nothing), fill the files, and only then note in our own repository that the clone is ready.
//! A crash anywhere leaves something the next try goes on with.
//!
//! Knows how a clone comes to be; must not know what the agent does in it.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::Mutex;

use super::error::WorkspaceError;
use super::fence::{Fence, Marker, Slot};
use super::save::WIP_SESSION;
use super::ship::bring_in;
use super::{Credentials, Workspace, work_folder};
use crate::git::{
    BranchName, Failure, Git, Heads, Identity, Lease, Mirror, Place, Push, RefName, RemoteUrl, Sha,
};
use crate::wire::run::Run;

type Result<T> = std::result::Result<T, WorkspaceError>;

/// How many names (`-2`, `-3` …) are tried before we say that something is wrong.
const NAMES: u32 = 50;
/// How often the fence is tried again when others move refs at the same time.
const ROUNDS: u32 = 10;
const READY: &str = "refs/devtask/ready";
const SEEN: &str = "refs/devtask/seen";

/// What is fixed while a clone is made.
struct Maker<'a> {
    run: &'a Run,
    home: &'a Path,
    git: Git,
    url: RemoteUrl,
    credentials: &'a dyn Credentials,
    vault: Place,
    clone: Place,
    author: Identity,
    notes: Vec<String>,
}

/// A slot and what its ref says, if anything.
struct Found {
    slot: Slot,
    seen: Option<(Sha, Marker)>,
}

/// Where the work starts.
struct Start {
    branch: BranchName,
    base: String,
    base_sha: Sha,
    /// The commit that is checked out, and the tree its files get.
    commit: Sha,
    files: Option<Sha>,
    /// The branch is made on the remote, at `commit`.
    fresh: bool,
}

impl Workspace {
    /// A clone of the run's repository below `home`, on the session's branch, fenced for this attempt.
    pub async fn prepare(run: &Run, home: &Path, credentials: Arc<dyn Credentials>) -> Result<Self> {
        let url: RemoteUrl = run.remote.url.parse()?;
        let git = Git::new(home.join("git-home"));
        for folder in ["git-home", "git"] {
            tokio::fs::create_dir_all(home.join(folder)).await?;
        }
        let maker = Maker {
            run,
            home,
            vault: git.bare(home.join("git")),
            clone: git.clone_at(work_folder(home)),
            git,
            url,
            credentials: &*credentials,
            author: Identity::new(&run.author.name, &run.author.email),
            notes: Vec::new(),
        };
        let (maker, start, fence) = maker.make().await?;
        let Maker { git, url, vault, clone, author, notes, .. } = maker;
        Ok(Self {
            home: home.to_owned(),
            git,
            url,
            needs_credential: run.remote.needs_credential,
            vault,
            clone,
            branch: start.branch,
            base: start.base,
            base_sha: start.base_sha,
            author,
            mark: (run.new.mark, run.attempt),
            notes,
            remote: Mutex::new(fence),
            credentials,
        })
    }
}

impl Maker<'_> {
    async fn make(mut self) -> Result<(Self, Start, Fence)> {
        self.look_at_path().await?;
        self.vault.init().await?;
        let ready: RefName = READY.parse()?;
        for _ in 0..ROUNDS {
            let heads = self.ls().await?;
            let found = self.slot(&heads).await?;
            self.refuse_if_overtaken(&found)?;
            self.clone_if_missing().await?;
            let kept = self.vault.find(&ready).await?.is_some();
            let start =
                if kept { self.go_on(&heads, &found).await? } else { self.start(&heads, &found).await? };
            let Some(fence) = self.fence(&heads, found, &start).await? else { continue };
            if !kept {
                self.fill(&start).await?;
                self.vault.set_ref(&ready, &start.commit).await?;
            }
            return Ok((self, start, fence));
        }
        Err(WorkspaceError::NoName(self.run.new.branch()))
    }

    async fn credential(&self) -> Option<SecretString> {
        if self.run.remote.needs_credential { self.credentials.lend().await } else { None }
    }

    fn remote_error(&self, e: crate::git::GitError) -> WorkspaceError {
        WorkspaceError::from_remote(e, &self.url, &self.run.new.branch())
    }

    /// What only a folder can be: absent, shallow, with changes nobody committed.
    async fn look_at_path(&mut self) -> Result<()> {
        let Some(path) = self.url.path() else { return Ok(()) };
        if !tokio::fs::metadata(path).await.is_ok_and(|m| m.is_dir()) {
            return Err(WorkspaceError::NoFolder(self.url.clone()));
        }
        self.git.ls_remote(&self.url, &["HEAD"], None).await.map_err(|e| self.remote_error(e))?;
        let with_files = tokio::fs::try_exists(path.join(".git")).await.unwrap_or(false);
        let source = if with_files { self.git.clone_at(path) } else { self.git.bare(path) };
        if source.is_shallow().await? {
            return Err(WorkspaceError::Shallow(self.url.clone()));
        }
        if with_files && source.is_dirty().await.unwrap_or(false) {
            self.notes.push(format!(
                "{} has changes that are not committed; the session starts without them",
                self.url
            ));
        }
        Ok(())
    }

    async fn ls(&self) -> Result<Heads> {
        let which = ["HEAD", "refs/heads/*", "refs/devtask/attempt/*", "refs/devtask/wip/*"];
        let credential = self.credential().await;
        let heads = self.git.ls_remote(&self.url, &which, credential.as_ref()).await;
        let heads = heads.map_err(|e| self.remote_error(e))?;
        if heads.is_empty() { Err(WorkspaceError::Empty(self.url.clone())) } else { Ok(heads) }
    }

    /// The first slot that is ours or nobody's.
    async fn slot(&self, heads: &Heads) -> Result<Found> {
        for n in 1..=NAMES {
            let slot = Slot::new(self.run.new.id, n)?;
            let Some(at) = heads.get(&slot.attempt) else { return Ok(Found { slot, seen: None }) };
            let spec = format!("+{}:{SEEN}", slot.attempt);
            let credential = self.credential().await;
            self.vault
                .fetch(&self.url, &[spec], credential.as_ref())
                .await
                .map_err(|e| self.remote_error(e))?;
            let Some(at) = self.vault.find(&SEEN.parse()?).await?.or(Some(at.clone())) else { continue };
            let marker = Marker::parse(&self.vault.message(&at).await?);
            if let Some(marker) = marker.filter(|m| m.session == self.run.new.mark) {
                return Ok(Found { slot, seen: Some((at, marker)) });
            }
        }
        Err(WorkspaceError::NoName(format!("refs/devtask/attempt/{}", self.run.new.id.number())))
    }

    fn refuse_if_overtaken(&self, found: &Found) -> Result<()> {
        match &found.seen {
            Some((_, m)) if m.attempt > self.run.attempt => {
                Err(WorkspaceError::Fenced { ours: self.run.attempt, newer: m.attempt })
            }
            _ => Ok(()),
        }
    }

    /// Clones beside and renames: there is no half clone under the final name.
    async fn clone_if_missing(&self) -> Result<()> {
        let folder = work_folder(self.home);
        if !tokio::fs::try_exists(&folder).await? {
            let beside = self.home.join("work.new");
            tokio::fs::remove_dir_all(&beside).await.or_else(ignore_absent)?;
            let new = self.git.clone_at(&beside);
            new.init().await?;
            let specs =
                ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"].map(str::to_owned);
            self.get(&new, &specs).await?;
            self.configure(&new).await?;
            tokio::fs::rename(&beside, &folder).await?;
        }
        Ok(self.vault.borrow_objects(self.clone.dir()).await?)
    }

    /// From the machine's mirror, brought up to date first, or from the remote itself.
    async fn get(&self, into: &Place, specs: &[String]) -> Result<()> {
        let credential = self.credential().await;
        let from = match &self.run.mirrors {
            Some(folder) => Mirror::new(&self.git, folder, &self.url).refresh(credential.as_ref()).await,
            None => {
                return into
                    .fetch(&self.url, specs, credential.as_ref())
                    .await
                    .map_err(|e| self.remote_error(e));
            }
        };
        let mirror = from.map_err(|e| self.remote_error(e))?;
        Ok(into.fetch_local(mirror.dir(), specs).await?)
    }

    async fn configure(&self, clone: &Place) -> Result<()> {
        clone.set("remote.origin.url", &self.url.to_string()).await?;
        clone.set("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*").await?;
        clone.set("user.name", &self.author.name).await?;
        clone.set("user.email", &self.author.email).await?;
        Ok(())
    }

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
    async fn go_on(&mut self, heads: &Heads, found: &Found) -> Result<Start> {
        let base = self.base(heads, found)?;
        let branch = match self.known_branch(found)? {
            Some(branch) => branch,
            None => self.free_name(heads)?,
        };
        let commit = self.vault.find(&READY.parse()?).await?.ok_or(WorkspaceError::NoCommit)?;
        if let Some(tip) = heads.branch(&branch) {
            if !self.vault.has(tip).await? {
                let credential = self.credential().await;
                let brought =
                    bring_in(&self.vault, &self.clone, &self.url, &branch, credential.as_ref()).await;
                brought.map_err(|e| self.remote_error(e))?;
                self.notes.push(format!(
                    "`{branch}` has commits of others on the remote: they are `origin/{branch}` here"
                ));
            }
        }
        let base_sha = self.base_sha(found, &base, &commit).await?;
        Ok(Start { branch, base: base.to_string(), base_sha, commit, files: None, fresh: false })
    }

    async fn base_sha(&self, found: &Found, base: &BranchName, commit: &Sha) -> Result<Sha> {
        let named = self.run.base_sha.as_deref().and_then(|s| s.parse().ok());
        let named: Option<Sha> = named.or_else(|| found.seen.as_ref().map(|(_, m)| m.base_sha.clone()));
        if let Some(sha) = named {
            if self.vault.has(&sha).await? {
                return Ok(sha);
            }
        }
        let tip = self.clone.find(&format!("refs/remotes/origin/{base}").parse()?).await?;
        match tip {
            Some(tip) => Ok(self.vault.merge_base(&tip, commit).await?.unwrap_or_else(|| commit.clone())),
            None => Ok(commit.clone()),
        }
    }

    /// In a new clone: at the base on a free name, or where the last checkpoint or push was.
    async fn start(&mut self, heads: &Heads, found: &Found) -> Result<Start> {
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

    /// Moves the attempt ref to this attempt, and makes the branch with it. `None`: others were faster, look again.
    async fn fence(&self, heads: &Heads, found: Found, start: &Start) -> Result<Option<Fence>> {
        let Found { slot, seen } = found;
        let marker = Marker {
            session: self.run.new.mark,
            attempt: self.run.attempt,
            step: seen.as_ref().map_or(1, |(_, m)| m.step.saturating_add(1)),
            branch: start.branch.clone(),
            base: start.base.clone(),
            base_sha: start.base_sha.clone(),
        };
        let at = marker.commit(&self.vault).await?;
        let lease = seen.map(|(sha, _)| sha).into();
        let mut refs = vec![Push { name: slot.attempt.clone(), to: Some(at.clone()), lease }];
        if start.fresh {
            let to = Some(start.commit.clone());
            refs.push(Push { name: start.branch.to_ref(), to, lease: Lease::Absent });
        }
        let credential = self.credential().await;
        match self.vault.push(&self.url, &refs, credential.as_ref()).await {
            Err(e) if e.failure() == Some(&Failure::Stale) => return Ok(None),
            pushed => pushed.map_err(|e| self.remote_error(e))?,
        }
        let branch =
            if start.fresh { Some(start.commit.clone()) } else { heads.branch(&start.branch).cloned() };
        let wip = heads.get(&slot.wip).cloned();
        Ok(Some(Fence { slot, marker, at, branch, wip }))
    }

    /// Files, `HEAD` and index of a new clone.
    async fn fill(&self, start: &Start) -> Result<()> {
        self.clone.checkout_new(&start.branch, &start.commit).await?;
        if let Some(tree) = &start.files {
            self.clone.fill(tree).await?;
            let committed = self.clone.tree_of(&start.commit).await?;
            self.clone.reset_index(&committed).await?;
        }
        Ok(())
    }
}

fn ignore_absent(e: std::io::Error) -> std::io::Result<()> {
    if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) }
}
