//! What a record costs between the decider and the disk, without any link.

use std::path::Path;

use devtask::clock::Clock;
use devtask::domain::brief::Brief;
use devtask::domain::limits::{Limits, Policy};
use devtask::domain::report::{Record, Report};
use devtask::domain::session::{self, Input, NewSession};
use devtask::domain::{Actor, Attempt, Repo, SessionId, Time};
use devtask::store::{Lane, Row, Store};

use super::{figure, process};

const SESSIONS: u32 = 20;
const ROUNDS: u64 = 3;
/// A stream-json line of ordinary length.
const LINE: usize = 1_600;

pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // Under load records come in bundles; a calm session sends them one by one.
        figure::print("store.commit_cpu", commit_cpu(64).await, "us", "<=", 20.0);
        figure::print("store.commit_cpu_single", commit_cpu(1).await, "us", "<=", 200.0);
    });
}

/// Processor microseconds of an event: every session commits bundles of so many records, the median of rounds.
async fn commit_cpu(bundle: u64) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), SESSIONS).await;
    let bundles = if bundle > 1 { 4_000 / bundle } else { 500 };
    let mut costs = Vec::new();
    for round in 0..ROUNDS {
        let before = process::cpu_us(std::process::id());
        let mut tasks = tokio::task::JoinSet::new();
        for session in 1..=SESSIONS {
            let store = store.clone();
            tasks.spawn(async move {
                let log = Log { session, line: LINE, words: 60 };
                for n in 0..bundles {
                    log.commit(&store, (round * bundles + n) * bundle + 1, bundle).await;
                }
            });
        }
        tasks.join_all().await;
        let events = u64::from(SESSIONS) * bundles * bundle;
        let spent = process::cpu_us(std::process::id()) - before;
        costs.push(spent / events as f64);
    }
    store.close().await;
    figure::median(&mut costs)
}

/// A store with running sessions.
pub async fn open(dir: &Path, sessions: u32) -> Store {
    let store = Store::open(dir, Clock::system()).await.unwrap();
    for number in 1..=sessions {
        let make = |id, mark, _: &_, now| session::create(new(id, mark), now);
        store.create(Lane::Machines, None, make).await.unwrap();
        input(&store, number, Input::Admit { attempt: Attempt(1) }).await;
        input(&store, number, Input::Hello { attempt: Attempt(1) }).await;
    }
    store
}

/// One committed step.
pub async fn input(store: &Store, number: u32, input: Input) {
    let step = move |row: &Row, _: &_, now| session::step(&row.session, input.clone(), now);
    store.commit(SessionId::new(number).unwrap(), Lane::Machines, None, step).await.unwrap();
}

/// A session's log as it grows: records with a raw line and words of these lengths.
#[derive(Clone, Copy)]
pub struct Log {
    pub session: u32,
    pub line: usize,
    pub words: usize,
}

impl Log {
    pub async fn commit(self, store: &Store, first: u64, count: u64) {
        let at = Clock::system().now();
        let report = || Report::Message { text: "w".repeat(self.words) };
        let records = (first..first + count).map(|n| Self::record(n, at, report(), self.line)).collect();
        input(store, self.session, Input::Records { attempt: Attempt(1), records }).await;
    }

    pub fn record(n: u64, at: Time, report: Report, line: usize) -> Record {
        Record { n, at, report, raw: (line > 0).then(|| vec![b'x'; line]) }
    }
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
        requester: None,
        branch_pattern: "devtask/{task_id}-{task_slug}".to_owned(),
        require_approval_for: Vec::new(),
        limits: Limits::default(),
        policy: Policy::default(),
    }
}
