//! How an answer, or the lack of one, becomes a kind.
//!
//! Knows statuses, headers and the few phrases of GitHub's that stand where a status says too little. Must not know
//! what a caller does about it. Pure but for the clock, read for "retry after n seconds".

use std::error::Error;

use chrono::TimeDelta;

use super::super::names::short;
use super::{Act, GitHubError};
use crate::clock::{Clock, Time};

/// A GitHub that asks for patience longer than this is asked again sooner.
const LONGEST_WAIT_S: i64 = 86_400;

/// Sorts octocrab's error into a kind.
pub(in super::super) fn classify(act: &Act, error: &octocrab::Error, clock: &Clock) -> GitHubError {
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
    let limited = limited_until(source, clock);
    let status = source.status_code.as_u16();
    match status {
        401 => return GitHubError::Unauthorized { act },
        403 | 429 if limited.is_some() => {
            return GitHubError::Forbidden { act, message, rate_limited_until: limited };
        }
        _ => {}
    }
    if act.of_codespaces()
        && let Some(error) = of_codespaces(&act, status, &message, source, clock)
    {
        return error;
    }
    match status {
        403 | 429 => GitHubError::Forbidden { act, message, rate_limited_until: None },
        404 | 410 => GitHubError::NotFound { act },
        402 => GitHubError::Payment { act, message },
        409 => GitHubError::Busy { act, message, not_before: retry_after(source, clock) },
        500.. => GitHubError::Unavailable { act, status, not_before: retry_after(source, clock) },
        400..500 => GitHubError::Invalid { act, message },
        301 | 302 | 307 | 308 => {
            GitHubError::Invalid { act, message: "it has moved; use its new name".to_owned() }
        }
        _ => GitHubError::Unreadable { act, why: format!("status {status}") },
    }
}

/// What the codespaces routes say beyond their status: the same 4xx stands for "no more of them", "not paid for", "busy"
/// and "not with this token". GitHub's schema gives these no code of their own, so its words are all there is.
fn of_codespaces(
    act: &Act,
    status: u16,
    message: &str,
    source: &octocrab::GitHubError,
    clock: &Clock,
) -> Option<GitHubError> {
    let says = |phrases: &[&str]| {
        let lower = message.to_ascii_lowercase();
        phrases.iter().any(|phrase| lower.contains(phrase))
    };
    let (act, message) = (act.clone(), message.to_owned());
    if !matches!(status, 400 | 402 | 403 | 404 | 409 | 422 | 503) {
        return None;
    }
    if says(&["spending limit", "included usage", "billing", "payment"]) {
        return Some(GitHubError::Payment { act, message });
    }
    if says(&["codespaces"]) && says(&["too many", "maximum", "limit", "quota"]) {
        return Some(GitHubError::Quota { act, message, not_before: retry_after(source, clock) });
    }
    if says(&["pending operation"]) {
        return Some(GitHubError::Busy { act, message, not_before: retry_after(source, clock) });
    }
    if status == 403 && header(source, "x-github-sso").is_some() {
        let message = "the organization's single sign-on has not let this token in".to_owned();
        return Some(GitHubError::Scope { act, message });
    }
    let unfit = matches!(status, 403 | 404) && (lacks_scope(source) || says(&["not accessible by"]));
    unfit.then_some(GitHubError::Scope { act, message })
}

/// GitHub names the scopes a route takes and those the token has. A fine-grained token has none, and permissions instead.
fn lacks_scope(source: &octocrab::GitHubError) -> bool {
    if header(source, "x-accepted-github-permissions").is_some() {
        return false;
    }
    let (Some(accepted), Some(held)) =
        (header(source, "x-accepted-oauth-scopes"), header(source, "x-oauth-scopes"))
    else {
        return false;
    };
    let held: Vec<&str> = scopes(held).collect();
    let covers = |wanted: &str| {
        held.iter().any(|h| wanted == *h || wanted.strip_prefix(h).is_some_and(|rest| rest.starts_with(':')))
    };
    let mut wanted = scopes(accepted).peekable();
    wanted.peek().is_some() && !wanted.any(covers)
}

/// `repo, codespace` as its parts.
pub(in super::super) fn scopes(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|scope| !scope.is_empty())
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
    if let Some(until) = retry_after(source, clock) {
        return Some(until);
    }
    if header(source, "x-ratelimit-remaining").is_some_and(|left| left == "0") {
        return source.rate_limit_reset_at().or_else(|| after(60, clock));
    }
    let secondary = source.message.to_ascii_lowercase().contains("rate limit");
    (secondary || source.status_code.as_u16() == 429).then(|| after(60, clock)).flatten()
}

fn retry_after(source: &octocrab::GitHubError, clock: &Clock) -> Option<Time> {
    after(header(source, "retry-after")?.parse().ok()?, clock)
}

fn after(seconds: i64, clock: &Clock) -> Option<Time> {
    clock.now().checked_add_signed(TimeDelta::try_seconds(seconds.clamp(1, LONGEST_WAIT_S))?)
}

fn header<'a>(source: &'a octocrab::GitHubError, name: &str) -> Option<&'a str> {
    Some(source.headers.as_ref()?.get(name)?.to_str().ok()?.trim())
}

/// Nobody took the connection: the request cannot have arrived.
fn refused(error: &octocrab::Error) -> bool {
    chain(error).any(|e| {
        let io = e.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
    })
}

/// The last of the chain: what really went wrong, without octocrab's backtraces.
pub(in super::super) fn root_cause(error: &octocrab::Error) -> String {
    chain(error).last().map(|e| short(&e.to_string())).unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |e: &&'a (dyn Error + 'static)| (*e).source())
}
