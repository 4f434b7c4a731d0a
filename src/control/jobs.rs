//! Which work on the world is under way, and when what failed may be tried again.
//!
//! Keyed by session and kind, so that ticks never block and never overlap for one node. Kept in memory only: after a
//! start nothing is under way, and the rows say what is to be done. Must not know what any job does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::relay::Partial;
use crate::domain::{SessionId, Time};

/// One kind of work on one session; at most one of each is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Job {
    /// Calls to the provider.
    Node,
    /// The attach loop with the supervisor.
    Link,
    /// The pull request.
    Publish,
}

impl Job {
    /// For the operator's log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Link => "link",
            Self::Publish => "publish",
        }
    }
}

/// What a job leaves behind.
#[derive(Debug)]
pub(super) enum After {
    /// As far as it could go; the rows decide whether there is more.
    Done,
    /// Made progress and then broke off: again from `at`, forgiven.
    Again { at: Time, partial: Option<Partial> },
    /// Failed: again from `at`, and it counts.
    Strike { at: Time, partial: Option<Partial> },
}

#[derive(Default)]
struct Slot {
    running: bool,
    strikes: u32,
    not_before: Option<Time>,
    partial: Option<Partial>,
}

#[derive(Clone, Default)]
pub(super) struct Jobs {
    slots: Arc<Mutex<HashMap<(SessionId, Job), Slot>>>,
    /// Told whenever a job ends.
    pub(super) ended: Arc<Notify>,
}

/// The right to do one job; giving it back says how it went, also after a panic (`broken`). Dropped without a word, as
/// at a shutdown, it frees the place and counts nothing.
pub(super) struct Ticket {
    jobs: Jobs,
    of: (SessionId, Job),
    /// How often this job has failed in a row.
    pub(super) strikes: u32,
    /// What an earlier attach had of an unfinished record.
    pub(super) partial: Option<Partial>,
}

impl Jobs {
    fn slots(&self) -> MutexGuard<'_, HashMap<(SessionId, Job), Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` where it is under way already or its pause is not over.
    pub(super) fn begin(&self, id: SessionId, job: Job, now: Time) -> Option<Ticket> {
        let mut slots = self.slots();
        let slot = slots.entry((id, job)).or_default();
        if slot.running || slot.not_before.is_some_and(|t| t > now) {
            return None;
        }
        slot.running = true;
        let (strikes, partial) = (slot.strikes, slot.partial.take());
        Some(Ticket { jobs: self.clone(), of: (id, job), strikes, partial })
    }

    /// Forgets what rests for sessions that nothing is to be done for any more.
    pub(super) fn keep(&self, open: impl Fn(SessionId) -> bool) {
        self.slots().retain(|(id, _), slot| slot.running || open(*id));
    }

    /// Sessions whose job of this kind failed when it was tried last.
    pub(super) fn failing(&self, job: Job) -> usize {
        self.slots().iter().filter(|((_, of), slot)| *of == job && slot.strikes > 0).count()
    }

    /// What is under way has come further than the tries before it: it is no trouble any more.
    pub(super) fn goes_well(&self, id: SessionId, job: Job) {
        if let Some(slot) = self.slots().get_mut(&(id, job)) {
            slot.strikes = 0;
        }
    }

    /// Whether this session's job of this kind failed when it was tried last.
    pub(super) fn fails(&self, id: SessionId, job: Job) -> bool {
        self.slots().get(&(id, job)).is_some_and(|slot| slot.strikes > 0)
    }

    /// The next moment at which something that rests may be tried again.
    pub(super) fn next(&self) -> Option<Time> {
        let slots = self.slots();
        slots.values().filter(|s| !s.running).filter_map(|s| s.not_before).min()
    }
}

impl Ticket {
    pub(super) fn give_back(self, after: After) {
        let (at, partial, strikes) = match after {
            After::Done => (None, None, 0),
            After::Again { at, partial } => (Some(at), partial, 0),
            After::Strike { at, partial } => (Some(at), partial, self.strikes.saturating_add(1)),
        };
        let mut slots = self.jobs.slots();
        if at.is_none() {
            slots.remove(&self.of);
        } else if let Some(slot) = slots.get_mut(&self.of) {
            slot.strikes = strikes;
            slot.not_before = at;
            slot.partial = partial;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(slot) = self.jobs.slots().get_mut(&self.of) {
            slot.running = false;
        }
        self.jobs.ended.notify_one();
    }
}
