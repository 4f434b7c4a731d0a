//! Strays are remembered from when they were seen first.

use chrono::TimeDelta;

use super::*;

#[tokio::test]
async fn a_stray_keeps_the_moment_it_was_seen_first_over_a_restart() {
    let bench = Bench::new().await;
    bench.store.see_stray("codespaces", "ana/calm-fox", "0a1b2c3d-7-1").await.unwrap();
    bench.clock.turn(TimeDelta::minutes(5));
    bench.store.close().await;
    let store = open(bench.path(), &bench.clock).await.unwrap();
    store.see_stray("codespaces", "ana/calm-fox", "0a1b2c3d-7-1").await.unwrap();
    store.see_stray("local", "0a1b2c3d-8-1", "0a1b2c3d-8-1").await.unwrap();
    let seen: Vec<_> = store.strays().await.unwrap().into_iter().map(|s| (s.node, s.first_seen)).collect();
    let five = TimeDelta::minutes(5);
    assert_eq!(seen, [("ana/calm-fox".to_owned(), start()), ("0a1b2c3d-8-1".to_owned(), start() + five)]);
    store.forget_stray("codespaces", "ana/calm-fox").await.unwrap();
    assert_eq!(store.strays().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_is_leased_until_its_node_is_gone() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    let row = bench.request(id(1), 1).await;
    let key = row.lease.unwrap().key.to_string();
    assert_eq!(bench.store.leased(&key).await.unwrap().unwrap().key.as_str(), key);
    bench.lease(id(1), lease::Input::Create).await;
    bench.lease(id(1), lease::Input::Gone).await;
    assert!(bench.store.leased(&key).await.unwrap().is_none());
    assert!(bench.store.leased("0a1b2c3d-99-1").await.unwrap().is_none());
}
