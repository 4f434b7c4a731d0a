//! The sender: each session's log goes out as one message in its channel and what a person should read in its thread.
//!
//! ```text
//!  Notes::threads_due ─► intake ─► Track (plan) ─► wishes ─► Budget ─► carry ─► draw ─► Web
//!        ▲                            ▲                                  │
//!        └────────── cursor ──────────┴──────────── outcome ◄────────────┘
//! ```
//! *Edges* (an ask, its record, an end) are told once and in order; the *level* (the root) is made again when it has
//! changed and there is room. Nothing here is a truth: after a start the tracks come from rows and the log is read
//! again from the kept cursor. Must not know how a message looks, or anything of a session but its view and its log.

mod budget;
mod carry;
mod draw;
mod edge;
mod intake;
mod pick;
mod plan;
mod refusals;
mod root;
#[cfg(test)]
mod tests;
mod wish;

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::domain::{SessionId, Time};
use crate::slack::web::Web;
use crate::store::slack::Notes;
use crate::wire::api::Control;
use budget::Budget;
use pick::Job;
use plan::Track;

/// The loop looks at everything at least this often, whether or not anybody woke it.
const PERIOD: Duration = Duration::from_secs(5);
/// Under constant load ticks keep this distance.
const CALM: Duration = Duration::from_millis(100);
const SHUTDOWN: Duration = Duration::from_secs(12);

/// Tells threads. Cheap to clone; its loop ends with the last clone.
#[derive(Clone)]
pub struct Sender {
    inner: Arc<Inner>,
    _end: Arc<DropGuard>,
}

struct Inner {
    notes: Notes,
    control: Arc<dyn Control>,
    web: Web,
    clock: Clock,
    board: Mutex<Board>,
    budget: Mutex<Budget>,
    nudged: Mutex<HashSet<SessionId>>,
    /// A click or the end of a call.
    stirred: Notify,
    tasks: TaskTracker,
    end: CancellationToken,
}

/// Threads that have something to tell, and those of sessions that go on.
#[derive(Default)]
struct Board {
    slots: HashMap<SessionId, Slot>,
    /// Channels we are a member of.
    joined: HashSet<String>,
}

struct Slot {
    track: Track,
    /// A call for it is under way.
    busy: bool,
    /// Failures in a row.
    strikes: u32,
    /// Neither its channel nor its owner can be told.
    hopeless: bool,
    not_before: Option<Time>,
    looked_at: Option<Time>,
}

/// How far Slack is behind, for health and metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// Threads with something to tell.
    pub waiting: usize,
    /// Of these, threads whose last call failed.
    pub failing: usize,
}

impl Sender {
    /// Puts it together; nothing is told until [`Sender::tick`].
    pub fn new(notes: Notes, control: Arc<dyn Control>, web: Web, clock: Clock) -> Self {
        let end = CancellationToken::new();
        let inner = Inner {
            notes,
            control,
            web,
            clock,
            board: Mutex::default(),
            budget: Mutex::default(),
            nudged: Mutex::default(),
            stirred: Notify::new(),
            tasks: TaskTracker::new(),
            end: end.clone(),
        };
        Self { inner: Arc::new(inner), _end: Arc::new(end.drop_guard()) }
    }

    /// [`Sender::new`], and the loop that ticks.
    pub fn start(notes: Notes, control: Arc<dyn Control>, web: Web, clock: Clock) -> Self {
        let sender = Self::new(notes, control, web, clock);
        let inner = sender.inner.clone();
        let end = inner.end.clone();
        sender.inner.tasks.spawn(async move {
            tokio::select! {
                () = end.cancelled() => {}
                () = watch(inner) => {}
            }
        });
        sender
    }

    /// Tells everything that may be told now and waits for its calls. Says when there may be more, besides what is
    /// committed meanwhile.
    pub async fn tick(&self, now: Time) -> Option<Time> {
        loop {
            let (jobs, later) = self.inner.begin(now).await;
            if jobs.is_empty() {
                return later;
            }
            join_all(jobs.into_iter().map(|job| self.inner.clone().guarded(job))).await;
        }
    }

    /// Somebody clicked: what came of it is shown at once.
    pub fn nudge(&self, session: SessionId) {
        locked(&self.inner.nudged).insert(session);
        self.inner.stirred.notify_one();
    }

    pub fn behind(&self) -> Behind {
        let board = locked(&self.inner.board);
        let open = board.slots.values().filter(|slot| slot.busy || slot.track.owes());
        let failing = board.slots.values().filter(|slot| slot.strikes > 0).count();
        Behind { waiting: open.count(), failing }
    }

    /// Stops and waits for the calls that are under way, briefly. The next start goes on from the rows.
    pub async fn shutdown(&self) {
        self.inner.end.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(SHUTDOWN, self.inner.tasks.wait()).await.is_err() {
            tracing::warn!("some calls of Slack did not end in time; the next start looks for them");
        }
    }
}

/// The shell: woken by commits, clicks, calls that end, and the next moment that something is due. It never waits for
/// a call.
async fn watch(inner: Arc<Inner>) {
    let mut changed = inner.notes.changed();
    loop {
        changed.borrow_and_update();
        let now = inner.clock.now();
        let begun = AssertUnwindSafe(inner.begin(now)).catch_unwind().await;
        let (jobs, later) = begun.unwrap_or_else(|_| {
            tracing::error!("the sender broke while it looked at its threads; it goes on");
            (Vec::new(), Some(now + PERIOD))
        });
        for job in jobs {
            inner.tasks.spawn(inner.clone().guarded(job));
        }
        tokio::time::sleep(CALM).await;
        let pause = later.map_or(PERIOD, |at| until(at, inner.clock.now())).min(PERIOD);
        tokio::select! {
            seen = changed.changed() => if seen.is_err() { return },
            () = inner.stirred.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn until(at: Time, now: Time) -> Duration {
    (at - now).to_std().unwrap_or_default()
}

impl Inner {
    /// Reads what is new, keeps cursors, and grants what may be done now.
    async fn begin(self: &Arc<Self>, now: Time) -> (Vec<Job>, Option<Time>) {
        let looked = self.look(now).await;
        self.keep(now).await;
        let (jobs, later) = self.pick(now);
        (jobs, looked.into_iter().chain(later).min())
    }

    /// A call whose panic is one failed call.
    async fn guarded(self: Arc<Self>, job: Job) {
        let (session, slot) = (job.session, job.wish.slot.clone());
        if AssertUnwindSafe(self.carry(job)).catch_unwind().await.is_err() {
            tracing::error!(session.id = %session, slot, "a message to Slack broke");
            self.failed(session);
        }
        self.stirred.notify_one();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
