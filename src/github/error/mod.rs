//! What can go wrong with GitHub, in kinds a caller can act on.
//!
//! Knows the kinds, what a caller may do about each, and the sentence for a person. Must not know who asked. `Display`
//! is for the operator, [`GitHubError::sentence`] for the person.

mod act;
mod sort;
#[cfg(test)]
mod tests;

use crate::clock::Time;

pub use act::{Act, Verb};
pub(super) use sort::{classify, root_cause, scopes};

#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    /// 401: there is no token, or it is not (or no longer) valid.
    #[error("could not {act}: the token was refused (401)")]
    Unauthorized { act: Act },
    /// 403 or 429: the token is good, but not for this; or, with a moment, not before then.
    #[error("could not {act}: forbidden: {message}")]
    Forbidden { act: Act, message: String, rate_limited_until: Option<Time> },
    /// 404 or 410: absent, or hidden from this token.
    #[error("could not {act}: not found")]
    NotFound { act: Act },
    /// 403 or 404: the token lacks a scope or permission for this, or was not let in by its organisation.
    #[error("could not {act}: the token is not made for it: {message}")]
    Scope { act: Act, message: String },
    /// 402, or words to that effect: not without somebody paying.
    #[error("could not {act}: it is not paid for: {message}")]
    Payment { act: Act, message: String },
    /// As many codespaces as this user may have, or may have running.
    #[error("could not {act}: no more of them: {message}")]
    Quota { act: Act, message: String, not_before: Option<Time> },
    /// 409, or a codespace with a pending operation: something else is being done with it.
    #[error("could not {act}: something else is being done with it: {message}")]
    Busy { act: Act, message: String, not_before: Option<Time> },
    /// 422 and the other 4xx: GitHub understood and declines.
    #[error("could not {act}: declined: {message}")]
    Invalid { act: Act, message: String },
    /// 5xx. For a write it may have happened all the same.
    #[error("could not {act}: GitHub answered {status}")]
    Unavailable { act: Act, status: u16, not_before: Option<Time> },
    /// A read had no answer in time.
    #[error("could not {act}: no answer in time")]
    Timeout { act: Act },
    /// Nobody listens there, or the connection broke under a read. Nothing was changed.
    #[error("could not {act}: not reachable: {why}")]
    Unreachable { act: Act, why: String },
    /// A write was sent and its answer never came: it may or may not have happened.
    #[error("could not tell whether it worked to {act}: {why}")]
    Ambiguous { act: Act, why: String },
    /// An answer came that says nothing we know.
    #[error("could not {act}: the answer could not be read: {why}")]
    Unreadable { act: Act, why: String },
    /// Never sent: the words are no repository or branch.
    #[error("could not {act}: no such name can exist")]
    BadName { act: Act },
    /// Never sent: whoever asked for it took it back meanwhile.
    #[error("did not {act}: it is not wanted any more")]
    Unwanted { act: Act },
    #[error("GitHub's settings: {0}")]
    Settings(String),
}

/// What a caller may do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call may work a little later; it changed nothing.
    Later,
    /// As `Later`, but not before this moment.
    NotBefore(Time),
    /// It may have happened: look before doing it again.
    AfterLooking,
    /// Not until a person has changed something.
    Never,
}

/// Errors as whoever holds a machine needs them: each leads to another deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing is lost: the same later, and not before this moment.
    Transient { not_before: Option<Time> },
    /// This user has as much as they may have; nothing is wrong with the wish.
    Quota { not_before: Option<Time> },
    /// This token is no good, for this or for anything.
    Auth,
    /// Not until a person has changed something.
    Permanent,
    /// It may have happened: look before anything is sent again.
    Ambiguous,
    /// What was asked for is not there.
    Gone,
}

