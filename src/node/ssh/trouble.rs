//! What ssh says when it fails, as one of our errors.
//!
//! Knows OpenSSH's sentences under `LC_ALL=C`; must not know what was tried.

use std::path::Path;

use super::super::NodeError;
use super::Target;

/// Whether the far side only had too much to do: another try, a moment later, is the remedy.
pub(in crate::node) fn is_crowded(said: &str) -> bool {
    ["kex_exchange_identification", "Connection reset by", "Connection closed by", "Exceeded MaxStartups"]
        .iter()
        .any(|words| said.contains(words))
}

/// Why no connection came to be.
pub(in crate::node) fn of_connect(said: &str, target: &Target, known: &Path) -> NodeError {
    if said.contains("Host key verification failed") || said.contains("HOST IDENTIFICATION HAS CHANGED") {
        return NodeError::Permanent(format!(
            "`{}` shows another host key than before, so DevTask does not talk to it; if it was rebuilt, delete `{}` \
             and run the session again",
            target.alias,
            known.display()
        ));
    }
    if said.contains("Permission denied (") {
        return NodeError::Permanent(format!(
            "`{}` does not take DevTask's key for the user `{}`",
            target.alias, target.user
        ));
    }
    // The words of `gh codespace ssh`.
    if said.contains("failed to start SSH server") || said.contains("error getting ssh server details") {
        return NodeError::Permanent(format!(
            "`{}` has no SSH server; add the feature `ghcr.io/devcontainers/features/sshd:1` to its devcontainer",
            target.alias
        ));
    }
    NodeError::Transient { why: last_words(said, "ssh ended without a word"), retry_after: None }
}

/// Why a file could not be put.
pub(in crate::node) fn of_put(said: &str, home: &Path) -> NodeError {
    if is_full(said) {
        return full(home);
    }
    let why = last_words(said, "the far side does not say why");
    if ["Permission denied", "Read-only file system", "is a folder", "Not a directory"]
        .iter()
        .any(|words| said.contains(words))
    {
        return NodeError::Permanent(format!("`{}` cannot be written: {why}", home.display()));
    }
    NodeError::Transient { why, retry_after: None }
}

pub(in crate::node) fn is_full(said: &str) -> bool {
    said.contains("No space left on device") || said.contains("Disk quota exceeded")
}

pub(in crate::node) fn full(home: &Path) -> NodeError {
    NodeError::Permanent(format!("the node's disk is full, there is no room below `{}`", home.display()))
}

/// The last line that says something, short and on one line.
pub(in crate::node) fn last_words(said: &str, otherwise: &str) -> String {
    let line = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or(otherwise);
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}
