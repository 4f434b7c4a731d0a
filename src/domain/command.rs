//! A command: a numbered word to the agent.
//!
//! ```text
//!   issued ──(on the node's disk)──► acked ──(an event says so)──► consumed
//!      └────── a new attempt is sent all that are not consumed, in order ──────┘
//! ```
//!
//! Knows what can be said to an agent; must not know how it travels. Pause, stop and cancel are no commands:
//! the link carries them as a level ([`Want`](super::session::Want)).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ask::Answer;
use super::{Actor, AskId};

/// Position in a session's commands, gapless from 1.
pub type CommandNo = u32;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub c: CommandNo,
    /// Fixed when it is committed: the agent drops a second copy silently.
    pub uuid: Uuid,
    pub body: CommandBody,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "camelCase")]
pub enum CommandBody {
    /// The first word of a session: the supervisor makes it from the brief.
    Begin,
    /// A person's words. `Queue` waits until the turn ends, `Interrupt` ends it.
    Message { text: String, mode: MessageMode, from: Actor },
    /// The answer to an ask. Consumed when the supervisor says `AnswerApplied`.
    Answer { ask: AskId, answer: Answer },
    /// The last attempt ended in the middle; go on where it stopped.
    GoOn { why: String },
}

/// `queue` waits until the agent's turn ends, `interrupt` ends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MessageMode {
    #[default]
    Queue,
    Interrupt,
}

/// The uuid of command `c` of the session whose mark this is: the same at every computation.
pub fn uuid_of(mark: Uuid, c: CommandNo) -> Uuid {
    Uuid::new_v5(&mark, format!("command/{c}").as_bytes())
}
