//! The fence: a ref on the remote that says which attempt may push.
//!
//! It stands at a commit without files whose message is a [`Marker`]. Every push of ours moves it by lease, together
//! with what is pushed, all or nothing: once a newer attempt has moved it, no push of an older one can go through, not
//! even one that is under way. The marker's `step` rises so that it always moves.
//!
//! Two installations may number their sessions alike: a marker with another session's mark is left alone, and the
//! next free slot (`142-2`) is taken.
//!
//! Knows markers and slots; must not know when something is pushed.

use uuid::Uuid;

use crate::domain::{Attempt, SessionId};
use crate::git::{BadName, BranchName, Commit, GitError, Place, RefName, Sha};

/// What we know of the remote, and have to present as leases.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    pub slot: Slot,
    pub marker: Marker,
    /// Where the attempt ref stands.
    pub at: Sha,
    /// Where the branch stands.
    pub branch: Option<Sha>,
    /// Where the checkpoint stands.
    pub wip: Option<Sha>,
}

/// A session's two own refs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub attempt: RefName,
    pub wip: RefName,
}

impl Slot {
    /// `n`: 1 for the plain name, then `-2`, `-3` …
    pub fn new(session: SessionId, n: u32) -> Result<Self, BadName> {
        let number = session.number();
        let name = if n < 2 { number.to_string() } else { format!("{number}-{n}") };
        Ok(Self {
            attempt: format!("refs/devtask/attempt/{name}").parse()?,
            wip: format!("refs/devtask/wip/{name}").parse()?,
        })
    }
}

/// What the attempt ref says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    /// The session's own random mark.
    pub session: Uuid,
    pub attempt: Attempt,
    pub step: u64,
    pub branch: BranchName,
    pub base: String,
    pub base_sha: Sha,
}

impl Marker {
    pub fn text(&self) -> String {
        let Self { session, attempt, step, branch, base, base_sha } = self;
        format!(
            "devtask: attempt {attempt} on {branch}\n\nsession: {session}\nattempt: {attempt}\nstep: {step}\n\
             branch: {branch}\nbase: {base}\nbase-sha: {base_sha}\n"
        )
    }

    /// `None` for what we did not write.
    pub fn parse(text: &str) -> Option<Self> {
        let value = |key: &str| {
            let find = |l: &str| l.strip_prefix(key).and_then(|v| v.strip_prefix(": ")).map(str::to_owned);
            text.lines().find_map(find)
        };
        Some(Self {
            session: value("session")?.parse().ok()?,
            attempt: Attempt(value("attempt")?.parse().ok()?),
            step: value("step")?.parse().ok()?,
            branch: value("branch")?.parse().ok()?,
            base: value("base")?.parse::<BranchName>().ok()?.to_string(),
            base_sha: value("base-sha")?.parse().ok()?,
        })
    }

    /// The next marker of the same attempt.
    pub fn next(&self) -> Self {
        Self { step: self.step.saturating_add(1), ..self.clone() }
    }

    /// Makes the commit; moves nothing.
    pub async fn commit(&self, vault: &Place) -> Result<Sha, GitError> {
        let (tree, who) = (vault.empty_tree().await?, super::committer());
        let commit =
            Commit { tree: &tree, parents: &[], message: &self.text(), author: &who, committer: &who };
        vault.commit(&commit).await
    }
}
