//! What is read back from the database.
//!
//! Knows rows and their decoding; must not write.

use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, SqlitePool};

use super::api::ListQuery;
use super::batch::Outcome;
use super::codec::{self, BODY, RAW};
use super::{Row, StoreError, sql};
use crate::domain::command::{Command, CommandNo};
use crate::domain::event::{Event, Logged};
use crate::domain::session::Status;
use crate::domain::{Actor, Attempt, Seq, SessionId, Time};

pub(super) async fn row(conn: &mut SqliteConnection, id: SessionId) -> Result<Option<Row>, StoreError> {
    let found = sqlx::query(sql::ROW).bind(i64::from(id.number())).fetch_optional(conn).await?;
    found.as_ref().map(decode_row).transpose()
}

/// Every open row, by id.
pub(super) async fn open_rows(conn: &mut SqliteConnection) -> Result<Vec<Row>, StoreError> {
    sqlx::query(sql::OPEN_ROWS).fetch_all(conn).await?.iter().map(decode_row).collect()
}

/// The highest session number and the highest stamp of `changed`.
pub(super) async fn counters(conn: &mut SqliteConnection) -> Result<(Option<SessionId>, u64), StoreError> {
    let found = sqlx::query(sql::COUNTERS).fetch_one(conn).await?;
    let last: Option<u32> = found.try_get(0)?;
    let changed: Option<i64> = found.try_get(1)?;
    Ok((last.and_then(SessionId::new), codec::count(changed.unwrap_or_default())))
}

/// When each owner was served last.
pub(super) async fn owners(conn: &mut SqliteConnection) -> Result<Vec<(Actor, Time)>, StoreError> {
    let found = sqlx::query(sql::OWNERS).fetch_all(conn).await?;
    let decode = |row: &SqliteRow| -> Result<Option<(Actor, Time)>, StoreError> {
        let at = codec::time(row.try_get(1)?);
        // A name no actor has any more earns nobody a place.
        Ok(Actor::try_from(row.try_get::<String, _>(0)?).ok().map(|actor| (actor, at)))
    };
    found.iter().filter_map(|row| decode(row).transpose()).collect()
}

pub(super) async fn outcome(conn: &mut SqliteConnection, key: &str) -> Result<Option<Outcome>, StoreError> {
    let Some(found) = sqlx::query(sql::OUTCOME).bind(key).fetch_optional(conn).await? else {
        return Ok(None);
    };
    let session: Option<u32> = found.try_get(1)?;
    let was = match session.and_then(SessionId::new) {
        Some(id) => Ok(id),
        None => Err(codec::from_json("refusal", found.try_get::<&str, _>(2)?)?),
    };
    Ok(Some(Outcome { request: found.try_get(0)?, was }))
}

pub(super) async fn list(pool: &SqlitePool, query: &ListQuery) -> Result<Vec<Row>, StoreError> {
    let statement = match (&query.label, &query.owner, query.status) {
        (Some(_), _, _) => sql::LIST_LABEL,
        (None, Some(_), _) => sql::LIST_OWNER,
        (None, None, Some(_)) => sql::LIST_STATUS,
        (None, None, None) => sql::LIST,
    };
    let found = sqlx::query(statement)
        .bind(query.before.map_or(i64::MAX, |id| i64::from(id.number())))
        .bind(limit(query.limit))
        .bind(query.status.map(Status::name))
        .bind(query.owner.as_ref().map(ToString::to_string))
        .bind(query.label.as_deref())
        .fetch_all(pool)
        .await?;
    found.iter().map(decode_row).collect()
}

/// Events after `after`. At least one where there is one; no more once `max_bytes` are reached.
pub(super) async fn log(
    pool: &SqlitePool,
    id: SessionId,
    after: Seq,
    max: usize,
    max_bytes: usize,
) -> Result<Vec<Logged>, StoreError> {
    let mut conn = pool.acquire().await?;
    let rows = event_rows(&mut conn, id, after, max, max_bytes).await?;
    let mut events = Vec::with_capacity(rows.len());
    let mut bytes = 0;
    for mut row in rows {
        if row.spilled & BODY != 0 {
            row.body = Some(String::from_utf8_lossy(&blob(&mut conn, row.id, BODY).await?).into_owned());
        }
        if row.spilled & RAW != 0 {
            row.raw = Some(blob(&mut conn, row.id, RAW).await?);
        }
        bytes += row.bytes();
        events.push(row.logged());
        if bytes >= max_bytes {
            break;
        }
    }
    Ok(events)
}

