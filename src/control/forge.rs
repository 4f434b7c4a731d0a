//! What the control plane asks of a forge: does a repository exist, how to push to it, open its pull request.
//!
//! Knows the questions, and which of GitHub's errors a pause can heal; must not know HTTP.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::domain::session::PullRequest;
use crate::domain::{Repo, Time};
use crate::github::{self, GitHub, GitHubError, NewPull, Retry};
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
    /// What git fetches from and pushes to; `None` for what is no repository's name.
    fn remote(&self, owner: &str, name: &str) -> Option<Remote>;
    /// The repository an `origin` address names, where it is one of this forge's.
    fn recognise(&self, url: &str) -> Option<Repo>;
    /// `user:password` for one git operation; `None` where none is needed.
    async fn credential(&self, owner: &str, name: &str) -> Result<Option<SecretString>, ForgeError>;
    /// Opens, adopts (found by its head) or updates the pull request; the same again gives the same.
    async fn publish(&self, proposal: Proposal, wanted: &dyn Wanted) -> Result<PullRequest, ForgeError>;
}

/// GitHub with the settings that say where it is.
pub struct OnGitHub {
    github: GitHub,
    settings: github::Settings,
}

impl OnGitHub {
    /// Must be called inside a tokio runtime.
    pub fn new(settings: github::Settings, clock: crate::clock::Clock) -> Result<Self, GitHubError> {
        Ok(Self { github: GitHub::with_clock(&settings, clock)?, settings })
    }

    async fn base(&self, proposal: &Proposal) -> Result<String, ForgeError> {
        match &proposal.base {
            Some(base) => Ok(base.clone()),
            None => Ok(self
                .github
                .repo(&proposal.owner, &proposal.name)
                .await
                .map_err(|e| sorted(&e))?
                .default_branch),
        }
    }
}

#[async_trait]
impl Forge for OnGitHub {
    async fn exists(&self, owner: &str, name: &str) -> Result<(), ForgeError> {
        match self.github.repo(owner, name).await {
            Ok(_) => Ok(()),
            Err(GitHubError::NotFound { .. } | GitHubError::BadName { .. }) => {
                Err(ForgeError::Unknown(format!("{owner}/{name}")))
            }
            Err(error) => Err(sorted(&error)),
        }
    }

    fn remote(&self, owner: &str, name: &str) -> Option<Remote> {
        let url = github::remote_url(&self.settings, owner, name).ok()?;
        Some(Remote { url, needs_credential: self.github.credential().is_some() })
    }

    fn recognise(&self, url: &str) -> Option<Repo> {
        let base = self.settings.git_base_url.trim_end_matches('/');
        let host = base.split_once("://").map_or(base, |(_, host)| host);
        let starts = [format!("{base}/"), format!("git@{host}:"), format!("ssh://git@{host}/")];
        let path = starts.iter().find_map(|start| url.strip_prefix(start.as_str()))?;
        // Parsed as `owner/name`: a deeper path or an option is no repository.
        path.parse().ok().filter(|repo| matches!(repo, Repo::Forge { .. }))
    }

    async fn credential(&self, _owner: &str, _name: &str) -> Result<Option<SecretString>, ForgeError> {
        Ok(self.github.credential())
    }

    async fn publish(&self, proposal: Proposal, wanted: &dyn Wanted) -> Result<PullRequest, ForgeError> {
        let base = self.base(&proposal).await?;
        let Proposal { owner, name, head, title, body, .. } = proposal;
        let new = NewPull { owner, name, head, base, title, body, draft: false };
        match self.github.publish(&new, &|| wanted.still()).await {
            Ok(done) => Ok(PullRequest { number: done.number, url: done.url, adopted: done.adopted }),
            Err(GitHubError::Unwanted { .. }) => Err(ForgeError::NotWanted),
            Err(error) => Err(sorted(&error)),
        }
    }
}

pub(super) fn sorted(error: &GitHubError) -> ForgeError {
    let why = error.sentence();
    match error.retry() {
        Retry::Later | Retry::AfterLooking => ForgeError::Transient { why, until: None },
        Retry::NotBefore(until) => ForgeError::Transient { why, until: Some(until) },
        Retry::Never => ForgeError::Permanent(why),
    }
}