impl GitHubError {
    /// What it means for a machine that is asked for, looked at or let go.
    pub fn class(&self) -> Class {
        match self {
            Self::Forbidden { rate_limited_until: until @ Some(_), .. } => {
                Class::Transient { not_before: *until }
            }
            Self::Busy { not_before, .. } => Class::Transient { not_before: *not_before },
            Self::Quota { not_before, .. } => Class::Quota { not_before: *not_before },
            Self::Payment { .. } => Class::Quota { not_before: None },
            Self::Unauthorized { .. } | Self::Scope { .. } => Class::Auth,
            Self::NotFound { .. } => Class::Gone,
            Self::Unavailable { act, not_before, .. } if act.harmless_twice() => {
                Class::Transient { not_before: *not_before }
            }
            Self::Ambiguous { act, .. } if act.harmless_twice() => Class::Transient { not_before: None },
            Self::Timeout { .. } | Self::Unreachable { .. } => Class::Transient { not_before: None },
            Self::Unavailable { .. } | Self::Ambiguous { .. } => Class::Ambiguous,
            Self::Forbidden { .. }
            | Self::Invalid { .. }
            | Self::Unreadable { .. }
            | Self::BadName { .. }
            | Self::Unwanted { .. }
            | Self::Settings(_) => Class::Permanent,
        }
    }

    pub fn retry(&self) -> Retry {
        match self {
            Self::Forbidden { rate_limited_until: Some(until), .. } => Retry::NotBefore(*until),
            Self::Unavailable { act, .. } if !act.changes_nothing() => Retry::AfterLooking,
            Self::Unavailable { not_before: Some(until), .. }
            | Self::Busy { not_before: Some(until), .. }
            | Self::Quota { not_before: Some(until), .. } => Retry::NotBefore(*until),
            Self::Ambiguous { .. } => Retry::AfterLooking,
            Self::Unavailable { .. }
            | Self::Timeout { .. }
            | Self::Unreachable { .. }
            | Self::Busy { .. }
            | Self::Quota { .. } => Retry::Later,
            Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Scope { .. }
            | Self::Payment { .. }
            | Self::Invalid { .. }
            | Self::Unreadable { .. }
            | Self::BadName { .. }
            | Self::Unwanted { .. }
            | Self::Settings(_) => Retry::Never,
        }
    }

    /// What a person is told: what happened, to what, what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unauthorized { act } => {
                format!("GitHub refused the token, so DevTask may not {act}; set a valid one under `github`")
            }
            Self::Forbidden { act, rate_limited_until: Some(until), .. } => {
                format!("GitHub asks us to wait until {} before we {act}", until.format("%H:%M UTC"))
            }
            Self::Forbidden { act, message, .. } if act.of_codespaces() => {
                format!("GitHub does not let this user {act} (it says: {message})")
            }
            Self::Forbidden { act, message, .. } => {
                format!("the token may not {act}; it needs {} (GitHub says: {message})", act.needs())
            }
            Self::NotFound { act } => {
                format!("could not {act}: it does not exist, or the token may not see it")
            }
            Self::Scope { act, message } => {
                format!("the token may not {act}; it needs {} (GitHub says: {message})", act.needs())
            }
            Self::Payment { act, message } => {
                format!("could not {act}: GitHub wants it paid for first (it says: {message})")
            }
            Self::Quota { act, message, .. } => {
                format!("could not {act}: there are as many as this user may have (GitHub says: {message})")
            }
            Self::Busy { act, .. } => {
                format!("could not {act} just now: GitHub is still doing something else with it")
            }
            Self::Invalid { act, message } => format!("GitHub declined to {act}: {message}"),
            Self::Unavailable { act, status, .. } => {
                format!("could not {act}: GitHub has a problem of its own ({status})")
            }
            Self::Timeout { act } | Self::Unreachable { act, .. } => {
                format!("could not {act}: GitHub did not answer")
            }
            Self::Ambiguous { act, .. } => {
                format!("it is not known whether it worked to {act}")
            }
            Self::Unreadable { act, .. } => {
                format!("could not {act}: the answer was not GitHub's; check `github.api_url`")
            }
            Self::BadName { act } => format!("could not {act}: that is no name GitHub could have"),
            Self::Unwanted { act } => format!("DevTask did not {act}: it is not wanted any more"),
            Self::Settings(why) => format!("the settings under `github` cannot be used: {why}"),
        }
    }
}
