//! The store's verbs.
//!
//! Knows which verb goes to the writer and which to the read-only pool; must not know SQL.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::book::{Book, Shared};
use super::checkpoint::Checkpoints;
use super::slack::Mark;
use super::writer::{Lanes, Member, Step, Work, Writer};
use super::{CommitError, Decision, Dedupe, Lane, Row, StoreError, World};
use super::{batch, folder, read, schema};
use crate::clock::Clock;
use crate::domain::command::{Command, CommandNo};
use crate::domain::event::{Event, Logged};
use crate::domain::lease::{self, Lease};
use crate::domain::session::Status;
use crate::domain::{Actor, Seq, SessionId, Time};

/// How many members wait in a lane before those who bring more are held back.
const PEOPLE: usize = 256;
const MACHINES: usize = 128;
/// Of a look whether the database answers.
const FOR_PROBE: Duration = Duration::from_secs(2);

/// One SQLite file in a data folder, with one writer. Cheap to clone.
///
/// Dropping the last clone lets the writer finish what it was given; [`Store::close`] also waits for it.
#[derive(Clone)]
pub struct Store(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    pub(super) people: mpsc::Sender<Member>,
    pub(super) machines: mpsc::Sender<Member>,
    closing: CancellationToken,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// Which sessions to list, the newest first. What is `None` does not narrow the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    pub status: Option<Status>,
    pub owner: Option<Actor>,
    pub label: Option<String>,
    /// Only sessions older than this one: the last of the page before.
    pub before: Option<SessionId>,
    pub limit: usize,
}

impl Store {
    /// Opens or makes `dir/devtask.db`: private files, one server at a time, brought up to date (after a copy to
    /// `dir/backups/`), open rows loaded. The log is never read here.
    pub async fn open(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        let lock = folder::claim(dir)?;
        let mut conn = schema::writer(dir).await?;
        schema::migrate(&mut conn, &schema::MIGRATIONS, dir, &clock).await?;
        let shared = Arc::new(Shared {
            instance: schema::instance(&mut conn, &clock).await?,
            book: load(&mut conn).await?.into(),
            heads: std::sync::Mutex::default(),
            changed: watch::Sender::default(),
            told: Mark::default(),
            readers: schema::readers(dir),
            lock: Some(lock).into(),
        });
        shared.changed.send_replace(shared.read(|book| book.changed));
        let checkpoints = Checkpoints::start(schema::copier(dir).await?);
        // The first write looks for old outcomes.
        let writer = Writer { conn, shared, clock, checkpoints, pruned_at: Time::UNIX_EPOCH };
        Ok(Self::start(writer))
    }

    fn start(writer: Writer) -> Self {
        let (people, people_in) = mpsc::channel(PEOPLE);
        let (machines, machines_in) = mpsc::channel(MACHINES);
        let closing = CancellationToken::new();
        let lanes = Lanes { people: people_in, machines: machines_in, closing: closing.clone() };
        let shared = Arc::clone(&writer.shared);
        let writer = Mutex::new(Some(tokio::spawn(writer.run(lanes))));
        Self(Arc::new(Inner { shared, people, machines, closing, writer }))
    }

    /// Carries out what waits, refuses what comes after, checkpoints and lets go of the data folder.
    pub async fn close(&self) {
        self.0.closing.cancel();
        // Held over the wait, so that everybody who closes returns when it is closed.
        if let Some(writer) = self.0.writer.lock().await.take()
            && let Err(error) = writer.await
        {
            tracing::error!(error = &error as &dyn std::error::Error, "the writer of the store broke off");
        }
    }

    /// This installation's random mark, 32 hexadecimal characters; made at the first open.
    pub fn instance(&self) -> &str {
        &self.0.shared.instance
    }

    /// A new session: `make` gets its number and its random mark, inside the writer.
    pub async fn create<F>(&self, lane: Lane, dedupe: Option<Dedupe>, make: F) -> Result<Row, CommitError>
    where
        F: Fn(SessionId, Uuid, &World, Time) -> Decision + Send + 'static,
    {
        self.ask(lane, dedupe, Work::Create(Box::new(make))).await
    }

