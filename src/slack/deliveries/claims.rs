//! Which deliveries are being taken in or carried out, so that none is by two at once.
//!
//! Kept in memory: after a start nothing is under way, and the rows say what is to be done.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Clone, Default)]
pub(super) struct Claims(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    held: HashSet<String>,
    /// Somebody reads the open rows: what is given back meanwhile stays held, for the row they have may be older.
    looking: bool,
    given_back: Vec<String>,
}

/// Held until it is dropped.
pub(super) struct Claim {
    claims: Claims,
    key: String,
}

/// Held while open rows are read and claimed.
pub(super) struct Looking(Claims);

impl Claims {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` where it is held.
    pub(super) fn claim(&self, key: &str) -> Option<Claim> {
        let key = key.to_owned();
        self.lock().held.insert(key.clone()).then(|| Claim { claims: self.clone(), key })
    }

    /// One at a time.
    pub(super) fn look(&self) -> Looking {
        self.lock().looking = true;
        Looking(self.clone())
    }

    pub(super) fn count(&self) -> usize {
        self.lock().held.len()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut inner = self.claims.lock();
        if inner.looking {
            inner.given_back.push(std::mem::take(&mut self.key));
        } else {
            inner.held.remove(&self.key);
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.looking = false;
        for key in std::mem::take(&mut inner.given_back) {
            inner.held.remove(&key);
        }
    }
}
