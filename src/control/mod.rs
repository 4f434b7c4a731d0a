//! Floor 3: how an input becomes a committed step, and how the world is brought to what the rows want.
//!
//! ```text
//!   Control (people) ─► store.commit ─► rows ─► tick ─► timers, admissions
//!                                                  └──► jobs: node (provider), link (supervisor), publish (forge)
//!                                                          └─► inputs ─► store.commit ─► rows …
//! ```
//! [`Local`] holds no truth of its own: after a start everything comes from rows, and first try and recovery are one
//! path. Every loop is a shell around a public tick. Must not know who asked, over which door, nor any SQL.

mod accounts;
mod broken;
mod dispatch;
mod feed;
mod fleet;
pub mod forge;
mod jobs;
pub mod links;
mod local;
mod nodes;
mod places;
mod publish;
mod reap;
mod refusals;
mod relay;
mod run;
pub mod settings;
#[cfg(test)]
mod tests;
mod troubles;
mod words;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::domain::session::{self, Input};
use crate::domain::{SessionId, Time};
use crate::node::Provider;
use crate::store::{CommitError, Lane, Row, Store, StoreError};
use forge::Forge;
use jobs::{After, Job, Jobs};
pub use settings::Settings;
pub use troubles::Troubles;

/// The providers by the name sessions call them.
pub type Providers = BTreeMap<String, Arc<dyn Provider>>;

/// The control plane of one installation. Cheap to clone; when the last clone is dropped its work stops, and the
/// supervisors go on without it.
#[derive(Clone)]
pub struct Local {
    inner: Arc<Inner>,
    /// Ends loops and jobs with the last clone.
    _end: Arc<DropGuard>,
}

/// What every job needs.
struct Inner {
    settings: Settings,
    store: Store,
    providers: Providers,
    forge: Option<Arc<dyn Forge>>,
    clock: Clock,
    jobs: Jobs,
    tasks: TaskTracker,
    end: CancellationToken,
    /// Calls to providers and forges at once.
    calls: Arc<Semaphore>,
    linking: accounts::Waiting,
    /// The last attach epoch: rises over restarts because it starts at the clock's microseconds.
    epoch: AtomicU64,
}

const MAX_CALLS: usize = 16;
/// The loop looks at everything at least this often, whether or not anybody woke it.
const PERIOD: Duration = Duration::from_secs(5);
/// Under constant load ticks keep this distance.
const CALM: Duration = Duration::from_millis(10);
const SHUTDOWN: Duration = Duration::from_secs(5);

impl Local {
    /// Puts the room together; nothing runs until [`Local::tick`].
    pub fn new(
        settings: Settings,
        store: Store,
        providers: Providers,
        forge: Option<Arc<dyn Forge>>,
        clock: Clock,
    ) -> Result<Self, settings::BadSettings> {
        settings.check()?;
        let end = CancellationToken::new();
        let inner = Inner {
            settings,
            store,
            providers,
            forge,
            clock,
            jobs: Jobs::default(),
            tasks: TaskTracker::new(),
            end: end.clone(),
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
            linking: accounts::Waiting::default(),
            epoch: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner), _end: Arc::new(end.drop_guard()) })
    }

    /// [`Local::new`], and the loop that ticks.
    pub fn start(
        settings: Settings,
        store: Store,
        providers: Providers,
        forge: Option<Arc<dyn Forge>>,
        clock: Clock,
    ) -> Result<Self, settings::BadSettings> {
        let local = Self::new(settings, store, providers, forge, clock)?;
        let inner = local.inner.clone();
        let end = inner.end.clone();
        local.inner.tasks.spawn(async move {
            tokio::select! {
                () = end.cancelled() => {}
                () = watch(inner.clone()) => {}
                () = reap::watch(inner) => {}
            }
        });
        Ok(local)
    }

    /// Brings the world one step towards what the rows want: deadlines, admissions, jobs. Never waits for a provider,
    /// a supervisor or a forge; may run as often and as concurrently as one likes. Says when it is worth doing again.
    pub async fn tick(&self) -> Option<Time> {
        self.inner.tick().await
    }

    /// Stops loops and jobs and waits for them, briefly. Supervisors and agents go on; the next start finds them.
    pub async fn shutdown(&self) {
        self.inner.end.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(SHUTDOWN, self.inner.tasks.wait()).await.is_err() {
            tracing::warn!("some jobs did not end in time");
        }
    }
}

