//! The rows of one batch, ready for the database, and the one transaction that writes them.
//!
//! Knows which rows a batch has; must not know who decided them.

use std::sync::Arc;

use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, Executor};

use super::codec::{self, SPILL};
use super::note::Note;
use super::slack;
use super::slack::sql::PRUNE_DELIVERIES;
use super::sql::{self, Table};
use super::{Row, StoreError};
use crate::domain::command::Command;
use crate::domain::event::{Body, Event};
use crate::domain::lease::Lease;
use crate::domain::report::Report;
use crate::domain::session::TranscriptPiece;
use crate::domain::{SessionId, Time};

#[derive(Default)]
pub(super) struct Writes {
    sessions: Vec<SessionRow>,
    leases: Vec<LeaseRow>,
    events: Vec<EventRow>,
    blobs: Vec<BlobRow>,
    commands: Vec<CommandRow>,
    /// Keys of commands and the `seq` of the event that says so.
    consumed: Vec<(i64, i64)>,
    transcripts: Vec<TranscriptRow>,
    labels: Vec<(String, i64)>,
    served: Vec<(String, i64)>,
    outcomes: Vec<OutcomeRow>,
    /// In the order they came.
    notes: Vec<Arc<Note>>,
    /// Outcomes, and deliveries carried out, older than this go.
    prune: Option<i64>,
    bytes: usize,
}

struct SessionRow {
    row: Row,
    changed: u64,
    state: String,
}

struct LeaseRow {
    lease: Arc<Lease>,
    state: String,
    body: String,
}

struct EventRow {
    id: i64,
    at: i64,
    attempt: u32,
    kind: String,
    body: Option<String>,
    raw: Option<Vec<u8>>,
    spilled: i64,
}

struct BlobRow {
    event: i64,
    part: i64,
    bytes: Vec<u8>,
}

struct CommandRow {
    id: i64,
    uuid: String,
    body: String,
}

struct TranscriptRow {
    session: SessionId,
    piece: TranscriptPiece,
}

pub(super) struct OutcomeRow {
    pub(super) key: String,
    pub(super) request: [u8; 32],
    pub(super) session: Option<SessionId>,
    pub(super) refusal: Option<String>,
    pub(super) at: i64,
}

impl Writes {
    /// Rows of the log so far.
    pub(super) fn rows(&self) -> usize {
        self.events.len() + self.transcripts.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.outcomes.is_empty() && self.notes.is_empty()
    }

    pub(super) fn note(&mut self, note: Arc<Note>) {
        self.bytes += note.bytes();
        self.notes.push(note);
    }

    pub(super) fn brings_threads(&self) -> bool {
        self.notes.iter().any(|note| matches!(**note, Note::Slack(slack::Note::Thread(_))))
    }

    pub(super) fn session(&mut self, row: Row, changed: u64) -> Result<(), StoreError> {
        let state = codec::to_json("session", &*row.session)?;
        self.sessions.push(SessionRow { row, changed, state });
        Ok(())
    }

    pub(super) fn labels(&mut self, session: SessionId, labels: &[String]) {
        let id = i64::from(session.number());
        self.labels.extend(labels.iter().map(|label| (label.clone(), id)));
    }

    pub(super) fn lease(&mut self, lease: Arc<Lease>) -> Result<(), StoreError> {
        let state = codec::to_json("lease", &lease.state)?.trim_matches('"').to_owned();
        let body = codec::to_json("lease", &*lease)?;
        self.leases.push(LeaseRow { lease, state, body });
        Ok(())
    }

    pub(super) fn served(&mut self, owner: String, at: i64) {
        self.served.push((owner, at));
    }

    pub(super) fn outcome(&mut self, outcome: OutcomeRow) {
        self.outcomes.push(outcome);
    }

    pub(super) fn prune(&mut self, before: i64) {
        self.prune = Some(before);
    }

    pub(super) fn transcript(&mut self, session: SessionId, piece: TranscriptPiece) {
        self.bytes += piece.line.len();
        self.transcripts.push(TranscriptRow { session, piece });
    }

