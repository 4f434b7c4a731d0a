//! How the gateway is: what an operator is shown, and what a health check reads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::Time;

/// A moment's reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Sockets that Slack has greeted and that are open; two in fair weather, three for a moment at a change.
    pub up: usize,
    /// When a frame came last, over any of them.
    pub last_frame: Option<Time>,
    /// Why the newest try failed. `None` again once a socket is greeted.
    pub trouble: Option<String>,
    /// Why no socket is opened any more; only a start with other settings changes it.
    pub stopped: Option<String>,
}

#[derive(Clone, Default)]
pub(super) struct Vitals(Arc<Mutex<Health>>);

/// A socket that is up, until it is dropped.
pub(super) struct Up(Vitals);

impl Vitals {
    fn lock(&self) -> MutexGuard<'_, Health> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self) -> Health {
        self.lock().clone()
    }

    pub(super) fn frame(&self, now: Time) {
        self.lock().last_frame = Some(now);
    }

    pub(super) fn greeted(&self) -> Up {
        let mut health = self.lock();
        health.up += 1;
        health.trouble = None;
        Up(self.clone())
    }

    pub(super) fn failed(&self, why: String) {
        self.lock().trouble = Some(why);
    }

    pub(super) fn stopped(&self, why: String) {
        self.lock().stopped = Some(why);
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let mut health = self.0.lock();
        health.up = health.up.saturating_sub(1);
    }
}
