//! GitHub's errors as a node's.
//!
//! Knows which kind leads to which, and whom it concerns. Must not know what was tried.

use std::time::Duration;

use super::super::NodeError;
use crate::clock::Time;
use crate::github::{Class, GitHubError, Verb};

/// `identity`: whose token was used.
#[expect(clippy::needless_pass_by_value, reason = "an error that is sorted is over")]
pub(super) fn sort(error: GitHubError, identity: &str, now: Time) -> NodeError {
    let why = error.sentence();
    match error.class() {
        Class::Transient { not_before } => NodeError::Transient { why, retry_after: wait(not_before, now) },
        Class::Quota { not_before } => {
            NodeError::Quota { scope: identity.to_owned(), until: not_before, why }
        }
        Class::Auth => NodeError::Auth { identity: identity.to_owned(), why: unfit(&error, why) },
        Class::Permanent => NodeError::Permanent(why),
        Class::Ambiguous => NodeError::Ambiguous(why),
        Class::Gone if of_repository(&error) => NodeError::Permanent(format!(
            "{why}; or GitHub has no codespaces for it, which its owner can allow"
        )),
        Class::Gone => NodeError::Gone,
    }
}

/// The token is an identity's, not the one under `github`.
fn unfit(error: &GitHubError, why: String) -> String {
    match error {
        GitHubError::Unauthorized { .. } => {
            "GitHub refused its token; it has run out or was revoked, so set a new one or link again"
                .to_owned()
        }
        _ => why,
    }
}

fn of_repository(error: &GitHubError) -> bool {
    let verb = match error {
        GitHubError::NotFound { act } => act.verb,
        _ => return false,
    };
    matches!(verb, Verb::CreateCodespace | Verb::ReadMachines | Verb::CheckPermissions)
}

fn wait(not_before: Option<Time>, now: Time) -> Option<Duration> {
    (not_before? - now).to_std().ok()
}
