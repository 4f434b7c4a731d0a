//! What a record costs between the decider and the disk, and how long a restart takes.
//!
//! Knows the store's verbs and the process's own CPU time; prints one `figure` line for each measurement.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that cannot go on says so and ends; its figures are its output"
)]

use std::path::Path;
use std::time::Instant;

use devtask::clock::Clock;
use devtask::domain::brief::Brief;
use devtask::domain::limits::{Limits, Policy};
use devtask::domain::report::{Record, Report};
use devtask::domain::session::{self, Input, NewSession};
use devtask::domain::{Actor, Attempt, Repo, SessionId};
use devtask::store::{Lane, Store};

const SESSIONS: u32 = 20;
const ROUNDS: u64 = 5;
/// A stream-json line of ordinary length.
const LINE: usize = 1_600;

/// Runs all measurements of the store. Wants a release build and a quiet machine.
pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        // Under load records come in bundles; a calm session sends them one by one.
        figure("store.commit_cpu", commit_cpu(64).await, "us/event", 20.0);
        figure(
            "store.commit_cpu_single",
            commit_cpu(1).await,
            "us/event",
            200.0,
        );
        figure("store.restart", restart(1_000, 1_000).await, "ms", 100.0);
    });
}

/// CPU microseconds per event: every session commits bundles of so many records at once, the median of rounds.
async fn commit_cpu(bundle: u64) -> f64 {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store(dir.path(), SESSIONS).await;
    let bundles = if bundle > 1 { 4_000 / bundle } else { 500 };
    let mut costs = Vec::new();
    for round in 0..ROUNDS {
        let before = cpu_micros();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 1..=SESSIONS {
            let store = store.clone();
            tasks.spawn(async move {
                for n in 0..bundles {
                    commit(
                        &store,
                        number,
                        (round * bundles + n) * bundle + 1,
                        bundle,
                        LINE,
                    )
                    .await;
                }
            });
        }
        tasks.join_all().await;
        let events = u64::from(SESSIONS) * bundles * bundle;
        costs.push((cpu_micros() - before) / as_f64(events));
    }
    store.close().await;
    costs.sort_by(f64::total_cmp);
    costs[costs.len() / 2]
}

/// Milliseconds until a store with so many open sessions, each with so many events, can be asked.
async fn restart(sessions: u32, events: u64) -> f64 {
    let dir = tempfile::tempdir().expect("a folder");
    let first = store(dir.path(), sessions).await;
    for number in 1..=sessions {
        for n in 0..events / 250 {
            commit(&first, number, n * 250 + 1, 250, 0).await;
        }
    }
    first.close().await;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let again = Store::open(dir.path(), Clock::system())
            .await
            .expect("the same store");
        assert_eq!(again.open_rows().len(), sessions as usize);
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
        again.close().await;
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A store with running sessions.
async fn store(dir: &Path, sessions: u32) -> Store {
    let store = Store::open(dir, Clock::system()).await.expect("a store");
    for _ in 0..sessions {
        let make = |id, mark, _: &_, now| session::create(new(id, mark), now);
        let id = store
            .create(Lane::Machines, None, make)
            .await
            .expect("a session")
            .row
            .session
            .id();
        for input in [
            Input::Admit {
                attempt: Attempt(1),
            },
            Input::Hello {
                attempt: Attempt(1),
            },
        ] {
            let step = move |row: &devtask::store::Row, _: &_, now| {
                session::step(&row.session, input.clone(), now)
            };
            store
                .commit(id, Lane::Machines, None, step)
                .await
                .expect("a step");
        }
    }
    store
}

async fn commit(store: &Store, session: u32, first: u64, count: u64, line: usize) {
    let at = Clock::system().now();
    let record = |n| {
        let report = Report::Message {
            text: "I have looked at the tests and will change the parser.".to_owned(),
        };
        Record {
            n,
            at,
            report,
            raw: (line > 0).then(|| vec![b'x'; line]),
        }
    };
    let records: Vec<Record> = (first..first + count).map(record).collect();
    let step = move |row: &devtask::store::Row, _: &_, now| {
        session::step(
            &row.session,
            Input::Records {
                attempt: Attempt(1),
                records: records.clone(),
            },
            now,
        )
    };
    let id = SessionId::new(session).expect("a number");
    store
        .commit(id, Lane::Machines, None, step)
        .await
        .expect("records");
}

fn new(id: SessionId, mark: uuid::Uuid) -> NewSession {
    NewSession {
        id,
        mark,
        owner: Actor::Person(format!("local/{}", id.number() % 7)),
        brief: Brief::from_text(
            "Teach the parser about nested comments; today it stops at the first end mark.",
        ),
        repo: Repo::Path("/srv/parser".to_owned()),
        base: None,
        provider: "local".to_owned(),
        agent: "claude".to_owned(),
        model: None,
        effort: None,
        plan: false,
        priority: 0,
        labels: Vec::new(),
        branch_pattern: "devtask/{task_id}-{task_slug}".to_owned(),
        require_approval_for: Vec::new(),
        limits: Limits::default(),
        policy: Policy::default(),
    }
}

/// User and system time of this process. The kernel counts hundredths of a second there.
fn cpu_micros() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(") ").next().expect("a name in brackets");
    let fields: Vec<&str> = after_name.split(' ').collect();
    [fields[11], fields[12]]
        .iter()
        .map(|ticks| ticks.parse::<f64>().expect("ticks") * 10_000.0)
        .sum()
}

fn figure(name: &str, value: f64, unit: &str, limit: f64) {
    let verdict = if value <= limit { "ok" } else { "short" };
    println!("figure {name} {value:.1} {unit} limit <= {limit} {verdict}");
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
fn as_f64(count: u64) -> f64 {
    count as f64
}
