//! What the control plane asks of a forge: does a repository exist, how to push to it, open its pull request.
//!
//! Knows the questions, and which of GitHub's errors a pause can heal; must not know HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::domain::session::PullRequest;
use crate::domain::{Repo, Time};
use crate::github::device::{DeviceCode, Devices, Poll};
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
    /// The same forge with a person's own token; `None` where it has no people.
    fn on_behalf_of(&self, _token: SecretString) -> Option<Arc<dyn Forge>> {
        None
    }
    /// Whose token it is.
    async fn login_of(&self, _token: &SecretString) -> Result<String, ForgeError> {
        Err(ForgeError::Permanent(NO_PEOPLE.to_owned()))
    }
    async fn begin_link(&self) -> Result<DeviceCode, ForgeError> {
        Err(ForgeError::Permanent(NO_PEOPLE.to_owned()))
    }
    /// Whether the code is typed; asked not more often than the device says.
    async fn typed(&self, _device: &DeviceCode) -> Result<Poll, ForgeError> {
        Err(ForgeError::Permanent(NO_PEOPLE.to_owned()))
    }
}

const NO_PEOPLE: &str = "this forge has no accounts to link";
const NO_APP: &str = "accounts cannot be linked by a code: no OAuth app is configured (`github.client_id`)";
/// What a person's token is to allow: their repositories and their codespaces.
const SCOPES: [&str; 2] = ["repo", "codespace"];

/// GitHub with the settings that say where it is.
#[derive(Clone)]
pub struct OnGitHub {
    github: GitHub,
    settings: github::Settings,
    clock: crate::clock::Clock,
}

impl OnGitHub {
    /// Must be called inside a tokio runtime.
    pub fn new(settings: github::Settings, clock: crate::clock::Clock) -> Result<Self, GitHubError> {
        Ok(Self { github: GitHub::with_clock(&settings, clock.clone())?, settings, clock })
    }

    fn devices(&self) -> Result<Devices, ForgeError> {
        let app =
            self.settings.client_id.as_deref().ok_or_else(|| ForgeError::Permanent(NO_APP.to_owned()))?;
        Devices::new(&self.settings, app, self.clock.clone()).map_err(|e| sorted(&e))
    }

    fn with(&self, token: &SecretString) -> Result<GitHub, ForgeError> {
        GitHub::with_token(&self.settings, token, self.clock.clone()).map_err(|e| sorted(&e))
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

    fn on_behalf_of(&self, token: SecretString) -> Option<Arc<dyn Forge>> {
        let github = self.with(&token).ok()?;
        Some(Arc::new(Self { github, ..self.clone() }))
    }

    async fn login_of(&self, token: &SecretString) -> Result<String, ForgeError> {
        Ok(self.with(token)?.login().await.map_err(|e| sorted(&e))?.login)
    }

    async fn begin_link(&self) -> Result<DeviceCode, ForgeError> {
        self.devices()?.code(&SCOPES).await.map_err(|e| sorted(&e))
    }

    async fn typed(&self, device: &DeviceCode) -> Result<Poll, ForgeError> {
        self.devices()?.token(device).await.map_err(|e| sorted(&e))
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
