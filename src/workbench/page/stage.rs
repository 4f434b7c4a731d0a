//! What the page shows of the demo behind it, and the one thing it does to it.
//!
//! Knows the shapes; must not know how a control plane is killed or what counts its events.

use async_trait::async_trait;
use serde::Serialize;

use crate::clock::Time;

/// The demo as the page sees it.
#[async_trait]
pub trait Stage: Send + Sync + 'static {
    /// Answers at once, whatever is going on.
    async fn look(&self) -> Look;

    /// Ends the control plane as `kill -9` does; the stage starts it again by itself.
    async fn kill(&self) -> Result<(), NotNow>;
}

/// Why nothing was killed, in words for the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotNow(pub String);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    pub control_plane: ControlPlane,
    pub hints: Vec<Hint>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlPlane {
    pub up: bool,
    pub kills: u32,
    /// Counted from outside, in the event streams of all sessions.
    pub events_lost: u64,
    pub sessions: usize,
    /// The newest one.
    pub outage: Option<Outage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outage {
    pub killed_at: Time,
    pub back_at: Option<Time>,
}

/// Something to type, offered to who does not know what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hint {
    pub label: String,
    pub text: String,
}

impl Hint {
    pub fn new(label: &str, text: &str) -> Self {
        Self { label: label.into(), text: text.into() }
    }
}
