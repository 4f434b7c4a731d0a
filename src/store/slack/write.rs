//! Notes as the writer takes them: each is one or two statements of a batch, in the order they came.
//!
//! Knows what a note changes; must not know who takes it or when the batch is written.

use sqlx::sqlite::SqliteConnection;

use super::sql;
use super::{Delivery, Post, Thread};
use crate::domain::{Seq, SessionId, Time};
use crate::store::codec;

/// The slot whose message is the thread's first.
const ROOT: &str = "root";

/// One thing to be kept.
pub(in crate::store) enum Note {
    Deliver(Delivery),
    Delivered { key: String },
    Thread(Thread),
    Told { session: SessionId, cursor: Seq },
    Sending(Post),
    Sent(Post),
    Remember { scope: String, name: String, value: String },
}

impl Note {
    /// Roughly what it adds to a batch.
    pub(in crate::store) fn bytes(&self) -> usize {
        match self {
            Self::Deliver(delivery) => delivery.payload.len(),
            Self::Remember { value, .. } => value.len(),
            _ => 0,
        }
    }

    /// Runs inside the batch's transaction. `now`: when the batch is written.
    pub(in crate::store) async fn write(
        &self,
        conn: &mut SqliteConnection,
        now: Time,
    ) -> Result<(), sqlx::Error> {
        match self {
            Self::Deliver(delivery) => add(conn, delivery).await,
            Self::Delivered { key } => {
                let done = sqlx::query(sql::END_DELIVERY).bind(key).bind(codec::micros(now));
                done.execute(conn).await.map(drop)
            }
            Self::Thread(thread) => put(conn, thread).await,
            Self::Told { session, cursor } => {
                let told = sqlx::query(sql::TOLD).bind(number(*session)).bind(codec::int(*cursor));
                told.execute(conn).await.map(drop)
            }
            Self::Sending(post) => sending(conn, post).await,
            Self::Sent(post) => sent(conn, post).await,
            Self::Remember { scope, name, value } => {
                let fact = sqlx::query(sql::REMEMBER).bind(scope).bind(name).bind(value);
                fact.execute(conn).await.map(drop)
            }
        }
    }
}

fn number(session: SessionId) -> i64 {
    i64::from(session.number())
}

async fn add(conn: &mut SqliteConnection, delivery: &Delivery) -> Result<(), sqlx::Error> {
    sqlx::query(sql::ADD_DELIVERY)
        .bind(&delivery.key)
        .bind(&delivery.kind)
        .bind(&delivery.payload)
        .bind(codec::micros(delivery.received_at))
        .bind(codec::micros(delivery.deadline))
        .execute(conn)
        .await
        .map(drop)
}

async fn put(conn: &mut SqliteConnection, thread: &Thread) -> Result<(), sqlx::Error> {
    sqlx::query(sql::PUT_THREAD)
        .bind(number(thread.session))
        .bind(&thread.channel)
        .bind(&thread.thread)
        .bind(&thread.root)
        .bind(thread.owner.to_string())
        .bind(codec::int(thread.cursor))
        .execute(conn)
        .await
        .map(drop)
}

async fn sending(conn: &mut SqliteConnection, post: &Post) -> Result<(), sqlx::Error> {
    sqlx::query(sql::SENDING)
        .bind(number(post.session))
        .bind(&post.slot)
        .bind(&post.channel)
        .bind(post.hash.map(|h| h.to_vec()))
        .bind(codec::micros(post.at))
        .execute(conn)
        .await
        .map(drop)
}

async fn sent(conn: &mut SqliteConnection, post: &Post) -> Result<(), sqlx::Error> {
    sqlx::query(sql::SENT)
        .bind(number(post.session))
        .bind(&post.slot)
        .bind(&post.channel)
        .bind(&post.ts)
        .bind(post.hash.map(|h| h.to_vec()))
        .bind(codec::micros(post.at))
        .execute(&mut *conn)
        .await?;
    if let Some(ts) = post.ts.as_ref().filter(|_| post.slot == ROOT) {
        // What was its thread finds it for ever.
        for statement in [sql::LEAVE_THREAD, sql::ROOTED] {
            let rooted = sqlx::query(statement).bind(number(post.session)).bind(ts).bind(&post.channel);
            rooted.execute(&mut *conn).await?;
        }
    }
    Ok(())
}
