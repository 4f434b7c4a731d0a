//! The store's verbs.
//!
//! Knows which verb goes to the writer and which to the read-only pool; must not know SQL.

use std::path::Path;

use tokio::sync::watch;
use uuid::Uuid;

use super::{CommitError, Committed, Decision, Dedupe, Lane, Row, StoreError, World};
use crate::clock::Clock;
use crate::domain::command::{Command, CommandNo};
use crate::domain::event::Event;
use crate::domain::lease::{self, Lease};
use crate::domain::session::{Status, TranscriptPiece};
use crate::domain::{Actor, Seq, SessionId, Time};

/// One SQLite file in a data folder, with one writer. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    instance: std::sync::Arc<str>,
    world: watch::Sender<World>,
    head: watch::Sender<Seq>,
    changed: watch::Sender<u64>,
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
    pub async fn open(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir)?;
        let instance = clock.random_id().simple().to_string().into();
        Ok(Self {
            instance,
            world: watch::Sender::default(),
            head: watch::Sender::default(),
            changed: watch::Sender::default(),
        })
    }

    pub async fn close(&self) {}

    pub fn instance(&self) -> &str {
        &self.instance
    }

    pub async fn create<F>(
        &self,
        _lane: Lane,
        _dedupe: Option<Dedupe>,
        _make: F,
    ) -> Result<Committed, CommitError>
    where
        F: Fn(SessionId, Uuid, &World, Time) -> Decision + Send + 'static,
    {
        Err(StoreError::Closed.into())
    }

    pub async fn commit<F>(
        &self,
        _id: SessionId,
        _lane: Lane,
        _dedupe: Option<Dedupe>,
        _decide: F,
    ) -> Result<Committed, CommitError>
    where
        F: Fn(&Row, &World, Time) -> Decision + Send + 'static,
    {
        Err(StoreError::Closed.into())
    }

    pub async fn lease<F>(&self, _id: SessionId, _decide: F) -> Result<Committed, CommitError>
    where
        F: Fn(&Row, Time) -> Result<Lease, lease::Illegal> + Send + 'static,
    {
        Err(StoreError::Closed.into())
    }

    pub async fn row(&self, _id: SessionId) -> Result<Option<Row>, StoreError> {
        Err(StoreError::Closed)
    }

    pub fn open_rows(&self) -> Vec<Row> {
        Vec::new()
    }

    pub fn world(&self) -> World {
        self.world.borrow().clone()
    }

    pub async fn list(&self, _query: &ListQuery) -> Result<Vec<Row>, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn events(
        &self,
        _id: SessionId,
        _after: Seq,
        _limit: usize,
        _max_bytes: usize,
    ) -> Result<Vec<Event>, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn commands(&self, _id: SessionId, _numbers: &[CommandNo]) -> Result<Vec<Command>, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn transcript(&self, _id: SessionId) -> Result<Vec<TranscriptPiece>, StoreError> {
        Err(StoreError::Closed)
    }

    pub fn head(&self, _id: SessionId) -> watch::Receiver<Seq> {
        self.head.subscribe()
    }

    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
