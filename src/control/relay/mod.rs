//! One attach loop per occupied node: the supervisor's records into the log, commands and wants to the supervisor.
//!
//! ```text
//!   wanted(row) ─► attach ─► occupy (committed) ─► start the supervisor if none listens ─► talk
//!        ▲                                                                                 │
//!        └──────────── tick, when the pause is over ◄── broken, refused, unreachable ◄─────┘
//! ```
//! An attach ends with the attempt's `Ended` frame, never with the end of a stream. Must not know what a report
//! means, nor which provider delivers the stream.

mod inbox;
mod intake;
mod start;
mod talk;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::jobs::After;
use super::nodes::busy_with;
use super::refusals::in_full;
use super::{Inner, Start};
use crate::domain::lease::{Input as Step, State};
use crate::domain::session::{Input, Want, wants};
use crate::domain::{Attempt, SessionId};
use crate::node::{Condition, NodeError};
use crate::store::{Row, StoreError};
use crate::wire::link::{Level, LinkError};

pub(super) use intake::Partial;

/// A supervisor that could not be started this often: the attempt is given up.
pub(super) const MAX_STARTS: u32 = 5;
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(200);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Why an attach is over before its attempt is.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The rows want something else by now.
    #[error("the attach is not wanted any more")]
    Moved,
    #[error("the node cannot be reached")]
    Node(#[from] NodeError),
    #[error("its supervisor could not be started: {0}")]
    NotStarted(String),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the supervisor went silent")]
    Silent,
    #[error("the supervisor does not take this attach: {0}")]
    Refused(String),
    /// Records are missing: attach again from the last one that is kept.
    #[error("a record is missing")]
    Gap,
    /// The supervisor breaks the protocol; the same would happen again.
    #[error("its supervisor {0}")]
    Bad(String),
    #[error("the store does not answer")]
    Store(#[from] StoreError),
}

/// The attempt whose supervisor is to be attached to, if there is one.
pub(super) fn wanted(row: &Row, want: Want) -> Option<Attempt> {
    let lease = row.lease.as_deref().filter(|l| l.state == State::Ready)?;
    match (lease.busy, want) {
        (Some(busy), _) => Some(busy),
        (None, Want::Run { attempt }) => Some(attempt),
        (None, _) => None,
    }
}

/// What the link tells this attempt to do.
fn level(row: &Row, want: Want, attempt: Attempt) -> Level {
    match want {
        Want::Run { attempt: live } if live == attempt => Level::Run,
        Want::Drain { attempt: live } if live == attempt => Level::Drain,
        // Its last word is kept and its pull request is next: it only has to go.
        _ => {
            tracing::trace!(session.id = %row.session.id(), %attempt, "the attempt is to stop");
            Level::Stop
        }
    }
}

/// The job: attach once and stay until the attempt has ended or the link breaks.
pub(super) async fn attach(inner: Arc<Inner>, id: SessionId, attempt: Attempt, start: Start) -> After {
    let mut partial = start.partial;
    let mut heard = false;
    match inner.attach_once(id, attempt, &mut partial, &mut heard).await {
        Ok(()) | Err(Trouble::Moved) => After::Done,
        Err(trouble) => {
            tracing::info!(session.id = %id, session.attempt = %attempt, error = %in_full(&trouble), "an attach is over");
            let strikes = if heard { 0 } else { start.strikes };
            let at = inner.later(FIRST_PAUSE, strikes, LONGEST_PAUSE);
            match inner.after_trouble(id, attempt, &trouble, strikes + 1).await {
                Ok(true) => After::Done,
                Ok(false) if heard => After::Again { at, partial },
                Ok(false) => After::Strike { at, partial },
                Err(error) => {
                    tracing::error!(session.id = %id, error = %in_full(&error), "the end of an attach could not be committed");
                    After::Strike { at: at + TimeDelta::seconds(1), partial }
                }
            }
        }
    }
}

impl Inner {
    /// What the trouble means for node and session; `true` where the rows have changed and say what is next.
    async fn after_trouble(
        &self,
        id: SessionId,
        attempt: Attempt,
        trouble: &Trouble,
        strikes: u32,
    ) -> Result<bool, StoreError> {
        let Some(row) = self.store.row(id).await? else { return Ok(true) };
        match trouble {
            Trouble::Node(NodeError::Gone) => self.node_vanished(&row).await,
            Trouble::Node(NodeError::Permanent(cause)) => {
                self.give_up(id, attempt, cause.clone(), false).await?;
                Ok(false)
            }
            Trouble::Node(NodeError::Auth { .. }) => {
                self.give_up(id, attempt, in_full(trouble), false).await?;
                Ok(false)
            }
            Trouble::Bad(_) => {
                self.give_up(id, attempt, trouble.to_string(), false).await?;
                Ok(false)
            }
            Trouble::NotStarted(_) if strikes >= MAX_STARTS => {
                self.give_up(id, attempt, trouble.to_string(), true).await?;
                self.look_at_node(&row).await
            }
            Trouble::Store(_) | Trouble::Gap | Trouble::Refused(_) | Trouble::Moved => Ok(false),
            _ => self.look_at_node(&row).await,
        }
    }

    /// The attempt is over, if it is the one that lives.
    async fn give_up(
        &self,
        id: SessionId,
        attempt: Attempt,
        cause: String,
        transient: bool,
    ) -> Result<(), StoreError> {
        self.tell(id, Input::Lost { attempt, cause, transient }).await.map(|_| ())
    }

    /// A node that stopped by itself is started again; one that is gone is given up.
    async fn look_at_node(&self, row: &Row) -> Result<bool, StoreError> {
        let Some(lease) = row.lease.as_deref() else { return Ok(true) };
        let (Some(provider), Ok(node)) = (self.providers.get(&lease.provider), super::nodes::node_of(lease))
        else {
            return Ok(false);
        };
        let seen = tokio::time::timeout(Duration::from_mins(1), provider.inspect(&node)).await;
        match seen {
            Ok(Ok(Condition::Gone) | Err(NodeError::Gone)) => self.node_vanished(row).await,
            // Idle, twelve hours, a spending limit: it is started again where its session still runs.
            Ok(Ok(Condition::Stopped)) => {
                self.take_notice(row.session.id(), lease, provider.as_ref()).await?;
                self.move_lease(row.session.id(), &lease.key, Step::Suspended).await
            }
            _ => Ok(false),
        }
    }

    async fn node_vanished(&self, row: &Row) -> Result<bool, StoreError> {
        if let Some(lease) = row.lease.as_deref() {
            self.move_lease(row.session.id(), &lease.key, Step::Gone).await?;
        }
        self.attempt_lost(row, "its node is gone", true).await?;
        Ok(true)
    }

    /// The level for this attempt by the newest row; `None` where it does not occupy the node any more.
    fn level_of(&self, row: &Row, attempt: Attempt) -> Option<Level> {
        let want = wants(&row.session, self.clock.now());
        busy_with(row, attempt).then(|| level(row, want, attempt))
    }
}
