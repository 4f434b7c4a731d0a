//! Every statement prepares; every migration runs over rows of the schema before it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqlSafeStr as _};

use super::super::slack::sql as slack_sql;
use super::super::{schema, sql};
use super::*;
use crate::store::slack::Notes;

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

#[tokio::test]
async fn every_statement_prepares() {
    let bench = Bench::new().await;
    let mut conn = connect(&bench.path().join("devtask.db")).await;
    let source = include_str!("../sql.rs");
    let (named, tables) =
        (source.matches("\npub(super) const ").count(), source.matches(": Table =").count());
    assert_eq!(sql::all().len(), named + 4 * tables, "a statement is missing in `sql::all`");
    let about_slack = include_str!("../slack/sql.rs").matches("\npub(in crate::store) const ").count();
    assert_eq!(slack_sql::ALL.len() + 1, about_slack, "a statement is missing in `slack::sql::ALL`");
    for statement in sql::all().into_iter().chain(slack_sql::ALL) {
        conn.prepare(statement.into_sql_str()).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

#[tokio::test]
async fn the_newest_rows_are_found_without_reading_the_log() {
    let bench = Bench::new().await;
    let mut conn = connect(&bench.path().join("devtask.db")).await;
    let about_slack = [
        slack_sql::DELIVERY,
        slack_sql::OPEN_DELIVERIES,
        slack_sql::OLDEST_DELIVERY,
        slack_sql::PRUNE_DELIVERIES,
        slack_sql::SESSIONS_AT,
        slack_sql::THREADS_DUE,
        slack_sql::POST_AT,
    ];
    for statement in
        [sql::OPEN_ROWS, sql::COUNTERS, sql::OWNERS, sql::EVENTS_AFTER, sql::ROW, sql::LIST_STATUS]
            .into_iter()
            .chain(about_slack)
    {
        let plan = format!("EXPLAIN QUERY PLAN {statement}");
        let rows = sqlx::query_as::<_, (i64, i64, i64, String)>(sqlx::AssertSqlSafe(plan));
        for (_, _, _, detail) in rows.fetch_all(&mut conn).await.unwrap() {
            let scan =
                detail.starts_with("SCAN") && !detail.contains("INDEX") && !detail.contains("CONSTANT");
            assert!(!scan || detail == "SCAN owners", "{statement}: {detail}");
            assert!(!detail.contains("TEMP B-TREE"), "{statement}: {detail}");
        }
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let bench = Bench::new().await;
    bench.store.close().await;
    bench
        .sql(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
              VALUES (9999, 'from the future', 1, x'00', 0)",
        )
        .await;
    assert!(matches!(open(bench.path(), &bench.clock).await, Err(StoreError::Newer)));
    assert!(!bench.path().join("backups").exists());
}

/// Rows for the schema each migration leaves behind, by its version: written before the next one runs.
fn sample(version: i64) -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/migrations/{version:04}.sql"));
    fs::read_to_string(file).ok()
}

#[tokio::test]
async fn every_migration_runs_over_sample_rows() {
    let (dir, clock) = (TempDir::new().unwrap(), Clock::by_hand(start()));
    let mut conn = connect(&dir.path().join("devtask.db")).await;
    for migration in schema::MIGRATIONS.iter() {
        let version = migration.version;
        schema::MIGRATIONS.run_direct(Some(version), &mut conn, false).await.unwrap();
        let rows = sample(version).unwrap_or_else(|| {
            panic!("migration {version} has no sample rows; add tests/data/migrations/{version:04}.sql")
        });
        sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
    let store = open(dir.path(), &clock).await.unwrap();
    let bench = Bench { store, clock, dir };
    let rows = bench.store.open_rows();
    assert_eq!(rows.iter().map(|row| row.session.id().number()).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(bench.store.instance(), "0123456789abcdef0123456789abcdef");
    for number in 1..=3 {
        let row = bench.store.row(id(number)).await.unwrap().unwrap();
        let folded = session::fold(&bench.events(id(number)).await).unwrap();
        assert_eq!(folded, session::Session { ingested: 0, ..(*row.session).clone() });
        assert_eq!(
            bench.store.commands(id(number), &row.session.commands).await.unwrap().len(),
            row.session.commands.len()
        );
    }
    bench.step(id(1), message("ana", "still here")).await.unwrap();
    slack_is_understood(&bench.store.slack()).await;
    assert_eq!(bench.store.strays().await.unwrap().len(), 1);
    assert_eq!(bench.store.links().await.unwrap().len(), 1);
}

async fn slack_is_understood(notes: &Notes) {
    let waiting: Vec<_> = notes.deliveries().await.unwrap().into_iter().map(|d| d.key).collect();
    assert_eq!(waiting, ["command:e1"]);
    let due: Vec<_> = notes.threads_due(9).await.unwrap().iter().map(|t| t.session.number()).collect();
    assert_eq!(due, [3, 1]);
    assert_eq!(notes.thread_at("C1", "1789999999.000100").await.unwrap(), [id(1)]);
    let slots: Vec<_> =
        notes.posts(id(1)).await.unwrap().into_iter().map(|p| (p.slot, p.ts.is_some())).collect();
    assert_eq!(slots, [("root".to_owned(), true), ("ask:toolu_1".to_owned(), false)]);
    assert_eq!(notes.recall("repo", "user:U024").await.unwrap().as_deref(), Some("acme/api"));
}

/// Our migrations and one more.
fn with_one_more(statement: &'static str) -> Migrator {
    let mut all: Vec<_> = schema::MIGRATIONS.iter().cloned().collect();
    let version = all.iter().map(|m| m.version).max().unwrap() + 1;
    let sql = statement.into_sql_str();
    all.push(Migration::new(version, "one more".into(), MigrationType::Simple, sql, false));
    Migrator::with_migrations(all)
}

#[tokio::test]
async fn a_copy_is_made_before_a_migration_and_is_another_installation() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    let mark = bench.store.instance().to_owned();
    bench.store.close().await;
    let backups = bench.path().join("backups");
    assert!(!backups.exists(), "nothing was brought up to date yet");
    let mut conn = connect(&bench.path().join("devtask.db")).await;
    let broken = with_one_more("DELETE FROM leases; DELETE FROM nothing");
    assert!(schema::migrate(&mut conn, &broken, bench.path(), &bench.clock).await.is_err());
    conn.close().await.unwrap();

    let copies: Vec<_> = fs::read_dir(&backups).unwrap().map(|e| e.unwrap().path()).collect();
    let [copy] = copies.as_slice() else { panic!("{copies:?}") };
    let newest = schema::MIGRATIONS.iter().map(|m| m.version).max().unwrap();
    assert!(copy.to_string_lossy().ends_with(&format!("Z-schema{newest}.db")), "{}", copy.display());
    assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&backups).unwrap().permissions().mode() & 0o777, 0o700);
    let elsewhere = TempDir::new().unwrap();
    fs::copy(copy, elsewhere.path().join("devtask.db")).unwrap();
    let restored = open(elsewhere.path(), &bench.clock).await.unwrap();
    assert_ne!(restored.instance(), mark);
    assert_eq!(restored.open_rows().len(), 1);

    let store = open(bench.path(), &bench.clock).await.unwrap();
    assert_eq!(
        (store.instance(), store.open_rows().len()),
        (mark.as_str(), 1),
        "the failed one left no trace"
    );
}
