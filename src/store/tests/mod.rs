//! Laws of the store, on real SQLite files.

mod batches;
mod dedupe;
mod folder;
mod log;
mod migrations;
mod nodes;
mod people;
mod reopen;
mod rows;
mod slack;

use std::path::Path;

use chrono::{DateTime, TimeDelta};
use tempfile::TempDir;
use uuid::Uuid;

use super::{CommitError, Lane, Row, Store, StoreError};
use crate::clock::Clock;
use crate::domain::brief::Brief;
use crate::domain::command::MessageMode;
use crate::domain::event::Event;
use crate::domain::lease::{self, Key, Lease};
use crate::domain::limits::{Limits, Policy};
use crate::domain::report::{Record, Report};
use crate::domain::session::{self, Input, NewSession};
use crate::domain::{Actor, Attempt, Repo, SessionId, Time};

/// A store in a folder of its own, and a clock that stands still.
struct Bench {
    store: Store,
    clock: Clock,
    dir: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let (dir, clock) = (TempDir::new().unwrap(), Clock::by_hand(start()));
        let store = Store::open(dir.path(), clock.clone()).await.unwrap();
        Self { store, clock, dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A second connection to the file, for what no verb does.
    async fn sql(&self, statement: &'static str) {
        use sqlx::ConnectOptions as _;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.path().join("devtask.db"));
        let mut conn = options.connect().await.unwrap();
        sqlx::raw_sql(statement).execute(&mut conn).await.unwrap();
    }

    async fn create(&self, owner: &str) -> Row {
        self.create_with(owner, &[]).await
    }

    async fn create_with(&self, owner: &str, labels: &[&str]) -> Row {
        let (owner, labels) = (person(owner), labels.iter().map(ToString::to_string).collect::<Vec<_>>());
        let make = move |id, mark, _: &_, now| {
            session::create(NewSession { labels: labels.clone(), ..new(id, mark, owner.clone()) }, now)
        };
        self.store.create(Lane::People, None, make).await.unwrap()
    }

    async fn step(&self, id: SessionId, input: Input) -> Result<Row, CommitError> {
        step(&self.store, id, input).await
    }

    /// A session whose first attempt runs.
    async fn running(&self, owner: &str) -> SessionId {
        let id = self.create(owner).await.session.id();
        self.step(id, Input::Admit { attempt: Attempt(1) }).await.unwrap();
        self.step(id, Input::Hello { attempt: Attempt(1) }).await.unwrap();
        id
    }

    async fn lease(&self, id: SessionId, input: lease::Input) -> Row {
        self.store
            .lease(id, move |row, now| lease::step(row.lease.as_ref().unwrap(), input.clone(), now))
            .await
            .unwrap()
    }

    async fn request(&self, id: SessionId, incarnation: u32) -> Row {
        let make = move |_: &Row, now| {
            let key = Key::new("0123456789", id, incarnation);
            Ok(Lease::request(key, id, incarnation, "local".to_owned(), now))
        };
        self.store.lease(id, make).await.unwrap()
    }

    async fn events(&self, id: SessionId) -> Vec<Event> {
        self.store.events(id, 0, usize::MAX, usize::MAX).await.unwrap()
    }
}

async fn step(store: &Store, id: SessionId, input: Input) -> Result<Row, CommitError> {
    let lane = if matches!(input, Input::Admit { .. }) { Lane::Machines } else { Lane::People };
    store.commit(id, lane, None, move |row, _, now| session::step(&row.session, input.clone(), now)).await
}

fn start() -> Time {
    DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap()
}

fn person(name: &str) -> Actor {
    Actor::Person(format!("local/{name}"))
}

fn id(number: u32) -> SessionId {
    SessionId::new(number).unwrap()
}

fn new(id: SessionId, mark: Uuid, owner: Actor) -> NewSession {
    NewSession {
        id,
        mark,
        owner,
        brief: Brief::from_text("Make the door blue"),
        repo: Repo::Path("/srv/house".to_owned()),
        base: None,
        provider: "local".to_owned(),
        agent: "claude".to_owned(),
        model: None,
        effort: None,
        plan: false,
        priority: 0,
        labels: Vec::new(),
        requester: None,
        branch_pattern: "devtask/{task_id}-{task_slug}".to_owned(),
        require_approval_for: Vec::new(),
        limits: Limits::default(),
        policy: Policy::default(),
    }
}

fn note(n: u64, text: &str, raw: Option<Vec<u8>>) -> Record {
    let at = start() + TimeDelta::microseconds(i64::try_from(n).unwrap());
    Record { n, at, report: Report::Note { text: text.to_owned() }, raw }
}

fn records(records: Vec<Record>) -> Input {
    Input::Records { attempt: Attempt(1), records }
}

fn message(by: &str, text: &str) -> Input {
    Input::Message { by: person(by), text: text.to_owned(), mode: MessageMode::Queue }
}

fn cancel(by: &str) -> Input {
    Input::Cancel { by: person(by), reason: None }
}

async fn open(dir: &Path, clock: &Clock) -> Result<Store, StoreError> {
    Store::open(dir, clock.clone()).await
}
