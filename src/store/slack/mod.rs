//! What is kept about Slack: deliveries until they are carried out, threads and how far each was told its session's
//! log, messages that were posted or may have been.
//!
//! Written by the one writer like everything else. Must not know what a delivery says or how a message looks.

mod mark;
mod notes;
mod read;
pub(super) mod sql;
mod write;

pub(super) use mark::Mark;
pub use notes::Notes;
pub(super) use read::is_known;
pub(super) use write::Note;

pub use super::StoreError;
use crate::domain::{Actor, Seq, SessionId, Time};

/// What Slack sent, as it was when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Unique: what is sent twice is carried out once. Made by who received it.
    pub key: String,
    /// `command`, `interaction` or `event`.
    pub kind: String,
    /// The payload, JSON.
    pub payload: String,
    pub received_at: Time,
    /// The writer drops it after this moment: no ack could reach Slack in time.
    pub deadline: Time,
}

/// What became of a delivery that was handed to the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// On disk: ack it, then carry it out.
    New,
    /// It is here already: ack it, nothing more.
    Repeat,
    /// Past its deadline: not kept, never to be carried out; the person is told.
    Late,
}

/// A session's thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    pub session: SessionId,
    pub channel: String,
    /// `ts` of the thread's first message: the root, or the message in whose thread the session was asked for.
    /// `None` until the root is posted.
    pub thread: Option<String>,
    /// `ts` of the root message; `None` until it is posted.
    pub root: Option<String>,
    pub owner: Actor,
    /// Events up to this one were told.
    pub cursor: Seq,
    /// The log's head and the session's `changed` stamp when this was read.
    pub head: Seq,
}

/// A message of ours. `slot`: its place in the thread's story: `root`, `ask:<id>`, `final:<seq>`, `note:<seq>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    pub session: SessionId,
    pub slot: String,
    pub channel: String,
    /// `None`: it was about to be posted, and nobody knows whether it was.
    pub ts: Option<String>,
    /// Of what was shown last.
    pub hash: Option<[u8; 32]>,
    /// When it was about to be posted or was last written.
    pub at: Time,
}
