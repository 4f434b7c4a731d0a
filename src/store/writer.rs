//! The one writer: takes members from two lanes, people first, and commits them in batches.
//!
//! No timer: a lone member is committed at once, and while one batch is written the next one gathers.
//! Knows lanes, batches and retries; must not know what its members decide.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chrono::TimeDelta;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::batch::{Batch, Outcome};
use super::book::Shared;
use super::checkpoint::Checkpoints;
use super::note::Note;
use super::slack::{self, Delivered};
use super::{CommitError, Decision, Dedupe, Row, StoreError, World, read};
use crate::clock::{Clock, Time};
use crate::domain::SessionId;
use crate::domain::lease::{self, Lease};

pub(super) type Make = Box<dyn Fn(SessionId, Uuid, &World, Time) -> Decision + Send>;
pub(super) type Decide = Box<dyn Fn(&Row, &World, Time) -> Decision + Send>;
pub(super) type Move = Box<dyn Fn(&Row, Time) -> Result<Lease, lease::Illegal> + Send>;
type Answer = Result<Row, CommitError>;
type Noted = Result<Delivered, StoreError>;

/// How long an outcome is kept under its key.
const KEEP_OUTCOMES: TimeDelta = TimeDelta::hours(24);
/// How often older ones are looked for.
const PRUNE_EVERY: TimeDelta = TimeDelta::hours(1);

/// One request to the writer.
pub(super) enum Member {
    Step(Step),
    Note(Noting),
}

/// The next step of a session or its node. Its decider may run more than once: only the last run counts.
pub(super) struct Step {
    pub(super) work: Work,
    pub(super) dedupe: Option<Dedupe>,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// Something beside sessions; nothing is decided but whether a delivery is new and in time.
pub(super) struct Noting {
    pub(super) note: Arc<Note>,
    pub(super) reply: oneshot::Sender<Noted>,
}

/// A member, and what it is told once the batch is on disk.
enum Decided {
    Step(Step, Answer),
    Note(Noting, Noted),
}

impl Decided {
    fn member(self) -> Member {
        match self {
            Self::Step(step, _) => Member::Step(step),
            Self::Note(noting, _) => Member::Note(noting),
        }
    }

    /// Nobody waits any more where an answer cannot be sent: what is committed stays committed.
    fn tell(self) {
        match self {
            Self::Step(step, answer) => drop(step.reply.send(answer)),
            Self::Note(noting, noted) => drop(noting.reply.send(noted)),
        }
    }

    /// The batch is not on disk.
    fn fail(self, error: StoreError) {
        match self {
            Self::Step(step, _) => drop(step.reply.send(Err(error.into()))),
            Self::Note(noting, _) => drop(noting.reply.send(Err(error))),
        }
    }
}

pub(super) enum Work {
    Create(Make),
    Commit(SessionId, Decide),
    Lease(SessionId, Move),
}

pub(super) struct Lanes {
    pub(super) people: mpsc::Receiver<Member>,
    pub(super) machines: mpsc::Receiver<Member>,
    pub(super) closing: CancellationToken,
}

impl Lanes {
    /// Waits for the next member. `None` when the lanes are closed and empty.
    async fn next(&mut self) -> Option<Member> {
        loop {
            tokio::select! {
                biased;
                () = self.closing.cancelled(), if !self.people.is_closed() => {
                    // What is in the lanes is still carried out; nothing new gets in.
                    self.people.close();
                    self.machines.close();
                }
                Some(member) = self.people.recv() => return Some(member),
                Some(member) = self.machines.recv() => return Some(member),
                else => return None,
            }
        }
    }

