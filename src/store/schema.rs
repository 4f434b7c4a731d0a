//! How a database is opened and brought up to date.
//!
//! Knows connection settings, migrations and backups; must not know what the tables are for.

use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, SqlitePool};

use super::folder::{self, Backup};
use super::{StoreError, sql};
use crate::clock::Clock;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!();

const READERS: u32 = 4;

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .disable_statement_logging()
}

/// The writer's own connection. What it commits is on disk.
pub(super) async fn writer(dir: &Path) -> Result<SqliteConnection, StoreError> {
    let options = options(&dir.join(folder::DATABASE))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // At 16 MiB the writer copies what the checkpoints beside it have left over, and the log starts anew.
        .pragma("wal_autocheckpoint", "4096")
        .pragma("journal_size_limit", "67108864");
    Ok(options.connect().await?)
}

/// Beside the writer, for checkpoints alone.
pub(super) async fn copier(dir: &Path) -> Result<SqliteConnection, StoreError> {
    Ok(options(&dir.join(folder::DATABASE)).synchronous(SqliteSynchronous::Full).connect().await?)
}

/// Those who only read; they never wait for the writer.
pub(super) fn readers(dir: &Path) -> SqlitePool {
    let options = options(&dir.join(folder::DATABASE)).read_only(true);
    SqlitePoolOptions::new().max_connections(READERS).test_before_acquire(false).connect_lazy_with(options)
}

/// Brings the database to this version's schema; an existing one is copied to `backups/` before.
pub(super) async fn migrate(
    conn: &mut SqliteConnection,
    migrations: &Migrator,
    dir: &Path,
    clock: &Clock,
) -> Result<(), StoreError> {
    let newest = migrations.iter().map(|m| m.version).max().unwrap_or_default();
    let applied = applied(conn).await?;
    if applied > newest {
        return Err(StoreError::Newer);
    }
    if applied > 0 && applied < newest {
        back_up(conn, dir, applied, clock).await?;
    }
    // Also finds out whether the applied ones are those we know. (`run` itself makes futures that are not `Send`.)
    Ok(migrations.run_direct(None, conn, false).await?)
}

/// The version of the newest applied migration; 0 = an empty database.
async fn applied(conn: &mut SqliteConnection) -> Result<i64, StoreError> {
    let tables: i64 = sqlx::query_scalar(sql::SCHEMA).fetch_one(&mut *conn).await?;
    if tables == 0 {
        return Ok(0);
    }
    Ok(sqlx::query_scalar(sql::NEWEST_MIGRATION).fetch_one(conn).await?)
}

/// Copies the database. The copy has no installation mark: brought back, it is another installation.
async fn back_up(
    conn: &mut SqliteConnection,
    dir: &Path,
    schema: i64,
    clock: &Clock,
) -> Result<(), StoreError> {
    let backup = Backup::prepare(dir, schema, clock.now())?;
    let target = backup.part.to_str().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
    sqlx::query(sql::BACK_UP).bind(target).execute(conn).await?;
    let mut copy = options(&backup.part).connect().await?;
    sqlx::query(sql::FORGET_INSTANCE).execute(&mut copy).await?;
    copy.close().await?;
    let whole = backup.finish()?;
    tracing::info!(path = %whole.display(), "the database was copied before it is brought up to date");
    Ok(())
}

/// The installation's mark, made at the first start.
pub(super) async fn instance(conn: &mut SqliteConnection, clock: &Clock) -> Result<String, StoreError> {
    if let Some(mark) = sqlx::query_scalar(sql::INSTANCE).fetch_optional(&mut *conn).await? {
        return Ok(mark);
    }
    let mark = clock.random_id().simple().to_string();
    sqlx::query(sql::MARK_INSTANCE).bind(&mark).execute(conn).await?;
    Ok(mark)
}
