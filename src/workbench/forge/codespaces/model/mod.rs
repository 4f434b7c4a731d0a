//! The codespaces of all people: what one is, who may see it, what may be asked of it.
//!
//! Pure: the caller brings the time and the settings, and carries out the [`Job`]s. Must not know HTTP, JSON or machines.
//!
//! ```text
//!            ┌─ 202: later ─┐
//! create ─► Queued ─► Provisioning ─► Available ─► ShuttingDown ─► Shutdown ─► Deleted (DELETE, retention)
//!                          │             ▲   idle, 12 h, spent, stop    │
//!                          ▼             └───────── Starting ◄──────────┘
//!                       Failed
//! ```

mod exports;
mod life;
mod requests;
mod secrets;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::machines::Work;
use crate::clock::Time;
use crate::workbench::forge::refusal::Refusal;

pub use exports::Export;
pub use requests::{Change, New, Started};
pub use secrets::Secret;
pub use trouble::{Next, StopWhy, Trouble};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Model {
    codespaces: BTreeMap<String, Codespace>,
    /// Of a person: by name.
    secrets: BTreeMap<String, BTreeMap<String, Secret>>,
    last_id: u64,
    /// How the next creations end; the front one first.
    #[serde(skip)]
    next: VecDeque<Next>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Codespace {
    pub id: u64,
    pub name: String,
    pub environment_id: String,
    /// Lets its holder through the tunnel.
    pub connect_token: String,
    pub owner: String,
    /// The repository's key.
    pub repo: String,
    /// The repository as its owner spells it.
    pub full_name: String,
    pub branch: String,
    pub sha: String,
    pub display_name: Option<String>,
    pub machine: String,
    /// Taken at the next start.
    pub next_machine: Option<String>,
    pub devcontainer_path: Option<String>,
    pub location: String,
    pub idle_minutes: i64,
    pub idle_notice: Option<String>,
    pub retention_minutes: i64,
    pub recent_folders: Vec<String>,
    pub created_at: Time,
    pub updated_at: Time,
    pub last_used_at: Time,
    pub stop_notice: Option<String>,
    pub work: Work,
    pub export: Option<Export>,
    phase: Phase,
    /// When the phase began; for a gone one, when it went.
    since: Time,
    /// The earliest end of a phase that ends by itself.
    until: Time,
    power: Power,
    #[serde(default)]
    trouble: Marks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Queued,
    Provisioning,
    Available,
    ShuttingDown,
    Shutdown,
    Starting,
    Failed,
    Deleted,
    /// Only a list that lags still has it.
    Gone,
}

/// What is known of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Power {
    Off,
    Rising,
    On,
    Falling,
    Removed,
}

/// What a test has laid upon a codespace.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Marks {
    /// Shown as the state, whatever it is.
    shown: Option<String>,
    pending: bool,
    recovery: bool,
    fails: bool,
}

/// Something to do at a machine; its end is told to [`Model::done`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub name: String,
    pub what: JobKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    Start { first: bool, recovery: bool },
    Stop,
    Delete,
    Export,
}

impl Codespace {
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// GitHub's word for the state.
    pub fn state(&self) -> &str {
        if let Some(shown) = &self.trouble.shown {
            return shown;
        }
        if self.is_exporting() {
            return "Exporting";
        }
        match self.phase {
            Phase::Queued => "Queued",
            Phase::Provisioning => "Provisioning",
            Phase::Available => "Available",
            Phase::ShuttingDown => "ShuttingDown",
            Phase::Shutdown => "Shutdown",
            Phase::Starting => "Starting",
            Phase::Failed => "Failed",
            Phase::Deleted | Phase::Gone => "Deleted",
        }
    }

    /// While this holds, nothing but a deletion works.
    pub fn is_pending(&self) -> bool {
        self.trouble.pending || self.is_exporting() || self.phase == Phase::Deleted
    }

    pub fn is_exporting(&self) -> bool {
        self.export.as_ref().is_some_and(|e| e.completed_at.is_none())
    }

    /// Whether the tunnel leads anywhere.
    pub fn is_up(&self) -> bool {
        self.phase == Phase::Available && self.power == Power::On
    }

    /// Uses up one of its owner's active ones.
    fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Shutdown | Phase::Failed | Phase::Deleted | Phase::Gone)
    }

    pub fn retention_expires_at(&self) -> Option<Time> {
        let stopped = matches!(self.phase, Phase::Shutdown | Phase::Failed);
        stopped.then(|| self.since + TimeDelta::minutes(self.retention_minutes))
    }
}

impl Model {
    /// A person's own one; to everybody else it does not exist.
    pub fn seen(&self, owner: &str, name: &str) -> Result<&Codespace, Refusal> {
        let found = self.codespaces.get(name).filter(|c| c.owner == owner && c.phase != Phase::Gone);
        found.ok_or_else(Refusal::not_found)
    }

    fn seen_mut(&mut self, owner: &str, name: &str) -> Result<&mut Codespace, Refusal> {
        let found = self.codespaces.get_mut(name).filter(|c| c.owner == owner && c.phase != Phase::Gone);
        found.ok_or_else(Refusal::not_found)
    }

    /// A person's list, newest first, as late as lists are.
    pub fn listed(&self, owner: &str, lag: TimeDelta, now: Time) -> Vec<&Codespace> {
        let known = |c: &&Codespace| c.owner == owner && c.created_at + lag <= now;
        let mut found: Vec<_> = self.codespaces.values().filter(known).collect();
        found.sort_by_key(|c| std::cmp::Reverse(c.id));
        found
    }

    /// All that are not gone, oldest first.
    pub fn all(&self) -> Vec<&Codespace> {
        let mut all: Vec<_> = self.codespaces.values().filter(|c| c.phase != Phase::Gone).collect();
        all.sort_by_key(|c| c.id);
        all
    }

    pub fn get(&self, name: &str) -> Option<&Codespace> {
        self.codespaces.get(name).filter(|c| c.phase != Phase::Gone)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Codespace> {
        self.codespaces.get_mut(name).filter(|c| c.phase != Phase::Gone)
    }
}
