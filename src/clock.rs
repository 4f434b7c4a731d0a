//! Floor 0: the only reader of time and maker of random ids.
//!
//! Everything else is handed a [`Clock`]; tests hand a [`Clock::by_hand`] and turn it themselves.
//! Must not know what the time or the ids are for.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

/// A moment, to the microsecond: the precision of the database and of the JSON.
pub type Time = DateTime<Utc>;

/// Reads the time and makes ids. Cheap to clone; clones share one hand-turned time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Hand(Arc<Mutex<Time>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::turn`] moves it.
    pub fn by_hand(start: Time) -> Self {
        Self(Source::Hand(Arc::new(Mutex::new(start.trunc_subsecs(6)))))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn now(&self) -> Time {
        match &self.0 {
            Source::System => Utc::now().trunc_subsecs(6),
            Source::Hand(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a hand-turned clock; the machine's clock cannot be moved and ignores it.
    pub fn turn(&self, by: TimeDelta) {
        if let Source::Hand(at) = &self.0 {
            *at.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }

    /// A random id. Not ordered: use it for names, not for sorting.
    #[expect(clippy::disallowed_methods, reason = "this is the one maker of random ids")]
    pub fn random_id(&self) -> Uuid {
        Uuid::new_v4()
    }
}
