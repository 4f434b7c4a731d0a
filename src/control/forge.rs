//! What the control plane asks of a forge: does a repository exist, how to push to it, open its pull request.
//!
//! Knows the questions; must not know HTTP. `github::GitHub` answers them through the impl below.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::domain::session::PullRequest;
use crate::domain::{Repo, Time};
use crate::wire::run::Remote;

/// A pull request as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub owner: String,
    pub name: String,
    /// The branch that is pushed.
    pub head: String,
    /// The commit it stands at; an older pull request of the same head is brought to it by the push itself.
    pub sha: String,
    /// `None` = the repository's default branch.
    pub base: Option<String>,
    pub title: String,
    pub body: String,
}

/// Why the forge did not do it, sorted by what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// Trying again may help, not before `until` where the forge named a time.
    #[error("{why}")]
    Transient { why: String, until: Option<Time> },
    /// For the person: trying again will not help.
    #[error("{0}")]
    Permanent(String),
    /// There is no such repository, or we may not see it.
    #[error("there is no repository `{0}`, or DevTask may not see it")]
    Unknown(String),
    /// The session changed its mind before anything was created.
    #[error("it is not wanted any more")]
    NotWanted,
}

/// Asked right before something is created: whether it is still wanted.
#[async_trait]
pub trait Wanted: Send + Sync {
    async fn still(&self) -> bool;
}

#[async_trait]
pub trait Forge: Send + Sync {
    /// Refuses a repository that is not there.
    async fn exists(&self, owner: &str, name: &str) -> Result<(), ForgeError>;
    /// What git fetches from and pushes to.
    fn remote(&self, owner: &str, name: &str) -> Remote;
    /// The repository an `origin` address names, where it is one of this forge's.
    fn recognise(&self, url: &str) -> Option<Repo>;
    /// `user:password` for one git operation; `None` where none is needed.
    async fn credential(&self, owner: &str, name: &str) -> Result<Option<SecretString>, ForgeError>;
    /// Opens, adopts (found by its head) or updates the pull request; the same again gives the same.
    async fn publish(&self, proposal: Proposal, wanted: &dyn Wanted) -> Result<PullRequest, ForgeError>;
}
