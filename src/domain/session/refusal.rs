//! Why a session refuses an input, in words for the person who caused it.

use serde::{Deserialize, Serialize};

use super::super::ask::{Answer, BadAnswer};
use super::super::brief::BadBrief;
use super::super::{Actor, AskId, Attempt, SessionId, Time};
use super::{Session, Status};

/// What a person can do to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    Pause,
    Resume,
    Cancel,
    Message,
    Answer,
    Rerun,
}

impl Verb {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Message => "message",
            Self::Answer => "answer",
            Self::Rerun => "rerun",
        }
    }
}

/// `paused already`, `cancelled, so it takes no message`.
fn why_not(status: Status, verb: Verb) -> String {
    let so = match (status, verb) {
        (Status::Paused, Verb::Pause) | (Status::Cancelled, Verb::Cancel) => {
            return format!("{} already", status.name());
        }
        (_, Verb::Pause) => "so it cannot be paused",
        (_, Verb::Resume) => "so there is nothing to resume",
        (_, Verb::Cancel) => "so it cannot be cancelled",
        (_, Verb::Message) => "so it takes no message",
        (_, Verb::Answer) => "so it takes no answer",
        (_, Verb::Rerun) => "so it cannot be run again yet",
    };
    format!("{}, {so}", status.name())
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "refused", rename_all = "camelCase")]
pub enum Refusal {
    #[error("{session} is {}", why_not(*status, *verb))]
    Illegal { session: SessionId, status: Status, verb: Verb, legal: Vec<Verb> },
    #[error("{session} has no ask `{ask}`")]
    UnknownAsk { session: SessionId, ask: AskId },
    #[error("this ask was settled before: {what}")]
    AskSettled { ask: AskId, what: String, by: Option<Actor>, at: Time, answer: Option<Answer> },
    #[error(transparent)]
    BadAnswer {
        #[serde(rename = "why")]
        #[from]
        source: BadAnswer,
    },
    #[error(transparent)]
    BadBrief {
        #[serde(rename = "why")]
        #[from]
        source: BadBrief,
    },
    #[error("the message is empty")]
    EmptyMessage,
    #[error("the message has {chars} characters and {limit} is the limit")]
    LongMessage { chars: usize, limit: usize },
    #[error("{session} has {limit} unread messages; wait until the agent has read some")]
    TooManyMessages { session: SessionId, limit: usize },
    /// From an attempt that is over; its words do not count any more.
    #[error("attempt {attempt} of {session} is over")]
    Fenced { session: SessionId, attempt: Attempt },
    /// Records must come without a gap: attach again from here.
    #[error("{session} expects record {expected}")]
    Gap { session: SessionId, expected: u64 },
    /// A tick acted on an old reading; the next one will see.
    #[error("{session} is {} and does not take this now", status.name())]
    Stale { session: SessionId, status: Status },
    #[error("no slot is free")]
    NoSlot,
}

impl Session {
    /// What a person may do now.
    pub fn legal_verbs(&self) -> Vec<Verb> {
        let all = [Verb::Pause, Verb::Resume, Verb::Cancel, Verb::Message, Verb::Answer, Verb::Rerun];
        all.into_iter().filter(|verb| self.is_legal(*verb)).collect()
    }

    pub fn is_legal(&self, verb: Verb) -> bool {
        use super::Hold;
        let settled = self.status.is_settled();
        match verb {
            Verb::Pause => !settled && !self.holds.contains(&Hold::Person),
            Verb::Resume => {
                !settled && (self.holds.contains(&Hold::Person) || self.holds.contains(&Hold::Budget))
            }
            Verb::Cancel => !settled,
            Verb::Message => self.status != Status::Cancelled,
            Verb::Answer => self.open_asks().next().is_some(),
            Verb::Rerun => settled,
        }
    }

    pub(super) fn illegal(&self, verb: Verb) -> Refusal {
        Refusal::Illegal { session: self.id(), status: self.status, verb, legal: self.legal_verbs() }
    }
}
