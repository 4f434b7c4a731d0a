//! A codespace as the rest of the house sees it.
//!
//! Knows what each state means for whoever waits. Must not know JSON; that is `wire.rs`.

use super::{notice, wire};
use crate::clock::Time;

/// A codespace as it stands. Whatever GitHub did not say is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codespace {
    /// GitHub's own, unique, made by it.
    pub name: String,
    pub id: u64,
    pub state: CodespaceState,
    /// Given at its creation; not unique for GitHub.
    pub display_name: Option<String>,
    pub created_at: Option<Time>,
    pub last_used_at: Option<Time>,
    /// The login of the user it belongs to.
    pub owner: Option<String>,
    /// `owner/name`.
    pub repository: Option<String>,
    /// The machine type's name.
    pub machine: Option<String>,
    pub cpus: Option<u32>,
    /// The disk it may fill.
    pub storage_in_bytes: Option<u64>,
    pub git: GitStatus,
    /// Nothing but deleting works now.
    pub pending_operation: bool,
    /// Why it cannot be worked with, where GitHub says.
    pub pending_reason: Option<String>,
    /// Why GitHub stopped it, where a person could do something about it.
    pub stop_notice: Option<String>,
    /// A policy made its idle time-out another than we asked for.
    pub idle_notice: Option<String>,
    pub idle_timeout_minutes: Option<u32>,
    pub retention_expires_at: Option<Time>,
    /// The page for people.
    pub web_url: Option<String>,
}

/// What GitHub last knew of the clone in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitStatus {
    pub ahead: Option<u64>,
    pub behind: Option<u64>,
    pub has_unpushed_changes: Option<bool>,
    pub has_uncommitted_changes: Option<bool>,
    pub ref_: Option<String>,
}

impl GitStatus {
    /// It may hold work that is nowhere else.
    pub fn holds_work(&self) -> bool {
        self.has_unpushed_changes == Some(true)
            || self.has_uncommitted_changes == Some(true)
            || self.ahead.is_some_and(|ahead| ahead > 0)
    }
}

/// GitHub's names. A state it adds later is `Other`: whoever waits goes on waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodespaceState {
    Unknown,
    Created,
    Queued,
    Provisioning,
    Available,
    Awaiting,
    Unavailable,
    Deleted,
    Moved,
    Shutdown,
    Archived,
    Starting,
    ShuttingDown,
    Failed,
    Exporting,
    Updating,
    Rebuilding,
    Other(String),
}

impl From<String> for CodespaceState {
    fn from(text: String) -> Self {
        match text.as_str() {
            "Unknown" => Self::Unknown,
            "Created" => Self::Created,
            "Queued" => Self::Queued,
            "Provisioning" => Self::Provisioning,
            "Available" => Self::Available,
            "Awaiting" => Self::Awaiting,
            "Unavailable" => Self::Unavailable,
            "Deleted" => Self::Deleted,
            "Moved" => Self::Moved,
            "Shutdown" => Self::Shutdown,
            "Archived" => Self::Archived,
            "Starting" => Self::Starting,
            "ShuttingDown" => Self::ShuttingDown,
            "Failed" => Self::Failed,
            "Exporting" => Self::Exporting,
            "Updating" => Self::Updating,
            "Rebuilding" => Self::Rebuilding,
            _ => Self::Other(crate::github::names::short(&text)),
        }
    }
}

impl From<wire::Codespace> for Codespace {
    fn from(found: wire::Codespace) -> Self {
        let git = found.git_status.unwrap_or_default();
        let machine = found.machine.unwrap_or_default();
        Self {
            name: found.name,
            id: found.id,
            state: found.state.into(),
            display_name: found.display_name,
            created_at: found.created_at,
            last_used_at: found.last_used_at,
            owner: found.owner.and_then(|owner| owner.login),
            repository: found.repository.and_then(|repository| repository.full_name),
            machine: machine.name,
            cpus: machine.cpus,
            storage_in_bytes: machine.storage_in_bytes,
            git: GitStatus {
                ahead: git.ahead,
                behind: git.behind,
                has_unpushed_changes: git.has_unpushed_changes,
                has_uncommitted_changes: git.has_uncommitted_changes,
                ref_: git.ref_,
            },
            pending_operation: found.pending_operation.unwrap_or(false),
            pending_reason: notice(found.pending_operation_disabled_reason),
            stop_notice: notice(found.last_known_stop_notice),
            idle_notice: notice(found.idle_timeout_notice),
            idle_timeout_minutes: found.idle_timeout_minutes,
            retention_expires_at: found.retention_expires_at,
            web_url: found.web_url,
        }
    }
}