/// The shell: woken by commits, by jobs that end, by the next deadline and by a slow period.
async fn watch(inner: Arc<Inner>) {
    let mut changed = inner.store.changed();
    let ended = inner.jobs.ended.clone();
    loop {
        changed.borrow_and_update();
        // Its message is the panic's own; the loop goes on, for everybody else's sessions hang on it.
        let next = AssertUnwindSafe(inner.tick()).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("a tick panicked");
            None
        });
        let pause = next.map_or(PERIOD, |at| until(at, inner.clock.now())).min(PERIOD);
        tokio::time::sleep(CALM).await;
        tokio::select! {
            seen = changed.changed() => if seen.is_err() { return },
            () = ended.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn until(at: Time, now: Time) -> Duration {
    (at - now).to_std().unwrap_or_default()
}

impl Inner {
    /// Commits one input of our own. A refusal means that a tick acted on an old reading, and is no error.
    async fn tell(&self, id: SessionId, input: Input) -> Result<Option<Row>, StoreError> {
        let name = kind(&input);
        let step = move |row: &Row, _: &_, now| session::step(&row.session, input.clone(), now);
        match self.store.commit(id, Lane::Machines, None, step).await {
            Ok(row) => Ok(Some(row)),
            Err(CommitError::Store(error)) => Err(error),
            Err(refusal) => {
                tracing::debug!(session.id = %id, input = name, %refusal, "an input came too late");
                Ok(None)
            }
        }
    }

    /// Starts a job unless it is under way or rests.
    fn spawn<F>(self: &Arc<Self>, id: SessionId, job: Job, work: impl FnOnce(Arc<Self>, Start) -> F)
    where
        F: Future<Output = After> + Send + 'static,
    {
        if self.end.is_cancelled() {
            return;
        }
        let Some(mut ticket) = self.jobs.begin(id, job, self.clock.now()) else { return };
        let strikes = ticket.strikes;
        let work = work(self.clone(), Start { strikes, partial: ticket.partial.take() });
        let (inner, end) = (self.clone(), self.end.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = end.cancelled() => {}
                after = inner.guarded(id, job, strikes, work) => ticket.give_back(after),
            }
        });
    }

    /// A number above all earlier ones, also of earlier lives of this installation.
    fn next_epoch(&self) -> u64 {
        let now = u64::try_from(self.clock.now().timestamp_micros()).unwrap_or(1);
        let before =
            self.epoch.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |old| Some((old + 1).max(now)));
        let old = before.unwrap_or_else(|old| old);
        (old + 1).max(now)
    }

    /// A later moment: doubles with each strike up to `most`, a fifth of it left to chance.
    fn later(&self, first: Duration, strikes: u32, most: Duration) -> Time {
        let whole = first.saturating_mul(1 << strikes.min(16)).min(most);
        let chance = u32::from(self.clock.random_id().as_bytes().first().copied().unwrap_or_default());
        let wait = whole * 4 / 5 + whole / 5 * chance / 255;
        self.clock.now() + chrono::TimeDelta::from_std(wait).unwrap_or_default()
    }

    fn program(&self) -> String {
        let own = || std::env::current_exe().unwrap_or_else(|_| PathBuf::from("devtask"));
        self.settings.machine.program.clone().unwrap_or_else(own).to_string_lossy().into_owned()
    }
}

/// What a job is told of its earlier tries.
struct Start {
    strikes: u32,
    partial: Option<relay::Partial>,
}

fn kind(input: &Input) -> &'static str {
    match input {
        Input::Admit { .. } => "admit",
        Input::Hello { .. } => "hello",
        Input::Records { .. } => "records",
        Input::Lost { .. } => "lost",
        Input::Published { .. } => "published",
        Input::PublishFailed { .. } => "publish failed",
        Input::AskDue { .. } => "ask due",
        Input::TimeUp { .. } => "time up",
        Input::Forgotten => "forgotten",
        Input::Node { .. } => "node",
        _ => "person",
    }
}
