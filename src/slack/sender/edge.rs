//! What an event of the log asks of the thread.
//!
//! Pure. Edges are told once, in order; everything else at most makes the root look different. Most events do neither
//! and are not even read. Must not know whether anything was told before.

use chrono::TimeDelta;

use crate::domain::ask::{Ask, AskState};
use crate::domain::event::{Body, Queued};
use crate::domain::session::{Hold, Status};
use crate::domain::{AskId, Seq, Time};
use crate::wire::view::EventView;

/// Something a person should read in the thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// An ask was opened.
    Asked(Ask),
    /// An ask was settled: its message becomes the record.
    Settled { id: AskId, state: AskState },
    /// The budget is used up: only a person can let it go on.
    Spent { reason: Option<String> },
    /// The forge keeps refusing the pull request.
    Unpublished { cause: String, tries: u32, again: Time },
    /// Its node's provider says something a person should know: why it stopped, which policy cut a wish.
    Noticed { notice: String },
    /// The session settled. `cause`: why it failed.
    Ended { status: Status, at: Time, cause: Option<String> },
    /// The channel refuses us: the thread moved to the owner's direct messages.
    Moved { channel: String, code: String },
}

/// An edge with its place in the log and its moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub seq: Seq,
    pub at: Time,
    pub edge: Edge,
}

impl Entry {
    /// The message this edge is told in.
    pub fn slot(&self) -> String {
        match &self.edge {
            Edge::Asked(ask) => ask_slot(&ask.id),
            Edge::Settled { id, .. } => ask_slot(id),
            Edge::Spent { .. } | Edge::Unpublished { .. } | Edge::Noticed { .. } => {
                format!("note:{}", self.seq)
            }
            Edge::Ended { .. } => format!("final:{}", self.seq),
            Edge::Moved { channel, .. } => format!("moved:{channel}"),
        }
    }
}

impl Entry {
    /// It tells that this ask was opened.
    pub fn asks(&self, id: &AskId) -> bool {
        matches!(&self.edge, Edge::Asked(ask) if ask.id == *id)
    }
}

pub fn ask_slot(id: &AskId) -> String {
    format!("ask:{id}")
}

/// How much an event may change the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touch {
    /// Step, phase, cost: worth a look when there is time.
    Progress,
    /// An ask was opened or settled, and its own message shows that at once; or the workspace is there. The root may
    /// follow.
    Asked,
    /// Whether it runs, waits or is over: what people look at the root for.
    State,
}

impl Touch {
    /// The shortest time between two versions of the root; `calm`: versions for steps alone since the state changed.
    /// What people must see is written as it comes; steps have to be worth a write of their own.
    pub fn window(self, calm: u32) -> TimeDelta {
        match self {
            Self::State | Self::Asked => TimeDelta::seconds(10),
            Self::Progress => TimeDelta::minutes(5 << calm.min(3)),
        }
    }
}

/// What the event does to the root. Kinds that are not named (the agent's steps) do nothing.
pub fn touch(event: &EventView) -> Option<Touch> {
    match event.kind.as_str() {
        "phase"
        | "agent.started"
        | "agent.turn_ended"
        | "check.plan"
        | "check.ended"
        | "pushed"
        | "node.changed"
        | "attempt.lost"
        | "attempt.ended"
        | "session.admitted"
        | "session.publishing"
        | "session.publish_failed" => Some(Touch::Progress),
        "ask.opened" | "ask.answered" | "ask.defaulted" | "ask.withdrawn" | "workspace.ready" => {
            Some(Touch::Asked)
        }
        "hold.set" | "hold.lifted" | "session.queued" => Some(because_of_an_ask(event)),
        kind if kind.starts_with("session.") || kind.starts_with("budget.") => Some(Touch::State),
        _ => None,
    }
}

fn because_of_an_ask(event: &EventView) -> Touch {
    match body(event) {
        Some(Body::Held { hold: Hold::Ask, .. } | Body::Lifted { hold: Hold::Ask, .. }) => Touch::Asked,
        Some(Body::Queued { why: Queued::Resumed, .. }) => Touch::Asked,
        _ => Touch::State,
    }
}

/// Kinds that may ask to be told; the others are not read.
const TOLD: [&str; 10] = [
    "ask.opened",
    "ask.answered",
    "ask.defaulted",
    "ask.withdrawn",
    "hold.set",
    "node.changed",
    "session.publish_failed",
    "session.done",
    "session.failed",
    "session.cancelled",
];
/// A forge that fails so often in a row is told of, once; before that it mostly mends itself.
const PATIENCE: u32 = 3;

/// What the event asks to be told.
pub fn edge(event: &EventView) -> Option<Edge> {
    if !TOLD.contains(&event.kind.as_str()) {
        return None;
    }
    let at = event.at;
    let settled = |id, state| Some(Edge::Settled { id, state });
    let ended = |status, cause| Some(Edge::Ended { status, at, cause });
    match body(event)? {
        Body::AskOpened { ask } => Some(Edge::Asked(ask)),
        Body::AskAnswered { id, by, answer } => {
            settled(id, AskState::Answered { by, at, answer, applied: false })
        }
        Body::AskDefaulted { id, answer } => settled(id, AskState::Defaulted { at, answer, applied: false }),
        Body::AskWithdrawn { id, why } => settled(id, AskState::Withdrawn { at, why }),
        Body::Held { hold: Hold::Budget, reason, .. } => Some(Edge::Spent { reason }),
        Body::PublishFailed { cause, tries: PATIENCE, not_before } => {
            Some(Edge::Unpublished { cause, tries: PATIENCE, again: not_before })
        }
        Body::NodeChanged { notice: Some(notice), .. } => Some(Edge::Noticed { notice }),
        Body::Done => ended(Status::Done, None),
        Body::Failed { cause } => ended(Status::Failed, Some(cause)),
        Body::Cancelled { .. } => ended(Status::Cancelled, None),
        _ => None,
    }
}

fn body(event: &EventView) -> Option<Body> {
    match serde_json::from_str(event.body.get()) {
        Ok(body) => Some(body),
        Err(error) => {
            tracing::warn!(event.seq, event.kind, %error, "an event of the log cannot be read, and is not told");
            None
        }
    }
}