    /// An event, and what it says about commands.
    pub(super) fn event(&mut self, session: SessionId, event: Event) -> Result<(), StoreError> {
        let Event { seq, at, attempt, body, raw } = event;
        let text = codec::to_json("event", &body)?;
        self.bytes += text.len() + raw.as_ref().map_or(0, Vec::len);
        let (id, kind) = (codec::key(session, seq), codec::kind(&text).to_owned());
        let mut row = EventRow {
            id,
            at: codec::micros(at),
            attempt: attempt.0,
            kind,
            body: Some(text),
            raw,
            spilled: 0,
        };
        self.spill(&mut row);
        self.events.push(row);
        match body {
            Body::CommandIssued { command } => self.command(session, &command),
            Body::Report(Report::CommandConsumed { c }) => {
                self.consumed.push((codec::key(session, u64::from(c)), codec::int(seq)));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Moves long parts of an event beside the log.
    fn spill(&mut self, row: &mut EventRow) {
        let event = row.id;
        if let Some(body) = row.body.take_if(|b| b.len() > SPILL) {
            row.spilled |= codec::BODY;
            self.blobs.push(BlobRow { event, part: codec::BODY, bytes: body.into_bytes() });
        }
        if let Some(bytes) = row.raw.take_if(|r| r.len() > SPILL) {
            row.spilled |= codec::RAW;
            self.blobs.push(BlobRow { event, part: codec::RAW, bytes });
        }
    }

    fn command(&mut self, session: SessionId, command: &Command) -> Result<(), StoreError> {
        let body = codec::to_json("command", &command.body)?;
        let id = codec::key(session, u64::from(command.c));
        self.commands.push(CommandRow { id, uuid: command.uuid.to_string(), body });
        Ok(())
    }

    /// Writes everything or nothing.
    pub(super) async fn commit(self, conn: &mut SqliteConnection, now: Time) -> Result<(), sqlx::Error> {
        run(conn, sql::BEGIN).await?;
        let written = match self.insert_all(conn, now).await {
            Ok(()) => run(conn, sql::COMMIT).await,
            Err(error) => Err(error),
        };
        if written.is_err() {
            // SQLite may have rolled back by itself; then there is nothing to undo and it says so.
            let undone = run(conn, sql::ROLLBACK).await;
            tracing::debug!(store.rolled_back = undone.is_ok(), "a batch was not written");
        }
        written
    }

    async fn insert_all(self, conn: &mut SqliteConnection, now: Time) -> Result<(), sqlx::Error> {
        insert(conn, &sql::SESSIONS, self.sessions).await?;
        insert(conn, &sql::EVENTS, self.events).await?;
        insert(conn, &sql::LEASES, self.leases).await?;
        insert(conn, &sql::BLOBS, self.blobs).await?;
        insert(conn, &sql::NEW_COMMANDS, self.commands).await?;
        insert(conn, &sql::TRANSCRIPTS, self.transcripts).await?;
        insert(conn, &sql::LABELS, self.labels).await?;
        insert(conn, &sql::SERVED, self.served).await?;
        insert(conn, &sql::OUTCOMES, self.outcomes).await?;
        for (command, seq) in self.consumed {
            sqlx::query(sql::CONSUMED).bind(command).bind(seq).execute(&mut *conn).await?;
        }
        for note in self.notes {
            note.write(conn, now).await?;
        }
        if let Some(before) = self.prune {
            sqlx::query(sql::PRUNE_OUTCOMES).bind(before).execute(&mut *conn).await?;
            sqlx::query(PRUNE_DELIVERIES).bind(before).execute(&mut *conn).await?;
        }
        Ok(())
    }
}

async fn run(conn: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    conn.execute(sqlx::query(statement)).await.map(drop)
}

/// Inserts rows in chunks of fixed sizes.
async fn insert<R: Bind>(
    conn: &mut SqliteConnection,
    table: &'static Table,
    rows: Vec<R>,
) -> Result<(), sqlx::Error> {
    let mut rows = rows.into_iter();
    while let Some((size, statement)) = table.insert(rows.len()) {
        let mut args = SqliteArguments::default();
        args.reserve(size * table.columns.len(), 0);
        for row in rows.by_ref().take(size) {
            row.bind(&mut args).map_err(sqlx::Error::Encode)?;
        }
        sqlx::query_with(statement, args).execute(&mut *conn).await?;
    }
    Ok(())
}

/// A row that lays its columns down in its table's order.
trait Bind {
    fn bind(self, to: &mut SqliteArguments) -> Result<(), BoxDynError>;
}

impl Bind for SessionRow {
    fn bind(self, to: &mut SqliteArguments) -> Result<(), BoxDynError> {
        let session = &self.row.session;
        to.add(i64::from(session.id().number()))?;
        to.add(session.owner().to_string())?;
        to.add(session.status.name())?;
        to.add(self.row.is_open())?;
        to.add(codec::int(self.row.version))?;
        to.add(codec::int(session.rev))?;
        to.add(codec::int(session.head))?;
        to.add(codec::int(session.open_asks().count() as u64))?;
        to.add(i64::from(self.row.incarnation()))?;
        to.add(codec::int(self.changed))?;
        to.add(codec::micros(session.created_at))?;
        to.add(codec::micros(session.updated_at))?;
        to.add(self.state)
    }
}

impl Bind for LeaseRow {
    fn bind(self, to: &mut SqliteArguments) -> Result<(), BoxDynError> {
        to.add(i64::from(self.lease.session.number()))?;
        to.add(i64::from(self.lease.incarnation))?;
        to.add(self.lease.key.as_str())?;
        to.add(self.lease.provider.as_str())?;
        to.add(self.state)?;
        to.add(codec::micros(self.lease.updated_at))?;
        to.add(self.body)
    }
}

impl Bind for EventRow {
    fn bind(self, to: &mut SqliteArguments) -> Result<(), BoxDynError> {
        to.add(self.id)?;
        to.add(self.at)?;
        to.add(i64::from(self.attempt))?;
        to.add(self.kind)?;
        to.add(self.body)?;
        to.add(self.raw)?;
        to.add(self.spilled)
    }
}

impl Bind for BlobRow {
    fn bind(self, to: &mut SqliteArguments) -> Result<(), BoxDynError> {
        to.add(self.event)?;
        to.add(self.part)?;
        to.add(self.bytes)
    }
}

impl Bind for CommandRow {
    fn bind(self, to: &mut SqliteArguments) -> Result<(), BoxDynError> {
        to.add(self.id)?;
        to.add(self.uuid)?;
        to.add(self.body)
    }
}

impl Bind for TranscriptRow {
    fn bind(self, to: &mut SqliteArguments) -> Result<(), BoxDynError> {
        to.add(i64::from(self.session.number()))?;
        to.add(i64::from(self.piece.attempt.0))?;
        to.add(codec::int(self.piece.n))?;
        to.add(self.piece.path)?;
        to.add(self.piece.line)
    }
}

impl Bind for (String, i64) {
    fn bind(self, to: &mut SqliteArguments) -> Result<(), BoxDynError> {
        to.add(self.0)?;
        to.add(self.1)
    }
}

impl Bind for OutcomeRow {
    fn bind(self, to: &mut SqliteArguments) -> Result<(), BoxDynError> {
        to.add(self.key)?;
        to.add(self.request.to_vec())?;
        to.add(self.session.map(|s| i64::from(s.number())))?;
        to.add(self.refusal)?;
        to.add(self.at)
    }
}
