//! What is kept beside sessions and their logs: one or two statements each, in the batch of those who wait with it.
//!
//! Knows whose words a note is in; must not know what it changes.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;
use tokio::sync::oneshot;

use super::api::Inner;
use super::slack::Delivered;
use super::writer::{Member, Noting};
use super::{Lane, StoreError, nodes, people, slack};
use crate::domain::Time;

/// One thing to be kept.
pub(super) enum Note {
    Slack(slack::Note),
    Nodes(nodes::Note),
    People(people::Note),
}

impl Note {
    /// Roughly what it adds to a batch.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Slack(note) => note.bytes(),
            Self::Nodes(_) | Self::People(_) => 0,
        }
    }

    /// Runs inside the batch's transaction. `now`: when the batch is written.
    pub(super) async fn write(&self, conn: &mut SqliteConnection, now: Time) -> Result<(), sqlx::Error> {
        match self {
            Self::Slack(note) => note.write(conn, now).await,
            Self::Nodes(note) => note.write(conn, now).await,
            Self::People(note) => note.write(conn, now).await,
        }
    }
}

impl Inner {
    /// Answers once it is on disk.
    pub(super) async fn note(&self, lane: Lane, note: Note) -> Result<Delivered, StoreError> {
        let (reply, answer) = oneshot::channel();
        let lane = match lane {
            Lane::People => &self.people,
            Lane::Machines => &self.machines,
        };
        let member = Member::Note(Noting { note: Arc::new(note), reply });
        lane.send(member).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}
