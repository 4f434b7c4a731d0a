//! What can go wrong with a call of Slack, in kinds a caller can act on.
//!
//! Knows how the crate's errors and Slack's own codes become a kind. Must not know who called. Bodies and addresses
//! of answers stay out: they may hold what people wrote, and addresses that are secrets.

use std::error::Error;
use std::time::Duration;

use hyper_util::client::legacy::Error as HyperError;
use slack_morphism::errors::{SlackClientError, SlackClientHttpProtocolError};

/// Why a call did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// Not now; the same call again after exactly this long. Nothing was changed.
    #[error("Slack asks us to wait {} s", after.as_secs())]
    RateLimited { after: Duration },
    /// Slack understood and declines; nothing was changed. `code` as Slack spells it: `channel_not_found`.
    #[error("Slack refused: {code}")]
    Refused { code: String },
    /// Timed out, cut, or failed inside Slack: it may have been applied.
    #[error("Slack's answer never came, so it may or may not have happened")]
    Unsure,
    /// Nobody was reached, or a read failed. Nothing was changed.
    #[error("Slack cannot be reached: {why}")]
    Down { why: String },
}

impl WebError {
    /// Slack's code, where it refused.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code } => Some(code),
            _ => None,
        }
    }
}

/// Whether a call that was cut may have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    Possible,
}

impl Effect {
    pub(super) fn unanswered(self, why: &str) -> WebError {
        match self {
            Self::None => WebError::Down { why: why.to_owned() },
            Self::Possible => WebError::Unsure,
        }
    }
}

/// Where Slack limits us and does not say for how long.
const UNSAID: Duration = Duration::from_secs(30);
const CODE_CHARS: usize = 80;

pub(super) fn classify(effect: Effect, error: &SlackClientError) -> WebError {
    match error {
        SlackClientError::RateLimitError(limit) => {
            WebError::RateLimited { after: limit.retry_after.unwrap_or(UNSAID) }
        }
        SlackClientError::ApiError(error) => refused(effect, &error.code),
        SlackClientError::HttpError(error) if error.status_code.is_client_error() => {
            WebError::Refused { code: format!("http_{}", error.status_code.as_u16()) }
        }
        SlackClientError::HttpError(error) => {
            effect.unanswered(&format!("it answered {}", error.status_code.as_u16()))
        }
        SlackClientError::HttpProtocolError(error) => cut(effect, error),
        SlackClientError::ProtocolError(_) => effect.unanswered("its answer could not be read"),
        SlackClientError::EndOfStream(_)
        | SlackClientError::SystemError(_)
        | SlackClientError::SocketModeProtocolError(_) => effect.unanswered("the connection broke"),
    }
}

fn refused(effect: Effect, code: &str) -> WebError {
    match code {
        "ratelimited" | "rate_limited" => WebError::RateLimited { after: UNSAID },
        // Slack's own words: "some aspect of the operation may have succeeded before the error was raised".
        "fatal_error" | "internal_error" => effect.unanswered("it has a problem of its own"),
        "service_unavailable" | "request_timeout" | "team_added_to_org" => {
            WebError::Down { why: format!("it answered {code}") }
        }
        _ => {
            let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
            WebError::Refused { code: code.chars().filter(plain).take(CODE_CHARS).collect() }
        }
    }
}

/// A connection that never stood carried nothing; one that broke may have.
fn cut(effect: Effect, error: &SlackClientHttpProtocolError) -> WebError {
    let cause = error.cause.as_deref();
    match cause.and_then(|cause| cause.downcast_ref::<HyperError>()) {
        Some(error) if error.is_connect() => WebError::Down { why: root_cause(error) },
        Some(_) => effect.unanswered("the connection broke"),
        None => WebError::Down { why: "its address cannot be used".to_owned() },
    }
}

/// The innermost reason: the outer ones say "client error (Connect)".
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
