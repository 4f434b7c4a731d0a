//! Up to which stamp of `sessions.changed` every thread was told, so that looking for those that were not need not read
//! the threads of years.
//!
//! Kept in memory only: after a start it is 0 and everything is looked at once. Must not know SQL.

use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(in crate::store) struct Mark(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    stamp: u64,
    /// Rises when the stamp is taken back, so that a look that began before does not raise it again.
    turn: u64,
}

/// A look that began: from which stamp on, and when.
pub(super) struct Look {
    pub(super) after: u64,
    turn: u64,
}

impl Mark {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn look(&self) -> Look {
        let inner = self.lock();
        Look { after: inner.stamp, turn: inner.turn }
    }

    /// Nothing up to `stamp` is due any more.
    pub(super) fn rise(&self, look: &Look, stamp: u64) {
        let mut inner = self.lock();
        if inner.turn == look.turn {
            inner.stamp = inner.stamp.max(stamp);
        }
    }

    /// A thread came, and its session may have any stamp.
    pub(in crate::store) fn take_back(&self) {
        let mut inner = self.lock();
        inner.stamp = 0;
        inner.turn += 1;
    }
}
