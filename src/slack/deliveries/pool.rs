//! The bounded pool that works deliveries: so many at once, so many more in memory, the rest on disk.
//!
//! Panics are caught and hung work is broken off; both are tried again, and in the end the person is told. Must not
//! know what the work is.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Work;
use super::claims::{Claim, Claims};
use crate::store::slack::{Delivery, Notes};

/// Worked at once. Most of it waits for Slack.
const AT_ONCE: usize = 32;
/// In memory, worked or waiting. Above it they stay on disk until there is room.
const ROOM: usize = 128;
/// What is under way at the end may take this long.
const GRACE: Duration = Duration::from_secs(5);

/// How long work may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// One try. Every call in it has a limit of its own; this one is for what forgot.
    pub(super) one_try: Duration,
    /// Between the tries of work that panicked or hung.
    pub(super) pauses: [Duration; 2],
}

impl Default for Times {
    fn default() -> Self {
        let pauses = [Duration::from_secs(1), Duration::from_secs(5)];
        Self { one_try: Duration::from_mins(2), pauses }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    Work,
    /// Tell the person it is not done; there is no row.
    Late,
}

pub(super) struct Pool {
    pub(super) claims: Claims,
    hands: Hands,
    tasks: TaskTracker,
    room: Arc<Room>,
}

/// Places in memory.
struct Room {
    places: Arc<Semaphore>,
    /// Somebody found none and is on disk alone.
    overflowed: AtomicBool,
    /// Told when rows should be looked at.
    look: Notify,
}

impl Room {
    fn place(&self) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok();
        if place.is_none() {
            self.overflowed.store(true, Ordering::SeqCst);
            // The last one may have left in between, without seeing it.
            if self.places.available_permits() > 0 {
                self.look.notify_one();
            }
        }
        place
    }

    /// The claim goes first: whoever finds the place can have it.
    fn leave(&self, claim: Claim, place: OwnedSemaphorePermit) {
        drop(claim);
        drop(place);
        if self.overflowed.swap(false, Ordering::SeqCst) {
            self.look.notify_one();
        }
    }
}

/// What a task needs.
#[derive(Clone)]
struct Hands {
    notes: Notes,
    work: Arc<dyn Work>,
    times: Times,
    at_once: Arc<Semaphore>,
    /// No new work.
    closing: CancellationToken,
    /// Nothing at all any more.
    end: CancellationToken,
}

impl Pool {
    pub(super) fn new(notes: Notes, work: Arc<dyn Work>, times: Times) -> Self {
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let hands = Hands {
            notes,
            work,
            times,
            at_once,
            closing: CancellationToken::new(),
            end: CancellationToken::new(),
        };
        let places = Arc::new(Semaphore::new(ROOM));
        let room = Arc::new(Room { places, overflowed: AtomicBool::new(false), look: Notify::new() });
        Self { claims: Claims::default(), hands, tasks: TaskTracker::new(), room }
    }

    /// Begins it, or leaves it on disk for a look when there is room.
    pub(super) fn begin(&self, delivery: Delivery, job: Job, claim: Claim) {
        let kind = delivery.kind.clone();
        if !self.try_begin(delivery, job, claim) {
            tracing::warn!(
                delivery.kind = kind,
                delivery.late = job == Job::Late,
                "no room for a delivery's work"
            );
        }
    }

    /// `false` where there is no room.
    pub(super) fn try_begin(&self, delivery: Delivery, job: Job, claim: Claim) -> bool {
        let Some(place) = self.room.place() else { return false };
        let (hands, room) = (self.hands.clone(), Arc::clone(&self.room));
        self.spawn(async move {
            let end = hands.end.clone();
            end.run_until_cancelled(hands.carry_out(&delivery, job)).await;
            room.leave(claim, place);
        });
        true
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.tasks.spawn(task));
    }

    pub(super) fn look_again(&self) {
        self.room.look.notify_one();
    }

    pub(super) async fn asked_to_look(&self) {
        self.room.look.notified().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.hands.closing.is_cancelled()
    }

    pub(super) async fn closed(&self) {
        self.hands.closing.cancelled().await;
    }

    /// Ends everything where it stands, as a kill does.
    #[cfg(test)]
    pub(super) fn crash(&self) {
        self.hands.closing.cancel();
        self.hands.end.cancel();
    }

    pub(super) async fn shutdown(&self) {
        self.hands.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(GRACE, self.tasks.wait()).await.is_err() {
            self.hands.end.cancel();
            self.tasks.wait().await;
        }
    }
}

impl Hands {
    async fn carry_out(&self, delivery: &Delivery, job: Job) {
        let waiting = self.closing.run_until_cancelled(self.at_once.acquire());
        let Some(Ok(_turn)) = waiting.await else { return };
        match job {
            Job::Late => self.tell(delivery).await,
            Job::Work => {
                if !self.tries(delivery).await {
                    self.tell(delivery).await;
                }
                self.done(delivery).await;
            }
        }
    }

    /// Whether one of the tries came to its end.
    async fn tries(&self, delivery: &Delivery) -> bool {
        let pauses = self.times.pauses.into_iter().map(Some).chain([None]);
        for pause in pauses {
            let tried = tokio::time::timeout(self.times.one_try, guarded(self.work.work(delivery))).await;
            if matches!(tried, Ok(Ok(()))) {
                return true;
            }
            let hung = tried.is_err();
            tracing::error!(delivery.kind, delivery.hung = hung, "the work of a delivery broke off");
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
        false
    }

    async fn tell(&self, delivery: &Delivery) {
        let told = tokio::time::timeout(self.times.one_try, guarded(self.work.late(delivery))).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::error!(delivery.kind, "nobody was told that a delivery is not carried out");
        }
    }

    async fn done(&self, delivery: &Delivery) {
        if let Err(error) = self.notes.delivered(&delivery.key).await {
            // The row stays, and is worked again: its effects are kept under its key.
            tracing::error!(error = &error as &dyn std::error::Error, "a delivery's end was not kept");
        }
    }
}

/// A panic as a value. Its text may quote what people wrote and stays in the panic's own message.
pub(super) async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    AssertUnwindSafe(work).catch_unwind().await
}
