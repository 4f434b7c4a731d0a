//! A session: one brief, one node, one branch, one thread, one lifecycle.
//!
//! ```text
//!             Admit                 Hello                 Published | nothing to publish
//!   queued ──────────► provisioning ──────► running ───────────────────────────────► done
//!     ▲ │                   │                  │ │                                     │
//!     │ │ Pause             │   lost, retries  │ │ the attempt ended, a hold is set    │ FollowUp, Rerun
//!     │ └──────► paused ◄───│──────────────────│─┘                                     │
//!     │            │        │                  │                                       │
//!     ├────────────┘        │                  │                                       │
//!     │ last hold lifted    │                  │                                       │
//!     ├─────────────────────┴──────────────────┤                                       │
//!     │                                        └─► failed   (cause; FollowUp, Rerun) ──┤
//!     └────────────────────────────────────────────────────────────────────────────────┘
//!   Cancel from every state that is not settled ─► cancelled   (Rerun)
//! ```
//!
//! [`step`] alone decides, [`Session::evolve`] alone changes; so `fold(events)` is the session.
//! Must not know who asked over which door, how a node is made, or what time it is.

mod asks;
mod attempts;
mod decide;
mod evolve;
mod holds;
mod input;
mod people;
mod records;
mod refusal;
#[cfg(test)]
mod tests;
mod wants;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ask::Ask;
use super::brief::Brief;
use super::command::CommandNo;
use super::limits::{Limits, Policy};
use super::report::{Ending, Evidence, Phase, Pushed, Usage};
use super::{Actor, Attempt, Repo, Seq, SessionId, Time};

pub use decide::{Change, TranscriptPiece, create, step};
pub use evolve::fold;
pub use input::Input;
pub use refusal::{Refusal, Verb};
pub use wants::{WaitingOn, Want, due, waiting_on, wants};

/// Exactly these seven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Queued,
    Provisioning,
    Running,
    Paused,
    Done,
    Failed,
    Cancelled,
}

impl Status {
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Provisioning,
        Self::Running,
        Self::Paused,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Settled: only a follow-up or a rerun changes it.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }

    /// Holds a run slot.
    pub fn runs(self) -> bool {
        matches!(self, Self::Provisioning | Self::Running)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Provisioning => "provisioning",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why a session may not run. Each is set and lifted on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Hold {
    /// A person pressed Pause.
    Person,
    /// An ask is open and the agent has let go of it.
    Ask,
    /// It has run or spent as much as it was granted.
    Budget,
}

/// What a session is made from; never changes afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSession {
    pub id: SessionId,
    /// Random; command uuids and the agent's conversation id derive from it.
    pub mark: Uuid,
    pub owner: Actor,
    pub brief: Brief,
    pub repo: Repo,
    /// Branch to start from; `None` = the remote's default branch.
    pub base: Option<String>,
    pub provider: String,
    pub agent: String,
    pub model: Option<String>,
    pub effort: Option<String>,
    /// A plan is shown and approved before anything is changed.
    pub plan: bool,
    pub priority: i8,
    pub labels: Vec<String>,
    /// What the owner is called, as the door knew it: one line. `None` = by the actor's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// `{task_id}` and `{task_slug}` are replaced.
    pub branch_pattern: String,
    /// Tools whose use waits for a person.
    pub require_approval_for: Vec<String>,
    pub limits: Limits,
    pub policy: Policy,
}

impl NewSession {
    /// The branch's name before any `-2` for a collision.
    pub fn branch(&self) -> String {
        self.branch_pattern
            .replace("{task_id}", &self.id.number().to_string())
            .replace("{task_slug}", &super::brief::slug(&self.brief.title))
    }

    /// Who asked for it, for people to read.
    pub fn asked_by(&self) -> &str {
        self.requester.as_deref().unwrap_or_else(|| self.owner.name())
    }

    /// The agent's conversation id: ours from the start, the same over all attempts.
    pub fn conversation(&self) -> Uuid {
        Uuid::new_v5(&self.mark, b"conversation")
    }
}

/// The present of a session. Written with its log in one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub new: NewSession,
    pub created_at: Time,
    pub updated_at: Time,
    pub status: Status,
    pub phase: Phase,
    pub holds: BTreeSet<Hold>,
    /// Number of the newest attempt; 0 before the first.
    pub attempt: Attempt,
    /// The newest attempt's own state; `None` before the first.
    pub live: Option<Live>,
    pub queued: Option<InQueue>,
    /// When it was admitted last, for fairness between owners.
    pub served_at: Option<Time>,
    pub paused_at: Option<Time>,
    pub settled_at: Option<Time>,
    /// Who cancelled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_by: Option<Actor>,
    /// Failed attempts since a person's last input.
    pub retries: u32,
    /// How often the budget was granted again.
    pub grants: u32,
    /// Open ones, and those whose answer the agent has not been told.
    pub asks: Vec<Ask>,
    /// Issued and not consumed, rising.
    pub commands: Vec<CommandNo>,
    /// The highest number issued.
    pub last_command: CommandNo,
    /// Whether the agent has a conversation to resume.
    pub conversed: bool,
    pub agent_version: Option<String>,
    pub model: Option<String>,
    pub base: Option<String>,
    pub base_sha: Option<String>,
    pub branch: Option<String>,
    pub pushed: Option<Pushed>,
    pub pull_request: Option<PullRequest>,
    /// Of the last round of checks.
    pub evidence: Vec<Evidence>,
    /// Where the checks come from; `None` until an attempt has said so.
    pub checks_from: Option<String>,
    pub usage: Usage,
    /// The agent's own last words of a finished attempt.
    pub summary: Option<String>,
    /// Why it failed, or why the last try did; the next attempt forgets it.
    pub failure: Option<String>,
    pub publish: Publish,
    /// Rises when status, holds or open asks change; buttons and `ETag` carry it.
    pub rev: u64,
    /// `seq` of the newest event.
    pub head: Seq,
    /// Records of the live attempt that are in the log. Counts records, not events: not part of `fold`.
    pub ingested: u64,
}

/// The newest attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Live {
    pub admitted_at: Time,
    pub hello_at: Option<Time>,
    /// Asked to end gently since then.
    pub stopping_at: Option<Time>,
    /// Set once by its last record, or when it is given up.
    pub ended: Option<Ended>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ended {
    /// By its own last record.
    How(Ending),
    /// Given up: the node or the supervisor is gone. Its late words are refused.
    Lost,
}

/// A session's place in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InQueue {
    pub why: super::event::Queued,
    pub since: Time,
    pub not_before: Option<Time>,
    pub front: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PullRequest {
    pub number: u64,
    pub url: String,
    /// An existing one was found by its head branch and linked.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub adopted: bool,
}

/// How the pull request is coming along.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Publish {
    pub tries: u32,
    pub not_before: Option<Time>,
}

impl Session {
    pub fn id(&self) -> SessionId {
        self.new.id
    }

    pub fn owner(&self) -> &Actor {
        &self.new.owner
    }

    pub fn limits(&self) -> &Limits {
        &self.new.limits
    }

    pub fn open_asks(&self) -> impl Iterator<Item = &Ask> {
        self.asks.iter().filter(|a| a.is_open())
    }

    /// The newest attempt has been admitted and is not over.
    pub fn attempt_lives(&self) -> bool {
        self.live.as_ref().is_some_and(|l| l.ended.is_none())
    }

    /// The last attempt's work stands and waits for its pull request.
    pub fn finished(&self) -> bool {
        let ended = self.live.as_ref().and_then(|l| l.ended.as_ref());
        matches!(ended, Some(Ended::How(Ending::Finished { .. })))
    }
}
