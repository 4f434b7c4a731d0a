//! Names: a node's `<login>/<codespace>`, and our mark on it, the display name `dt-<key>`.
//!
//! Pure. What somebody else named, or renamed by hand, is not ours.

use super::super::{NodeError, NodeRef};
use crate::domain::SessionId;
use crate::domain::lease::Key;
use crate::github::codespaces::{Codespace, LONGEST_DISPLAY_NAME};

const MARK: &str = "dt-";

/// The login it belongs to, and GitHub's name for it.
pub(super) fn parts(node: &NodeRef) -> Result<(&str, &str), NodeError> {
    let parts = node.name.split_once('/').filter(|(login, name)| !login.is_empty() && !name.is_empty());
    parts.ok_or_else(|| NodeError::Permanent(format!("`{}` is no codespace of ours", node.name)))
}

pub(super) fn node(login: &str, codespace: &Codespace) -> NodeRef {
    NodeRef { name: format!("{login}/{}", codespace.name) }
}

pub(super) fn display(key: &Key) -> Result<String, NodeError> {
    let text = format!("{MARK}{key}");
    if text.len() <= LONGEST_DISPLAY_NAME {
        Ok(text)
    } else {
        Err(NodeError::Permanent(format!("`{key}` is too long for a codespace's name")))
    }
}

/// The key a codespace carries, if it is of this installation.
pub(super) fn key(codespace: &Codespace, instance: &str) -> Option<Key> {
    let text = codespace.display_name.as_deref()?.strip_prefix(MARK)?;
    let mut parts = text.split('-');
    let (_, session, incarnation) = (parts.next()?, parts.next()?, parts.next()?);
    let session = SessionId::new(session.parse().ok()?)?;
    let key = Key::new(instance, session, incarnation.parse().ok()?);
    (parts.next().is_none() && key.as_str() == text).then_some(key)
}
