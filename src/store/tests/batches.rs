//! Batches: a member that fails fails alone, people go first, slots are counted as they are taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::domain::session::Refusal;

/// Holds the writer inside a decider until it is let go, so that a batch or a lane can fill up.
struct Held {
    gate: std::sync::mpsc::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Held {
    /// Returns once the writer stands still.
    async fn new(bench: &Bench, id: SessionId) -> Self {
        let (gate, wait) = std::sync::mpsc::channel();
        let (here, arrived) = tokio::sync::oneshot::channel();
        let here = std::sync::Mutex::new(Some(here));
        let store = bench.store.clone();
        let task = tokio::spawn(async move {
            let decide = move |row: &Row, _: &_, _| {
                if let Some(here) = here.lock().unwrap().take() {
                    here.send(()).unwrap();
                    wait.recv().unwrap();
                }
                Err(Refusal::Stale { session: row.session.id(), status: row.session.status })
            };
            store.commit(id, Lane::People, None, decide).await.unwrap_err();
        });
        arrived.await.unwrap();
        Self { gate, task }
    }

    async fn let_go(self) {
        self.gate.send(()).unwrap();
        self.task.await.unwrap();
    }
}

const POISON: &str = "CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.body LIKE '%poison%' \
    BEGIN SELECT RAISE(ABORT, 'poisoned'); END";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_member_fails_alone() {
    let bench = Bench::new().await;
    let (ana, ben) = (bench.create("ana").await.session.id(), bench.create("ben").await.session.id());
    bench.sql(POISON).await;
    let held = Held::new(&bench, ana).await;
    let texts = ["one", "poison", "two", "three"];
    let store = &bench.store;
    let said = texts.map(|text| {
        let (store, to) = (store.clone(), if text == "two" { ben } else { ana });
        tokio::spawn(async move { step(&store, to, message("ana", text)).await })
    });
    until(|| store.0.people.capacity() == store.0.people.max_capacity() - texts.len()).await;
    held.let_go().await;
    let mut fine = Vec::new();
    for answer in said {
        fine.push(answer.await.unwrap().is_ok());
    }
    assert_eq!(fine, [true, false, true, true]);
    for id in [ana, ben] {
        let row = store.row(id).await.unwrap().unwrap();
        let folded = session::fold(&bench.events(id).await).unwrap();
        assert_eq!(folded, *row.session);
    }
    assert_eq!(store.row(ana).await.unwrap().unwrap().session.last_command, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decider_that_panics_fails_alone() {
    let bench = Bench::new().await;
    let id = bench.create("ana").await.session.id();
    let error = bench.store.commit(id, Lane::People, None, |_, _, _| panic!("on purpose")).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(StoreError::Panicked)), "{error:?}");
    bench.step(id, message("ana", "still there?")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_overtake_a_full_lane_of_machines() {
    let bench = Bench::new().await;
    let id = bench.create("ana").await.session.id();
    let held = Held::new(&bench, id).await;
    let machines_done = Arc::new(AtomicUsize::new(0));
    let full = bench.store.0.machines.max_capacity();
    let mut machines = tokio::task::JoinSet::new();
    for _ in 0..full + 20 {
        let (store, done) = (bench.store.clone(), Arc::clone(&machines_done));
        machines.spawn(async move {
            let count = move |row: &Row, _: &_, _| {
                done.fetch_add(1, Ordering::SeqCst);
                Err(Refusal::Stale { session: row.session.id(), status: row.session.status })
            };
            store.commit(id, Lane::Machines, None, count).await
        });
    }
    until(|| bench.store.0.machines.capacity() == 0).await;
    let (store, seen) = (bench.store.clone(), Arc::clone(&machines_done));
    let before = Arc::new(AtomicUsize::new(usize::MAX));
    let at = Arc::clone(&before);
    let ana = tokio::spawn(async move {
        let decide = move |row: &Row, _: &_, now| {
            at.store(seen.load(Ordering::SeqCst), Ordering::SeqCst);
            session::step(&row.session, cancel("ana"), now)
        };
        store.commit(id, Lane::People, None, decide).await
    });
    until(|| bench.store.0.people.capacity() < bench.store.0.people.max_capacity()).await;
    held.let_go().await;
    ana.await.unwrap().unwrap();
    machines.join_all().await;
    assert_eq!(before.load(Ordering::SeqCst), 0, "she was served before every machine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_are_counted_as_they_are_taken_within_a_batch() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(bench.create("ana").await.session.id());
    }
    let held = Held::new(&bench, ids[0]).await;
    let admitted = ids.iter().map(|id| {
        let (store, id) = (bench.store.clone(), *id);
        tokio::spawn(async move {
            let admit = |row: &Row, world: &super::super::World, now| {
                let taken: u32 = world.shares.values().map(|share| share.running).sum();
                if taken >= 3 {
                    return Err(Refusal::NoSlot);
                }
                session::step(&row.session, Input::Admit { attempt: Attempt(1) }, now)
            };
            store.commit(id, Lane::Machines, None, admit).await.is_ok()
        })
    });
    let admitted: Vec<_> = admitted.collect();
    let machines = &bench.store.0.machines;
    until(|| machines.capacity() == machines.max_capacity() - ids.len()).await;
    held.let_go().await;
    let mut count = 0;
    for done in admitted {
        count += u32::from(done.await.unwrap());
    }
    let share = bench.store.world().shares[&person("ana")];
    assert_eq!((count, share.running, share.served), (3, 3, Some(start())));
    let running = bench.store.open_rows().into_iter().find(|row| row.session.status.runs()).unwrap();
    bench.step(running.session.id(), cancel("ana")).await.unwrap();
    assert_eq!(bench.store.world().shares[&person("ana")].running, 2);
}

#[tokio::test]
async fn nobody_hears_of_a_step_that_was_not_written() {
    let bench = Bench::new().await;
    let id = bench.create("ana").await.session.id();
    bench.sql(POISON).await;
    let (head, changed) = (bench.store.head(id), bench.store.changed());
    let before = (bench.store.row(id).await.unwrap(), *head.borrow(), *changed.borrow());
    let error = bench.step(id, message("ana", "poison")).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(StoreError::Sql(_))), "{error:?}");
    assert!(!head.has_changed().unwrap() && !changed.has_changed().unwrap());
    assert_eq!(before, (bench.store.row(id).await.unwrap(), *head.borrow(), *changed.borrow()));
}

#[tokio::test]
async fn a_commit_wakes_who_waits_for_the_log() {
    let bench = Bench::new().await;
    let id = bench.create("ana").await.session.id();
    let (mut head, mut changed) = (bench.store.head(id), bench.store.changed());
    let stamp = *changed.borrow();
    assert_eq!(*head.borrow(), 3);
    let woken = Arc::new(AtomicBool::new(false));
    bench.step(id, message("ana", "hi")).await.unwrap();
    head.changed().await.unwrap();
    changed.changed().await.unwrap();
    woken.store(true, Ordering::SeqCst);
    assert_eq!((*head.borrow(), *changed.borrow()), (4, stamp + 1));
}

#[tokio::test]
async fn watches_that_nobody_holds_do_not_pile_up() {
    let bench = Bench::new().await;
    let kept = bench.store.head(id(1));
    for number in 2..5_000 {
        drop(bench.store.head(id(number)));
    }
    let watches = bench.store.0.shared.heads.lock().unwrap().len();
    assert!(watches <= 17, "{watches} are left");
    bench.create("ana").await;
    assert_eq!(*kept.borrow(), 3);
}

/// Waits for a condition that other tasks bring about.
async fn until(done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.unwrap();
}
