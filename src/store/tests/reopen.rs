//! What was acknowledged is there after any end.

use tokio::runtime::Runtime;

use super::*;

#[tokio::test]
async fn a_reopened_store_has_the_same_rows() {
    let bench = Bench::new().await;
    let running = bench.running("ana").await;
    bench.request(running, 1).await;
    bench.create("ben").await;
    bench.step(id(2), cancel("ben")).await.unwrap();
    let served = bench.running("eve").await;
    bench.clock.turn(TimeDelta::seconds(1));
    bench.step(served, cancel("eve")).await.unwrap();
    let before = (bench.store.open_rows(), bench.store.world().shares, *bench.store.changed().borrow());
    let (mark, log) = (bench.store.instance().to_owned(), bench.events(running).await);
    bench.store.close().await;
    let store = open(bench.path(), &bench.clock).await.unwrap();
    assert_eq!(before, (store.open_rows(), store.world().shares, *store.changed().borrow()));
    assert_eq!((store.instance(), store.instance().len()), (mark.as_str(), 32));
    assert_eq!(store.events(running, 0, 100, usize::MAX).await.unwrap(), log);
    let bench = Bench { store, ..bench };
    assert_eq!(bench.create("ana").await.session.id(), id(4));
}

#[tokio::test]
async fn a_closed_store_refuses_and_leaves_one_tidy_file() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    bench.store.probe().await.unwrap();
    let (first, second) = (bench.store.clone(), bench.store.clone());
    tokio::join!(first.close(), second.close());
    assert!(matches!(bench.step(id(1), cancel("ana")).await, Err(CommitError::Store(StoreError::Closed))));
    assert!(matches!(bench.store.list(&super::super::ListQuery::default()).await, Err(StoreError::Closed)));
    assert!(matches!(bench.store.probe().await, Err(StoreError::Closed)));
    assert!(!bench.path().join("devtask.db-wal").exists());
    open(bench.path(), &bench.clock).await.unwrap();
}

#[test]
fn an_end_without_close_loses_nothing_that_was_acknowledged() {
    let (dir, clock) = (TempDir::new().unwrap(), Clock::by_hand(start()));
    let mut acked = Vec::new();
    for round in 0..4 {
        let runtime = Runtime::new().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let (path, own) = (dir.path().to_owned(), clock.clone());
        runtime.spawn(async move {
            let store = open(&path, &own).await.unwrap();
            for n in 0.. {
                let make = move |id, mark, _: &_, now| session::create(new(id, mark, person("ana")), now);
                let lane = if n % 2 == 0 { Lane::People } else { Lane::Machines };
                let row = store.create(lane, None, make).await.unwrap();
                tell.send(row).unwrap();
            }
        });
        // Ends in the middle of whatever it does, at a different place each time.
        acked.extend(told.iter().take(5 + round * 7));
        runtime.shutdown_timeout(std::time::Duration::from_secs(10));
        acked.extend(told.try_iter());
    }
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(dir.path(), &clock).await.unwrap();
        let rows = store.open_rows();
        assert!(acked.len() >= 5 + 12 + 19 + 26);
        for row in acked {
            assert!(rows.contains(&row), "{} is lost", row.session.id());
        }
        let ids: Vec<_> = rows.iter().map(|row| row.session.id().number()).collect();
        assert_eq!(ids, (1..=u32::try_from(rows.len()).unwrap()).collect::<Vec<_>>());
    });
}

#[tokio::test]
async fn who_drops_the_store_leaves_the_writer_to_finish() {
    let bench = Bench::new().await;
    let Bench { store, clock, dir } = bench;
    let make = move |id, mark, _: &_, now| session::create(new(id, mark, person("ana")), now);
    store.create(Lane::People, None, make).await.unwrap();
    drop(store);
    let again = async {
        loop {
            match open(dir.path(), &clock).await {
                Err(StoreError::Locked) => tokio::task::yield_now().await,
                other => break other.unwrap(),
            }
        }
    };
    let store = tokio::time::timeout(std::time::Duration::from_secs(20), again).await.unwrap();
    assert_eq!(store.open_rows().len(), 1);
}

#[tokio::test]
async fn a_torn_end_of_the_files_costs_the_last_commits_and_nothing_else() {
    let bench = Bench::new().await;
    let ids = [bench.running("ana").await, bench.running("ben").await];
    for n in 1..=12 {
        let line = Some(vec![b'x'; 700 * usize::try_from(n).unwrap()]);
        bench.step(ids[usize::try_from(n % 2).unwrap()], message("ana", "go on")).await.unwrap();
        bench.step(ids[0], records(vec![note(n, "x", line)])).await.unwrap();
    }
    let [database, wal] =
        ["devtask.db", "devtask.db-wal"].map(|name| std::fs::read(bench.path().join(name)).unwrap());
    let mut heads = std::collections::BTreeSet::new();
    for cut in 0..40 {
        let torn = TempDir::new().unwrap();
        std::fs::write(torn.path().join("devtask.db"), &database).unwrap();
        // Odd places on purpose: in the middle of headers and of pages.
        std::fs::write(torn.path().join("devtask.db-wal"), &wal[..wal.len() * (60 + cut) / 100 + cut])
            .unwrap();
        let store = open(torn.path(), &bench.clock).await.unwrap();
        for id in ids {
            let Some(row) = store.row(id).await.unwrap() else { continue };
            let log = store.events(id, 0, usize::MAX, usize::MAX).await.unwrap();
            let folded = session::fold(&log).unwrap();
            let ingested = row.session.ingested;
            assert_eq!(session::Session { ingested, ..folded }, *row.session);
            assert_eq!(log.len() as u64, row.session.head);
            let whole = bench.events(id).await;
            assert_eq!(log, whole[..log.len()], "what is there is a beginning of what was");
            heads.insert((id, log.len()));
        }
    }
    assert!(heads.len() > 10, "the cuts fell into different commits: {heads:?}");
}
