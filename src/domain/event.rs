//! An event: a row of a session's log.
//!
//! Knows every kind of event, which are kept for ever as golden rows. `fold(events)` gives the session back
//! (see [`session`](super::session)). Must not know who reads the log.

use serde::{Deserialize, Serialize};

use super::ask::{Answer, Ask};
use super::command::Command;
use super::report::Report;
use super::session::{Hold, NewSession, PullRequest};
use super::{Actor, AskId, Attempt, Seq, Time};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub seq: Seq,
    pub at: Time,
    /// The live attempt when it happened; 0 before the first.
    pub attempt: Attempt,
    pub body: Body,
    /// The agent's own line, where the event came from one.
    pub raw: Option<Vec<u8>>,
}

/// What happened. Tagged by `kind`; the last variant carries the supervisor's own kinds unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum Body {
    #[serde(rename = "session.created")]
    Created(Box<NewSession>),
    #[serde(rename = "session.queued")]
    Queued { why: Queued, not_before: Option<Time>, front: bool },
    #[serde(rename = "session.admitted")]
    Admitted { attempt: Attempt },
    #[serde(rename = "session.running")]
    Running,
    /// The attempt is asked to end gently; the session pauses or queues when it has.
    #[serde(rename = "session.stopping")]
    Stopping,
    #[serde(rename = "hold.set")]
    Held { hold: Hold, by: Actor, reason: Option<String> },
    #[serde(rename = "hold.lifted")]
    Lifted { hold: Hold, by: Actor },
    #[serde(rename = "session.paused")]
    Paused,
    /// The attempt has finished and its branch is pushed: the pull request is next.
    #[serde(rename = "session.publishing")]
    Publishing,
    #[serde(rename = "session.published")]
    Published { pull_request: PullRequest },
    #[serde(rename = "session.publish_failed")]
    PublishFailed { cause: String, tries: u32, not_before: Time },
    #[serde(rename = "session.done")]
    Done,
    #[serde(rename = "session.failed")]
    Failed { cause: String },
    #[serde(rename = "session.cancelled")]
    Cancelled { by: Actor, reason: Option<String> },
    #[serde(rename = "session.followed_up")]
    FollowedUp { by: Actor },
    #[serde(rename = "session.rerun")]
    Rerun { by: Actor },
    #[serde(rename = "budget.granted")]
    Granted { by: Actor },
    #[serde(rename = "attempt.lost")]
    AttemptLost { cause: String },
    #[serde(rename = "ask.opened")]
    AskOpened { ask: Ask },
    #[serde(rename = "ask.answered")]
    AskAnswered { id: AskId, by: Actor, answer: Answer },
    #[serde(rename = "ask.defaulted")]
    AskDefaulted { id: AskId, answer: Answer },
    #[serde(rename = "ask.withdrawn")]
    AskWithdrawn { id: AskId, why: String },
    #[serde(rename = "command.issued")]
    CommandIssued { command: Command },
    /// A step of the session's node, for people to follow.
    #[serde(rename = "node.changed")]
    NodeChanged {
        key: String,
        state: super::lease::State,
        detail: Option<String>,
        /// What its provider says of it, where that is new.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notice: Option<String>,
    },
    #[serde(untagged)]
    Report(Report),
}

/// An event as it lies in the log: who only passes it on need not understand its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    pub seq: Seq,
    pub at: Time,
    pub attempt: Attempt,
    pub kind: String,
    /// [`Body`] as JSON.
    pub body: String,
    pub raw: Option<Vec<u8>>,
}

/// Why a session is in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Queued {
    New,
    /// The last hold was lifted.
    Resumed,
    /// The last attempt was lost or failed; counts against the retries.
    Retry,
    /// A limit of the model's API; does not count.
    Quota,
    /// The node let go of the attempt (its own shutdown); does not count.
    Handover,
    FollowUp,
    Rerun,
}

/// The five names under which the log is streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    Message,
    Status,
    Ask,
    Check,
    Log,
}

impl Stream {
    /// The stream of an event of this kind; one we do not know is for the log.
    pub fn of(kind: &str) -> Self {
        match kind {
            "agent.message" => Self::Message,
            "phase" | "agent.turn_ended" => Self::Status,
            _ => match kind.split_once('.').map(|(family, _)| family) {
                Some("session" | "hold" | "budget" | "attempt") => Self::Status,
                Some("ask") => Self::Ask,
                Some("check") => Self::Check,
                _ => Self::Log,
            },
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Status => "status",
            Self::Ask => "ask",
            Self::Check => "check",
            Self::Log => "log",
        }
    }
}
