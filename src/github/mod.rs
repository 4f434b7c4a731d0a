//! Floor 1: octocrab as typed verbs: whose token, which repository, the pull request of a branch, codespaces.
//!
//! Knows GitHub's routes, what its answers mean and which calls may be repeated. Must not know sessions: what a
//! pull request or a codespace is for, or when to ask for one, is the caller's.
//!
//! Two laws hold for every call here:
//! - it ends, within [`Settings::timeout_s`];
//! - a *write* is sent at most once. Where its outcome is unknown the verb says [`GitHubError::Ambiguous`], and
//!   [`GitHub::publish`] looks for what may have happened before anything is sent again. (octocrab is built without
//!   its own retries, which would repeat a POST; reads are repeated in `call.rs`.)

mod call;
mod client;
pub mod codespaces;
pub mod device;
mod error;
mod names;
mod publish;
mod pulls;
mod raw;
mod repos;
mod settings;
#[cfg(test)]
mod tests;
pub mod token;

use std::fmt;
use std::time::Duration;

use octocrab::Octocrab;
use secrecy::{ExposeSecret, SecretString};

use crate::clock::Clock;

pub use error::{Act, Class, GitHubError, Retry, Verb};
pub use publish::Published;
pub use pulls::{NewPull, Pull, PullState};
pub use repos::{RepoView, Who};
pub use settings::{Settings, remote_url};

/// GitHub, seen with one token. Cheap to clone.
#[derive(Clone)]
pub struct GitHub {
    crab: Octocrab,
    token: Option<SecretString>,
    limit: Duration,
    clock: Clock,
}

impl GitHub {
    /// Must be called inside a tokio runtime: octocrab keeps a worker task.
    ///
    /// # Errors
    /// [`GitHubError::Settings`] where an address or the token cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, GitHubError> {
        Self::with_clock(settings, Clock::system())
    }

    /// As [`GitHub::new`]; `clock` says from when a "retry after n seconds" counts.
    pub fn with_clock(settings: &Settings, clock: Clock) -> Result<Self, GitHubError> {
        let token = settings.read_token()?;
        Self::of_token(settings, token, clock)
    }

    /// As [`GitHub::with_clock`], seen with this token instead of the one the settings name.
    pub fn with_token(settings: &Settings, token: &SecretString, clock: Clock) -> Result<Self, GitHubError> {
        Self::of_token(settings, token::fit(token)?, clock)
    }

    fn of_token(settings: &Settings, token: Option<SecretString>, clock: Clock) -> Result<Self, GitHubError> {
        install_crypto();
        settings.check()?;
        let limit = Duration::from_secs(settings.timeout_s);
        let crab = client::connect(&settings.api_url, token.as_ref(), limit)?;
        Ok(Self { crab, token, limit, clock })
    }

    /// What git is to send with a push, as `user:password`; `None` = no token is set.
    pub fn credential(&self) -> Option<SecretString> {
        let token = self.token.as_ref()?;
        Some(SecretString::from(format!("x-access-token:{}", token.expose_secret())))
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub")
            .field("token", &self.token.is_some())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Chooses the process's TLS arithmetic (ring). May be called any number of times, from anywhere.
pub fn install_crypto() {
    // An Err only says that somebody chose before us.
    drop(rustls::crypto::ring::default_provider().install_default());
}
