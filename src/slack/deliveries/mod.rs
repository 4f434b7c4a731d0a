//! What Slack sends: first a row on disk, then the ack, then the work.
//!
//! ```text
//!  take ─► row (unique key, deadline) ─► prompt (what the ack may say) ─► ack ─┐
//!  start, tick ─► rows that nobody works ─────────────────────────────────────┴─► work, on a bounded pool ─► done
//! ```
//! A row is worked until it is carried out, over crashes; a repeat is acked and nothing more. Must not know what a
//! delivery says ([`Work`] does) nor how it came.

mod after;
mod claims;
mod keys;
mod pool;
#[cfg(test)]
pub(in crate::slack) mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::Value;

pub use after::Afterwards;
pub use keys::{Arrival, COMMAND, EVENT, INTERACTION, kind_of, sha256};
use pool::{Job, Pool, Times, guarded};

use crate::clock::Clock;
use crate::store::slack::{Delivered, Delivery, Notes, StoreError};

/// Slack waits 3 s for an ack; what is not on disk by then is not taken in.
pub const ACK_WITHIN: TimeDelta = TimeDelta::seconds(2);
/// Rows are looked for at least this often, whether or not anybody woke the loop.
const PERIOD: Duration = Duration::from_secs(30);

/// Who carries deliveries out.
#[async_trait]
pub trait Work: Send + Sync {
    /// Before the ack, as far as there is time: a body for it (the errors of a form). Whatever it does, `work` does
    /// again without harm; it may be broken off anywhere.
    async fn prompt(&self, delivery: &Delivery) -> Option<Value>;
    /// After the ack. May run again after a crash: each effect is under a key made of the delivery's.
    async fn work(&self, delivery: &Delivery);
    /// It is not carried out, because it was late or `work` broke off again and again: the person is told.
    async fn late(&self, delivery: &Delivery);
}

/// What is to be said to Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// With this body, where there is one and the way it came has room for it.
    Ack(Option<Value>),
    /// It is not on disk.
    DoNotAck,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Deliveries(Arc<Inner>);

struct Inner {
    notes: Notes,
    work: Arc<dyn Work>,
    clock: Clock,
    pool: Pool,
    /// One look at the rows at a time.
    looking: tokio::sync::Mutex<()>,
}

impl Deliveries {
    pub fn new(notes: Notes, work: Arc<dyn Work>, clock: Clock) -> Self {
        Self::with(notes, work, clock, Times::default())
    }

    fn with(notes: Notes, work: Arc<dyn Work>, clock: Clock, times: Times) -> Self {
        let pool = Pool::new(notes.clone(), Arc::clone(&work), times);
        Self(Arc::new(Inner { notes, work, clock, pool, looking: tokio::sync::Mutex::default() }))
    }

    /// Takes in what came: on disk first, then what the ack is to say. The caller says it, and then drops what follows.
    pub async fn take(&self, arrival: Arrival) -> (Taken, Afterwards) {
        let Arrival { delivery, comes_again } = arrival;
        let at = &self.0;
        if at.pool.is_closed() {
            return (Taken::DoNotAck, Afterwards::nothing());
        }
        // Before it is a row, so that no look at the rows finds it unheld.
        let claim = at.pool.claims.claim(&delivery.key);
        let taken = match at.notes.deliver(delivery.clone()).await {
            Ok(Delivered::New) => {
                let then = Afterwards::work(self.clone(), delivery.clone(), claim);
                return (Taken::Ack(self.prompt(&delivery).await), then);
            }
            Ok(Delivered::Repeat) => {
                if claim.is_some() {
                    drop(claim);
                    at.pool.look_again();
                }
                Taken::Ack(None)
            }
            Ok(Delivered::Late) => {
                tracing::warn!(delivery.kind, comes_again, "a delivery was not on disk in time");
                if let Some(claim) = claim.filter(|_| !comes_again) {
                    at.pool.begin(delivery, Job::Late, claim);
                }
                Taken::DoNotAck
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    delivery.kind,
                    "a delivery was not kept"
                );
                Taken::DoNotAck
            }
        };
        (taken, Afterwards::nothing())
    }

    /// What the ack is to say, if that is known within what is left of the time.
    async fn prompt(&self, delivery: &Delivery) -> Option<Value> {
        let left = (delivery.deadline - self.0.clock.now()).to_std().ok().filter(|d| !d.is_zero())?;
        let prompt = guarded(self.0.work.prompt(delivery));
        match tokio::time::timeout(left, prompt).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => {
                tracing::error!(delivery.kind, "what an ack is to say panicked");
                None
            }
            Err(_) => {
                tracing::warn!(delivery.kind, "what an ack is to say was not known in time");
                None
            }
        }
    }

    /// Begins to work rows that nobody works, as far as there is room: what a crash left, and what found no room when
    /// it came. Answers how many.
    pub async fn tick(&self) -> Result<usize, StoreError> {
        let at = &self.0;
        let _one = at.looking.lock().await;
        let _looking = at.pool.claims.look();
        let mut begun = 0;
        for delivery in at.notes.deliveries().await? {
            let Some(claim) = at.pool.claims.claim(&delivery.key) else { continue };
            if !at.pool.try_begin(delivery, Job::Work, claim) {
                break;
            }
            begun += 1;
        }
        Ok(begun)
    }

    /// Works what a crash left, and from then on whatever is left over. Ends with [`Deliveries::shutdown`].
    pub fn start(&self) {
        let this = self.clone();
        self.0.pool.spawn(async move {
            loop {
                if let Err(error) = this.tick().await {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "open deliveries were not read"
                    );
                }
                tokio::select! {
                    () = this.0.pool.closed() => break,
                    () = this.0.pool.asked_to_look() => {}
                    () = tokio::time::sleep(PERIOD) => {}
                }
            }
        });
    }

    /// How many are being taken in, worked or wait for their turn in memory.
    pub fn under_way(&self) -> usize {
        self.0.pool.claims.count()
    }

    /// Takes nothing in any more and begins no work; what is under way has some seconds. The rows keep the rest.
    pub async fn shutdown(&self) {
        self.0.pool.shutdown().await;
    }
}
