//! What a codespace's state means, and what is said of it.
//!
//! Pure. A state nobody knows is one to wait through: GitHub adds some now and then.

use super::super::{Condition, NodeError};
use crate::github::codespaces::{Codespace, CodespaceState as State};

/// # Errors
/// `Permanent` where it came to nothing and may hold work.
pub(super) fn condition(codespace: &Codespace) -> Result<Condition, NodeError> {
    Ok(match codespace.state {
        // Nothing works while an operation of GitHub's own is under way.
        _ if codespace.pending_operation && codespace.state != State::Deleted => Condition::Booting,
        State::Available => Condition::Ready,
        State::Shutdown | State::Archived => Condition::Stopped,
        State::Deleted => Condition::Gone,
        // It never came to be: another may.
        State::Failed if !codespace.git.holds_work() => Condition::Gone,
        State::Failed => return Err(NodeError::Permanent(failed(codespace))),
        State::Unknown
        | State::Created
        | State::Queued
        | State::Provisioning
        | State::Awaiting
        | State::Unavailable
        | State::Moved
        | State::Starting
        | State::ShuttingDown
        | State::Exporting
        | State::Updating
        | State::Rebuilding
        | State::Other(_) => Condition::Booting,
    })
}

fn failed(codespace: &Codespace) -> String {
    let page = codespace.web_url.as_deref().map_or_else(String::new, |url| format!(" ({url})"));
    format!(
        "the codespace `{}`{page} has failed and holds work that is nowhere else; look at it on GitHub",
        codespace.name
    )
}

/// What a person should know of it.
pub(super) fn notice(codespace: &Codespace) -> Option<String> {
    let said = [&codespace.stop_notice, &codespace.pending_reason, &codespace.idle_notice];
    let said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// Up, or on its way there.
pub(super) fn is_coming(codespace: &Codespace) -> bool {
    matches!(
        codespace.state,
        State::Available
            | State::Starting
            | State::Queued
            | State::Provisioning
            | State::Created
            | State::Awaiting
    )
}