    /// The next member that waits already. Asked one at a time, so that a person's request that comes while
    /// a batch gathers still overtakes every machine's.
    fn waiting(&mut self) -> Option<Member> {
        self.people.try_recv().or_else(|_| self.machines.try_recv()).ok()
    }
}

pub(super) struct Writer {
    pub(super) conn: SqliteConnection,
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Clock,
    pub(super) checkpoints: Checkpoints,
    pub(super) pruned_at: Time,
}

impl Writer {
    /// Serves the lanes until they are closed and empty, then leaves the folder tidy.
    pub(super) async fn run(mut self, mut lanes: Lanes) {
        while let Some(member) = lanes.next().await {
            self.turn(member, &mut lanes).await;
        }
        self.checkpoints.end().await;
        self.shared.readers.close().await;
        if let Err(error) = sqlx::query(super::sql::CHECKPOINT).execute(&mut self.conn).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the log of the database stays as it is"
            );
        }
        if let Err(error) = self.conn.close().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the database was not closed in order");
        }
        self.shared.unlock();
    }

    /// One batch: `first` and whoever waits already.
    async fn turn(&mut self, first: Member, lanes: &mut Lanes) {
        let mut batch = self.shared.read(Batch::new);
        let mut decided = Vec::new();
        let mut next = Some(first);
        while let Some(member) = next {
            decided.push(self.decide(&mut batch, member).await);
            next = if batch.is_full() { None } else { lanes.waiting() };
        }
        match self.write(batch).await {
            Ok(()) => decided.into_iter().for_each(Decided::tell),
            Err(error) if decided.len() == 1 => {
                if let Some(lone) = decided.pop() {
                    lone.fail(error);
                }
            }
            Err(error) => {
                tracing::warn!(%error, members = decided.len(), "a batch failed; each member is tried alone");
                for one in decided {
                    self.alone(one.member()).await;
                }
            }
        }
    }

    /// A batch of one: who poisoned the common batch fails only itself.
    async fn alone(&mut self, member: Member) {
        let mut batch = self.shared.read(Batch::new);
        let decided = self.decide(&mut batch, member).await;
        match self.write(batch).await {
            Ok(()) => decided.tell(),
            Err(error) => decided.fail(error),
        }
    }

    async fn write(&mut self, mut batch: Batch) -> Result<(), StoreError> {
        let now = self.clock.now();
        let prune = now - self.pruned_at >= PRUNE_EVERY;
        if prune {
            batch.prune(now - KEEP_OUTCOMES);
        }
        let (writes, adoption) = batch.seal()?;
        if writes.is_empty() {
            return Ok(());
        }
        let (bytes, threads) = (writes.bytes(), writes.brings_threads());
        writes.commit(&mut self.conn, now).await?;
        self.checkpoints.wrote(bytes);
        if prune {
            self.pruned_at = now;
        }
        adoption.by(&self.shared);
        if threads {
            self.shared.thread_came();
        }
        Ok(())
    }

    async fn decide(&mut self, batch: &mut Batch, member: Member) -> Decided {
        batch.joined();
        match member {
            Member::Step(mut step) => {
                let answer = self.step(batch, &mut step).await;
                Decided::Step(step, answer)
            }
            Member::Note(noting) => {
                let noted = self.note(batch, &noting.note).await;
                Decided::Note(noting, noted)
            }
        }
    }

    /// A delivery that is here is a repeat however late it comes; another one that is late is not taken in.
    async fn note(&mut self, batch: &mut Batch, note: &Arc<Note>) -> Noted {
        if let Note::Slack(slack::Note::Deliver(delivery)) = &**note {
            if batch.delivers(&delivery.key) || slack::is_known(&mut self.conn, &delivery.key).await? {
                return Ok(Delivered::Repeat);
            }
            if self.clock.now() > delivery.deadline {
                return Ok(Delivered::Late);
            }
        }
        batch.note(Arc::clone(note));
        Ok(Delivered::New)
    }

    /// What a step is to be answered once the batch is on disk. (`&mut`, because deciders need not be `Sync`.)
    async fn step(&mut self, batch: &mut Batch, member: &mut Step) -> Answer {
        if let Some(dedupe) = &member.dedupe
            && let Some(outcome) = self.outcome(batch, &dedupe.key).await?
        {
            return self.repeat(batch, dedupe, outcome).await;
        }
        let now = self.clock.now();
        let answer = self.answer(batch, &mut member.work, now).await;
        if let Some(dedupe) = &member.dedupe {
            batch.remember(dedupe, &answer, now)?;
        }
        answer
    }

    async fn answer(&mut self, batch: &mut Batch, work: &mut Work, now: Time) -> Answer {
        match work {
            Work::Create(make) => {
                let id = batch.next_id().ok_or(StoreError::Full)?;
                let mark = self.clock.random_id();
                let change = guarded(|| make(id, mark, &batch.world, now))??;
                Ok(batch.born(id, change)?)
            }
            Work::Commit(id, decide) => {
                let row = self.row(batch, *id).await?;
                let change = guarded(|| decide(&row, &batch.world, now))??;
                Ok(batch.changed(row, change)?)
            }
            Work::Lease(id, step) => {
                let row = self.row(batch, *id).await?;
                let lease = guarded(|| step(&row, now))??;
                batch.leased(row, lease, now)
            }
        }
    }

    /// The first answer again; with the row as it is now.
    async fn repeat(&mut self, batch: &mut Batch, dedupe: &Dedupe, outcome: Outcome) -> Answer {
        if outcome.request != dedupe.request {
            return Err(CommitError::KeyReused);
        }
        let id = outcome.was?;
        self.row(batch, id).await
    }

    async fn outcome(&mut self, batch: &Batch, key: &str) -> Result<Option<Outcome>, StoreError> {
        match batch.outcome(key) {
            Some(outcome) => Ok(Some(outcome.clone())),
            None => read::outcome(&mut self.conn, key).await,
        }
    }

    /// The row as it is inside this batch: members before, the book, the database.
    async fn row(&mut self, batch: &mut Batch, id: SessionId) -> Result<Row, CommitError> {
        if let Some(row) = batch.seen(id) {
            return Ok(row);
        }
        if let Some(row) = self.shared.read(|book| book.rows.get(&id).cloned()) {
            return Ok(row);
        }
        let row = read::row(&mut self.conn, id).await?.ok_or(CommitError::Unknown(id))?;
        batch.read(row.clone());
        Ok(row)
    }
}

/// Runs a decider; one that panics fails alone.
fn guarded<T>(decide: impl FnOnce() -> T) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(decide)).map_err(|_| StoreError::Panicked)
}
