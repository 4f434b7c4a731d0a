//! Everything that can be said to a session.
//!
//! Knows the inputs' contents; whether one is legal is `decide`'s business.

use super::super::ask::Answer;
use super::super::command::MessageMode;
use super::super::report::Record;
use super::super::{Actor, AskId, Attempt, Time};
use super::PullRequest;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Pause {
        by: Actor,
        reason: Option<String>,
    },
    Resume {
        by: Actor,
    },
    Cancel {
        by: Actor,
        reason: Option<String>,
    },
    Message {
        by: Actor,
        text: String,
        mode: MessageMode,
    },
    Answer {
        by: Actor,
        ask: AskId,
        answer: Answer,
    },
    /// Another span of time and money.
    Grant {
        by: Actor,
    },
    /// More work on a session that is done or failed.
    FollowUp {
        by: Actor,
        text: String,
    },
    /// The same work again on a settled session.
    Rerun {
        by: Actor,
    },

    /// The dispatcher has a slot. `attempt` is the number it will have.
    Admit {
        attempt: Attempt,
    },
    /// The supervisor of this attempt is there.
    Hello {
        attempt: Attempt,
    },
    /// The supervisor's journal from record `first` on, contiguous.
    Records {
        attempt: Attempt,
        records: Vec<Record>,
    },
    /// The attempt's node or supervisor is gone for good. `transient`: another attempt may do better.
    Lost {
        attempt: Attempt,
        cause: String,
        transient: bool,
    },

    Published {
        pull_request: Option<PullRequest>,
    },
    /// `not_before`: when to try again; `None` = never, a person is needed.
    PublishFailed {
        cause: String,
        not_before: Option<Time>,
    },

    /// A deadline of [`due`](super::due) has passed.
    AskDue {
        ask: AskId,
    },
    TimeUp {
        attempt: Attempt,
    },
    Forgotten,

    /// A step of the session's node, for the log; with what its provider says of it, where that is new.
    Node {
        lease: super::super::lease::Lease,
        notice: Option<String>,
    },
}
