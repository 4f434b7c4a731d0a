//! What is read back about Slack.
//!
//! Knows rows and their decoding; must not write.

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, SqlitePool};

use super::{Delivery, Post, Thread, sql};
use crate::domain::{Actor, SessionId, Time};
use crate::store::{StoreError, codec};

/// Whether a delivery came before.
pub(in crate::store) async fn is_known(conn: &mut SqliteConnection, key: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query(sql::DELIVERY).bind(key).fetch_optional(conn).await?.is_some())
}

/// The oldest that are not carried out.
pub(super) async fn open_deliveries(pool: &SqlitePool, limit: i64) -> Result<Vec<Delivery>, StoreError> {
    let found = sqlx::query(sql::OPEN_DELIVERIES).bind(limit).fetch_all(pool).await?;
    let decode = |row: &SqliteRow| -> Result<Delivery, StoreError> {
        Ok(Delivery {
            key: row.try_get(0)?,
            kind: row.try_get(1)?,
            payload: row.try_get(2)?,
            received_at: codec::time(row.try_get(3)?),
            deadline: codec::time(row.try_get(4)?),
        })
    };
    found.iter().map(decode).collect()
}

/// When the oldest one came that is not carried out.
pub(super) async fn oldest_delivery(pool: &SqlitePool) -> Result<Option<Time>, StoreError> {
    let found = sqlx::query(sql::OLDEST_DELIVERY).fetch_optional(pool).await?;
    Ok(found.map(|row| row.try_get(0)).transpose()?.map(codec::time))
}

pub(super) async fn thread(pool: &SqlitePool, session: SessionId) -> Result<Option<Thread>, StoreError> {
    let found = sqlx::query(sql::THREAD).bind(i64::from(session.number())).fetch_optional(pool).await?;
    found.as_ref().map(|row| decode_thread(row).map(|(thread, _)| thread)).transpose()
}

/// The sessions whose thread this is or was, the newest first.
pub(super) async fn sessions_at(
    pool: &SqlitePool,
    channel: &str,
    thread: &str,
) -> Result<Vec<SessionId>, StoreError> {
    let found = sqlx::query(sql::SESSIONS_AT).bind(channel).bind(thread).fetch_all(pool).await?;
    found.iter().map(|row| session(row, 0)).collect()
}

/// Threads of sessions that changed after the stamp and were not told all, with each session's own stamp.
pub(super) async fn threads_due(
    pool: &SqlitePool,
    after: u64,
    limit: i64,
) -> Result<Vec<(Thread, u64)>, StoreError> {
    let found = sqlx::query(sql::THREADS_DUE).bind(codec::int(after)).bind(limit).fetch_all(pool).await?;
    found.iter().map(decode_thread).collect()
}

pub(super) async fn posts(pool: &SqlitePool, session: SessionId) -> Result<Vec<Post>, StoreError> {
    let found = sqlx::query(sql::POSTS).bind(i64::from(session.number())).fetch_all(pool).await?;
    found.iter().map(decode_post).collect()
}

pub(super) async fn post_at(pool: &SqlitePool, channel: &str, ts: &str) -> Result<Option<Post>, StoreError> {
    let found = sqlx::query(sql::POST_AT).bind(channel).bind(ts).fetch_optional(pool).await?;
    found.as_ref().map(decode_post).transpose()
}

pub(super) async fn fact(pool: &SqlitePool, scope: &str, name: &str) -> Result<Option<String>, StoreError> {
    let found = sqlx::query(sql::RECALL).bind(scope).bind(name).fetch_optional(pool).await?;
    Ok(found.map(|row| row.try_get(0)).transpose()?)
}

fn decode_thread(row: &SqliteRow) -> Result<(Thread, u64), StoreError> {
    let owner = Actor::try_from(row.try_get::<String, _>(4)?).map_err(|e| sqlx::Error::Decode(e.into()))?;
    let thread = Thread {
        session: session(row, 0)?,
        channel: row.try_get(1)?,
        thread: row.try_get(2)?,
        root: row.try_get(3)?,
        owner,
        cursor: codec::count(row.try_get(5)?),
        head: codec::count(row.try_get(6)?),
    };
    Ok((thread, codec::count(row.try_get(7)?)))
}

fn decode_post(row: &SqliteRow) -> Result<Post, StoreError> {
    let hash: Option<Vec<u8>> = row.try_get(4)?;
    Ok(Post {
        session: session(row, 0)?,
        slot: row.try_get(1)?,
        channel: row.try_get(2)?,
        ts: row.try_get(3)?,
        // One of another length is of another version: what was shown is not known any more.
        hash: hash.and_then(|h| h.try_into().ok()),
        at: codec::time(row.try_get(5)?),
    })
}

fn session(row: &SqliteRow, column: usize) -> Result<SessionId, StoreError> {
    let number: u32 = row.try_get(column)?;
    let id = SessionId::new(number).ok_or_else(|| sqlx::Error::Decode("a session has no number 0".into()))?;
    Ok(id)
}
