//! Brings what the write-ahead log holds into the database, beside the writer.
//!
//! Copying and syncing pages takes tens of milliseconds; done by the writer at its own limit (see `schema::writer`)
//! every session would wait for it. So it is done on a connection of its own, often, and the writer is left the short
//! remainder after which the log starts over. Knows how much was written; must not know what.

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::sql;

/// How much is written between two checkpoints.
const EVERY: usize = 4 << 20;
/// What a batch writes beside what it carries: the pages of rows and indexes it touches.
const PER_BATCH: usize = 32 << 10;

pub(super) struct Checkpoints {
    written: usize,
    /// One seat: what is asked for twice is done once.
    due: mpsc::Sender<()>,
    task: JoinHandle<()>,
}

impl Checkpoints {
    pub(super) fn start(conn: SqliteConnection) -> Self {
        let (due, asked) = mpsc::channel(1);
        Self { written: 0, due, task: tokio::spawn(run(conn, asked)) }
    }

    /// A batch that carried so many bytes is on disk.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.written += bytes + PER_BATCH;
        // No seat: one is under way and another waits, which will find these pages too.
        if self.written >= EVERY && self.due.try_send(()).is_ok() {
            self.written = 0;
        }
    }

    /// Lets the one under way end, and closes its connection.
    pub(super) async fn end(self) {
        drop(self.due);
        // Cancelled: the whole process ends, and the next start finds the log as it is.
        if let Err(error) = self.task.await
            && !error.is_cancelled()
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "the checkpoints broke off");
        }
    }
}

async fn run(mut conn: SqliteConnection, mut asked: mpsc::Receiver<()>) {
    while asked.recv().await.is_some() {
        if let Err(error) = sqlx::query(sql::CHECKPOINT_BESIDE).execute(&mut conn).await {
            // The writer does it all at its own limit.
            tracing::warn!(error = &error as &dyn std::error::Error, "a checkpoint beside the writer failed");
        }
    }
    drop(conn.close().await);
}