    /// The next step of a session. `decide` runs inside the writer on the row as it then is; row, events,
    /// commands, transcript and outcome are written together. A refusal writes nothing but the kept outcome.
    ///
    /// `decide` may run again when the batch it was in fails: it must not do anything but decide.
    pub async fn commit<F>(
        &self,
        id: SessionId,
        lane: Lane,
        dedupe: Option<Dedupe>,
        decide: F,
    ) -> Result<Row, CommitError>
    where
        F: Fn(&Row, &World, Time) -> Decision + Send + 'static,
    {
        self.ask(lane, dedupe, Work::Commit(id, Box::new(decide))).await
    }

    /// The next step of the session's node, or a new node of a higher incarnation. A new state, or a new cause to
    /// stumble, is told in the log as `node.changed` unless the session is settled.
    pub async fn lease<F>(&self, id: SessionId, decide: F) -> Result<Row, CommitError>
    where
        F: Fn(&Row, Time) -> Result<Lease, lease::Illegal> + Send + 'static,
    {
        self.ask(Lane::Machines, None, Work::Lease(id, Box::new(decide))).await
    }

    async fn ask(&self, lane: Lane, dedupe: Option<Dedupe>, work: Work) -> Result<Row, CommitError> {
        let (reply, answer) = oneshot::channel();
        let lane = match lane {
            Lane::People => &self.0.people,
            Lane::Machines => &self.0.machines,
        };
        lane.send(Member::Step(Step { work, dedupe, reply })).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Whether the database answers and the writer lives. Answers in time whatever hangs.
    pub async fn probe(&self) -> Result<(), StoreError> {
        if self.0.people.is_closed() || self.0.machines.is_closed() {
            return Err(StoreError::Closed);
        }
        let read = async {
            let mut conn = self.0.shared.readers.acquire().await?;
            read::counters(&mut conn).await
        };
        match tokio::time::timeout(FOR_PROBE, read).await {
            Ok(read) => read.map(drop),
            Err(_) => Err(StoreError::Silent),
        }
    }

    /// The session as it is now, open or not.
    pub async fn row(&self, id: SessionId) -> Result<Option<Row>, StoreError> {
        if let Some(row) = self.0.shared.read(|book| book.rows.get(&id).cloned()) {
            return Ok(Some(row));
        }
        let mut conn = self.0.shared.readers.acquire().await?;
        read::row(&mut conn, id).await
    }

    /// Every session that is not settled or whose node is not gone, by id.
    pub fn open_rows(&self) -> Vec<Row> {
        self.0.shared.read(|book| book.rows.values().cloned().collect())
    }

    /// Who holds how many slots.
    pub fn world(&self) -> World {
        World::clone(&self.0.shared.read(|book| Arc::clone(&book.world)))
    }

    /// A page of sessions, the newest first.
    pub async fn list(&self, query: &ListQuery) -> Result<Vec<Row>, StoreError> {
        read::list(&self.0.shared.readers, query).await
    }

    /// The log after `after`: at most `limit` events, and no more once `max_bytes` are reached (but one, if there is
    /// one).
    pub async fn log(
        &self,
        id: SessionId,
        after: Seq,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Logged>, StoreError> {
        read::log(&self.0.shared.readers, id, after, limit, max_bytes).await
    }

    /// [`Store::log`], understood.
    pub async fn events(
        &self,
        id: SessionId,
        after: Seq,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Event>, StoreError> {
        self.log(id, after, limit, max_bytes).await?.into_iter().map(read::event).collect()
    }

    /// The session's commands with these numbers, in order; numbers nobody issued are left out.
    pub async fn commands(&self, id: SessionId, numbers: &[CommandNo]) -> Result<Vec<Command>, StoreError> {
        read::commands(&self.0.shared.readers, id, numbers).await
    }

    /// Wakes when the session's log has grown, and carries its head (0 where the session is not open).
    /// Subscribe first, then read the log, then wait.
    pub fn head(&self, id: SessionId) -> watch::Receiver<Seq> {
        self.0.shared.watch_head(id)
    }

    /// Wakes at every commit; carries the newest stamp of `changed`.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.shared.changed.subscribe()
    }
}

/// The open rows and the counters: all that a start reads.
async fn load(conn: &mut SqliteConnection) -> Result<Book, StoreError> {
    let (last, changed) = read::counters(conn).await?;
    let next = last.map_or(SessionId::new(1), batch::after);
    let mut book = Book { next, changed, ..Book::default() };
    for row in read::open_rows(conn).await? {
        book.world.moved(None, &row);
        book.put(row);
    }
    for (owner, at) in read::owners(conn).await? {
        book.world.was_served(owner, at);
    }
    Ok(book)
}
