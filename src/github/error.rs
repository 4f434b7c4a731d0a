//! What can go wrong with GitHub, in kinds a caller can act on.
//!
//! Knows how an answer becomes a kind, whether trying again can help, and the sentence for a person. Must not know
//! who asked. `Display` is for the operator, [`GitHubError::sentence`] for the person.

use std::error::Error;
use std::fmt;

use chrono::TimeDelta;

use super::names::short;
use crate::clock::{Clock, Time};

/// What was being done; part of every error so that a line reads alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    pub verb: Verb,
    /// `owner/name`, with `#n` for one pull request; empty where no repository is meant.
    pub at: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    ReadViewer,
    ReadRepo,
    FindPull,
    OpenPull,
    UpdatePull,
    Comment,
}

impl Act {
    pub(super) fn on(verb: Verb, owner: &str, name: &str) -> Self {
        Self { verb, at: short(&format!("{owner}/{name}")) }
    }

    pub(super) fn on_pull(verb: Verb, owner: &str, name: &str, number: u64) -> Self {
        Self { verb, at: short(&format!("{owner}/{name}#{number}")) }
    }

    /// The fine-grained permissions it takes, in GitHub's words.
    fn needs(&self) -> &'static str {
        match self.verb {
            Verb::ReadViewer => "to be a user's token",
            Verb::ReadRepo => "contents: read",
            Verb::FindPull => "pull_requests: read",
            Verb::OpenPull => "contents and pull_requests: write",
            Verb::UpdatePull | Verb::Comment => "pull_requests: write",
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = &self.at;
        match self.verb {
            Verb::ReadViewer => f.write_str("sign in to GitHub"),
            Verb::ReadRepo => write!(f, "read `{at}`"),
            Verb::FindPull => write!(f, "look for pull requests in `{at}`"),
            Verb::OpenPull => write!(f, "open pull requests in `{at}`"),
            Verb::UpdatePull => write!(f, "update `{at}`"),
            Verb::Comment => write!(f, "comment on `{at}`"),
        }
    }
}

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
    /// 422 and the other 4xx: GitHub understood and declines.
    #[error("could not {act}: declined: {message}")]
    Invalid { act: Act, message: String },
    /// 5xx. For a write it may have happened all the same.
    #[error("could not {act}: GitHub answered {status}")]
    Unavailable { act: Act, status: u16 },
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

impl GitHubError {
    pub fn retry(&self) -> Retry {
        match self {
            Self::Forbidden { rate_limited_until: Some(until), .. } => Retry::NotBefore(*until),
            Self::Unavailable { act, .. } if !act.changes_nothing() => Retry::AfterLooking,
            Self::Ambiguous { .. } => Retry::AfterLooking,
            Self::Unavailable { .. } | Self::Timeout { .. } | Self::Unreachable { .. } => Retry::Later,
            Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
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
            Self::Forbidden { act, message, .. } => {
                format!("the token may not {act}; it needs {} (GitHub says: {message})", act.needs())
            }
            Self::NotFound { act } => {
                format!("could not {act}: it does not exist, or the token may not see it")
            }
            Self::Invalid { act, message } => format!("GitHub declined to {act}: {message}"),
            Self::Unavailable { act, status } => {
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

impl Act {
    /// A read: a call that failed left nothing behind.
    pub(super) fn changes_nothing(&self) -> bool {
        matches!(self.verb, Verb::ReadViewer | Verb::ReadRepo | Verb::FindPull)
    }
}

/// Sorts octocrab's error into a kind. Pure but for `clock`, read for "retry after n seconds".
pub(super) fn classify(act: &Act, error: &octocrab::Error, clock: &Clock) -> GitHubError {
    let act = act.clone();
    match error {
        octocrab::Error::GitHub { source, .. } => answered(act, source, clock),
        octocrab::Error::Json { .. } | octocrab::Error::Serde { .. } if act.changes_nothing() => {
            GitHubError::Unreadable { act, why: root_cause(error) }
        }
        _ if act.changes_nothing() || refused(error) => {
            GitHubError::Unreachable { act, why: root_cause(error) }
        }
        _ => GitHubError::Ambiguous { act, why: root_cause(error) },
    }
}

fn answered(act: Act, source: &octocrab::GitHubError, clock: &Clock) -> GitHubError {
    let message = message_of(source);
    match source.status_code.as_u16() {
        401 => GitHubError::Unauthorized { act },
        403 | 429 => {
            GitHubError::Forbidden { act, message, rate_limited_until: limited_until(source, clock) }
        }
        404 | 410 => GitHubError::NotFound { act },
        status if status >= 500 => GitHubError::Unavailable { act, status },
        400..500 => GitHubError::Invalid { act, message },
        status => GitHubError::Unreadable { act, why: format!("status {status}") },
    }
}

/// GitHub's message with its details: "Validation Failed" alone tells nobody anything.
fn message_of(source: &octocrab::GitHubError) -> String {
    let details = source.errors.iter().flatten().filter_map(|error| {
        if let Some(text) = error.as_str().or_else(|| error.get("message")?.as_str()) {
            return Some(text.to_owned());
        }
        Some(format!("{} is {}", error.get("field")?.as_str()?, error.get("code")?.as_str()?))
    });
    let parts: Vec<String> = std::iter::once(source.message.clone()).chain(details.take(4)).collect();
    short(&parts.join(": "))
}

/// GitHub's three ways of saying "not now"; `None` where a 403 means "not you".
fn limited_until(source: &octocrab::GitHubError, clock: &Clock) -> Option<Time> {
    let header = |name: &str| source.headers.as_ref()?.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let after =
        |seconds: i64| clock.now().checked_add_signed(TimeDelta::try_seconds(seconds.clamp(1, 86_400))?);
    if let Some(seconds) = header("retry-after") {
        return after(seconds);
    }
    if header("x-ratelimit-remaining") == Some(0) {
        return source.rate_limit_reset_at().or_else(|| after(60));
    }
    let secondary = source.message.to_ascii_lowercase().contains("rate limit");
    (secondary || source.status_code.as_u16() == 429).then(|| after(60)).flatten()
}

/// Nobody took the connection: the request cannot have arrived.
fn refused(error: &octocrab::Error) -> bool {
    chain(error).any(|e| {
        let io = e.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
    })
}

/// The last of the chain: what really went wrong, without octocrab's backtraces.
pub(super) fn root_cause(error: &octocrab::Error) -> String {
    chain(error).last().map(|e| short(&e.to_string())).unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |e: &&'a (dyn Error + 'static)| (*e).source())
}
