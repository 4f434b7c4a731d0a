//! What follows an ack: the work, begun when it is said.
//!
//! Held by whoever says the ack and dropped when that is done, or cannot be done any more: what is on disk is worked
//! either way. Must not know how acks are said.

use tokio::runtime::Handle;

use super::Deliveries;
use super::claims::Claim;
use super::pool::Job;
use crate::store::slack::Delivery;

/// Begins the work when it is dropped.
#[must_use = "dropped at once, the work begins before the ack"]
pub struct Afterwards(Option<Begin>);

struct Begin {
    deliveries: Deliveries,
    delivery: Delivery,
    /// `None`: held by a twin that came to hear it is a repeat; then a look finds the row.
    claim: Option<Claim>,
    /// It may be dropped where no runtime is.
    runtime: Handle,
}

impl Afterwards {
    pub(super) fn nothing() -> Self {
        Self(None)
    }

    pub(super) fn work(deliveries: Deliveries, delivery: Delivery, claim: Option<Claim>) -> Self {
        Self(Some(Begin { deliveries, delivery, claim, runtime: Handle::current() }))
    }
}

impl Drop for Afterwards {
    fn drop(&mut self) {
        let Some(Begin { deliveries, delivery, claim, runtime }) = self.0.take() else { return };
        let _inside = runtime.enter();
        match claim {
            Some(claim) => deliveries.0.pool.begin(delivery, Job::Work, claim),
            None => deliveries.0.pool.look_again(),
        }
    }
}