async fn event_rows(
    conn: &mut SqliteConnection,
    id: SessionId,
    after: Seq,
    max: usize,
    max_bytes: usize,
) -> Result<Vec<EventRow>, StoreError> {
    let mut found = sqlx::query(sql::EVENTS_AFTER)
        .bind(codec::key(id, after))
        .bind(codec::key(id, Seq::MAX))
        .bind(limit(max))
        .fetch(conn);
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.try_next().await? {
        let row = EventRow::of(&row)?;
        bytes += row.bytes();
        rows.push(row);
        if bytes >= max_bytes {
            break;
        }
    }
    Ok(rows)
}

async fn blob(conn: &mut SqliteConnection, event: i64, part: i64) -> Result<Vec<u8>, StoreError> {
    let found = sqlx::query(sql::BLOB).bind(event).bind(part).fetch_one(conn).await?;
    Ok(found.try_get(0)?)
}

/// The commands with these numbers, in order.
pub(super) async fn commands(
    pool: &SqlitePool,
    id: SessionId,
    numbers: &[CommandNo],
) -> Result<Vec<Command>, StoreError> {
    let (Some(first), Some(last)) = (numbers.iter().min(), numbers.iter().max()) else {
        return Ok(Vec::new());
    };
    let mut found = sqlx::query(sql::COMMANDS)
        .bind(codec::key(id, u64::from(*first)))
        .bind(codec::key(id, u64::from(*last)))
        .fetch(pool);
    let mut commands = Vec::with_capacity(numbers.len());
    while let Some(row) = found.try_next().await? {
        let c = CommandNo::try_from(codec::position(row.try_get(0)?)).unwrap_or_default();
        if numbers.contains(&c) {
            commands.push(decode_command(c, &row)?);
        }
    }
    Ok(commands)
}

fn decode_command(c: CommandNo, row: &SqliteRow) -> Result<Command, StoreError> {
    let uuid = row.try_get::<&str, _>(1)?.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Command { c, uuid, body: codec::from_json("command", row.try_get(2)?)? })
}

fn decode_row(row: &SqliteRow) -> Result<Row, StoreError> {
    let session = codec::from_json("session", row.try_get(0)?)?;
    let lease: Option<&str> = row.try_get(2)?;
    let lease = lease.map(|body| codec::from_json("lease", body)).transpose()?;
    Ok(Row {
        session: std::sync::Arc::new(session),
        lease: lease.map(std::sync::Arc::new),
        version: codec::count(row.try_get(1)?),
    })
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

impl EventRow {
    fn of(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            at: row.try_get(1)?,
            attempt: row.try_get(2)?,
            kind: row.try_get(3)?,
            body: row.try_get(4)?,
            raw: row.try_get(5)?,
            spilled: row.try_get(6)?,
        })
    }

    fn bytes(&self) -> usize {
        self.body.as_ref().map_or(0, String::len) + self.raw.as_ref().map_or(0, Vec::len)
    }

    fn logged(self) -> Logged {
        Logged {
            seq: codec::position(self.id),
            at: codec::time(self.at),
            attempt: Attempt(self.attempt),
            kind: self.kind,
            body: self.body.unwrap_or_default(),
            raw: self.raw,
        }
    }
}

/// The event a row of the log tells of.
pub(super) fn event(logged: Logged) -> Result<Event, StoreError> {
    let Logged { seq, at, attempt, body, raw, .. } = logged;
    Ok(Event { seq, at, attempt, body: codec::from_json("event", &body)?, raw })
}

/// A LIMIT; beyond 2⁶³ is no limit.
fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
