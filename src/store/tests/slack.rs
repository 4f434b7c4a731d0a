//! What is kept about Slack: a delivery once and in time, threads that only move forward, messages in doubt.

use super::*;
use crate::store::slack::{Delivered, Delivery, Notes, Post, Thread};

fn delivery(key: &str) -> Delivery {
    Delivery {
        key: key.to_owned(),
        kind: "command".to_owned(),
        payload: r#"{"command":"/devtask"}"#.to_owned(),
        received_at: start(),
        deadline: start() + TimeDelta::seconds(2),
    }
}

fn thread(session: u32, cursor: u64) -> Thread {
    Thread {
        session: id(session),
        channel: "C1".to_owned(),
        thread: None,
        root: None,
        owner: person("ana"),
        cursor,
        head: 0,
    }
}

fn post(session: u32, slot: &str, ts: Option<&str>) -> Post {
    Post {
        session: id(session),
        slot: slot.to_owned(),
        channel: "C1".to_owned(),
        ts: ts.map(str::to_owned),
        hash: Some([7; 32]),
        at: start(),
    }
}

async fn due(notes: &Notes) -> Vec<u32> {
    notes.threads_due(100).await.unwrap().iter().map(|t| t.session.number()).collect()
}

#[tokio::test]
async fn a_delivery_is_taken_in_once() {
    let bench = Bench::new().await;
    let notes = bench.store.slack();
    let (a, b) = tokio::join!(notes.deliver(delivery("k")), notes.deliver(delivery("k")));
    assert_eq!((a.unwrap(), b.unwrap()), (Delivered::New, Delivered::Repeat));
    assert_eq!(notes.deliver(delivery("other")).await.unwrap(), Delivered::New);
    assert_eq!(notes.deliver(delivery("k")).await.unwrap(), Delivered::Repeat);
    assert_eq!(notes.deliveries().await.unwrap(), [delivery("k"), delivery("other")]);
}

#[tokio::test]
async fn a_late_delivery_is_dropped_unless_it_is_here() {
    let bench = Bench::new().await;
    let notes = bench.store.slack();
    notes.deliver(delivery("here")).await.unwrap();
    bench.clock.turn(TimeDelta::seconds(2));
    assert_eq!(notes.deliver(delivery("just")).await.unwrap(), Delivered::New);
    bench.clock.turn(TimeDelta::microseconds(1));
    assert_eq!(notes.deliver(delivery("late")).await.unwrap(), Delivered::Late);
    assert_eq!(notes.deliver(delivery("here")).await.unwrap(), Delivered::Repeat);
    let keys: Vec<_> = notes.deliveries().await.unwrap().into_iter().map(|d| d.key).collect();
    assert_eq!(keys, ["here", "just"]);
}

#[tokio::test]
async fn what_is_carried_out_is_not_worked_again_and_forgotten_after_a_day() {
    let bench = Bench::new().await;
    let notes = bench.store.slack();
    notes.deliver(delivery("done")).await.unwrap();
    notes.deliver(Delivery { received_at: start() - TimeDelta::days(9), ..delivery("old") }).await.unwrap();
    notes.delivered("done").await.unwrap();
    bench.clock.turn(TimeDelta::hours(23));
    notes.remember("a", "b", "so that something is written").await.unwrap();
    assert_eq!(notes.deliver(delivery("done")).await.unwrap(), Delivered::Repeat);
    bench.clock.turn(TimeDelta::hours(2));
    notes.remember("a", "b", "so that old ones are looked for").await.unwrap();
    assert_eq!(notes.deliver(delivery("done")).await.unwrap(), Delivered::Late, "its key is forgotten");
    let keys: Vec<_> = notes.deliveries().await.unwrap().into_iter().map(|d| d.key).collect();
    assert_eq!(keys, ["old"], "what is to be done stays however old it is");
}

#[tokio::test]
async fn what_a_crash_left_is_found_by_the_next_start() {
    let bench = Bench::new().await;
    bench.store.slack().deliver(delivery("k")).await.unwrap();
    bench.store.close().await;
    let store = open(bench.path(), &bench.clock).await.unwrap();
    assert_eq!(store.slack().deliveries().await.unwrap(), [delivery("k")]);
}

#[tokio::test]
async fn a_thread_keeps_what_is_set() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    let notes = bench.store.slack();
    notes.thread_put(thread(1, 0)).await.unwrap();
    let set =
        Thread { root: Some("2.0".to_owned()), thread: Some("1.0".to_owned()), cursor: 9, ..thread(1, 0) };
    notes.thread_put(set).await.unwrap();
    let other = Thread { root: Some("5.0".to_owned()), channel: "C2".to_owned(), ..thread(1, 3) };
    notes.thread_put(other).await.unwrap();
    let kept = notes.thread_of(id(1)).await.unwrap().unwrap();
    assert_eq!((kept.root.as_deref(), kept.thread.as_deref()), (Some("2.0"), Some("1.0")));
    assert_eq!((kept.channel.as_str(), kept.cursor, kept.head), ("C1", 0, 3));
    assert_eq!(kept.owner, person("ana"));
    assert_eq!(notes.thread_of(id(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_thread_of_no_session_is_refused() {
    let bench = Bench::new().await;
    let error = bench.store.slack().thread_put(thread(7, 0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Sql(_)), "{error:?}");
}

#[tokio::test]
async fn the_cursor_only_rises() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    let notes = bench.store.slack();
    notes.thread_put(thread(1, 0)).await.unwrap();
    for (cursor, kept) in [(2, 2), (1, 2), (3, 3)] {
        notes.told(id(1), cursor).await.unwrap();
        assert_eq!(notes.thread_of(id(1)).await.unwrap().unwrap().cursor, kept);
    }
}

#[tokio::test]
async fn a_thread_is_due_until_it_was_told_all() {
    let bench = Bench::new().await;
    for owner in ["ana", "ben", "eve"] {
        bench.create(owner).await;
    }
    let notes = bench.store.slack();
    assert_eq!(due(&notes).await, [0; 0]);
    notes.thread_put(thread(2, 0)).await.unwrap();
    notes.thread_put(thread(1, 0)).await.unwrap();
    assert_eq!(due(&notes).await, [1, 2], "what changed first comes first; no thread, nothing due");
    notes.told(id(1), 3).await.unwrap();
    assert_eq!(due(&notes).await, [2], "also where nobody was there to be told");
    bench.step(id(1), message("ana", "hi")).await.unwrap();
    assert_eq!(due(&notes).await, [2, 1]);
    assert_eq!(notes.threads_due(1).await.unwrap().len(), 1);
    notes.told(id(1), 4).await.unwrap();
    notes.told(id(2), 3).await.unwrap();
    assert_eq!(due(&notes).await, [0; 0]);
    notes.thread_put(thread(3, 0)).await.unwrap();
    assert_eq!(due(&notes).await, [3], "a session that changed long ago");
}

#[tokio::test]
async fn those_that_are_due_beyond_the_limit_are_not_forgotten() {
    let bench = Bench::new().await;
    for _ in 0..5 {
        bench.create("ana").await;
    }
    let notes = bench.store.slack();
    for number in 1..=5 {
        notes.thread_put(thread(number, 0)).await.unwrap();
    }
    let mut told = Vec::new();
    while let Some(next) = notes.threads_due(1).await.unwrap().pop() {
        told.push(next.session.number());
        notes.told(next.session, next.head).await.unwrap();
    }
    assert_eq!(told, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_thread_that_comes_wakes_who_waits() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    let notes = bench.store.slack();
    let mut changed = notes.changed();
    notes.thread_put(thread(1, 0)).await.unwrap();
    changed.changed().await.unwrap();
    notes.told(id(1), 1).await.unwrap();
    assert!(!changed.has_changed().unwrap(), "telling it is no news");
}

#[tokio::test]
async fn a_message_is_in_doubt_until_it_was_sent() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    let notes = bench.store.slack();
    notes.thread_put(thread(1, 0)).await.unwrap();
    notes.sending(post(1, "root", Some("ignored"))).await.unwrap();
    assert_eq!(notes.posts(id(1)).await.unwrap(), [post(1, "root", None)]);
    assert_eq!(notes.thread_of(id(1)).await.unwrap().unwrap().root, None);
    notes.sent(post(1, "root", Some("1.0"))).await.unwrap();
    notes.sent(post(1, "note:4", Some("1.1"))).await.unwrap();
    let kept = notes.thread_of(id(1)).await.unwrap().unwrap();
    assert_eq!((kept.root.as_deref(), kept.thread.as_deref()), (Some("1.0"), Some("1.0")));
    assert_eq!(notes.post_at("C1", "1.1").await.unwrap(), Some(post(1, "note:4", Some("1.1"))));
    assert_eq!(notes.post_at("C2", "1.1").await.unwrap(), None);
    notes.sending(post(1, "root", None)).await.unwrap();
    notes.sent(post(1, "root", Some("3.0"))).await.unwrap();
    let anew = notes.thread_of(id(1)).await.unwrap().unwrap();
    assert_eq!((anew.root.as_deref(), anew.thread.as_deref()), (Some("3.0"), Some("3.0")));
    notes.sent(Post { channel: "D1".to_owned(), ..post(1, "root", Some("4.0")) }).await.unwrap();
    let moved = notes.thread_of(id(1)).await.unwrap().unwrap();
    assert_eq!((moved.channel.as_str(), moved.thread.as_deref()), ("D1", Some("4.0")));
    for (channel, thread) in [("C1", "1.0"), ("C1", "3.0"), ("D1", "4.0")] {
        assert_eq!(notes.thread_at(channel, thread).await.unwrap(), [id(1)], "{channel} {thread}");
    }
    assert_eq!(notes.thread_at("C1", "1.1").await.unwrap(), [], "no thread, only a message in one");
}

#[tokio::test]
async fn a_threads_sessions_are_found_the_newest_first() {
    let bench = Bench::new().await;
    let notes = bench.store.slack();
    for number in 1..=3 {
        bench.create("ana").await;
        let at = if number == 2 { "8.0" } else { "9.0" };
        notes.thread_put(Thread { thread: Some(at.to_owned()), ..thread(number, 0) }).await.unwrap();
    }
    assert_eq!(notes.thread_at("C1", "9.0").await.unwrap(), [id(3), id(1)]);
    assert_eq!(notes.thread_at("C2", "9.0").await.unwrap(), []);
}

#[tokio::test]
async fn a_thread_that_was_there_before_stays_its_thread_however_often_its_root_comes_anew() {
    let bench = Bench::new().await;
    bench.create("ana").await;
    let notes = bench.store.slack();
    notes.thread_put(Thread { thread: Some("0.5".to_owned()), ..thread(1, 0) }).await.unwrap();
    for root in ["1.0", "2.0", "2.0"] {
        notes.sent(post(1, "root", Some(root))).await.unwrap();
        assert_eq!(notes.thread_at("C1", "0.5").await.unwrap(), [id(1)]);
        assert_eq!(notes.thread_at("C1", root).await.unwrap(), [], "its root only stands in that thread");
    }
}

#[tokio::test]
async fn the_oldest_delivery_that_is_not_carried_out_says_how_late_we_are() {
    let bench = Bench::new().await;
    let notes = bench.store.slack();
    assert_eq!(notes.oldest_delivery().await.unwrap(), None);
    for (key, ms) in [("b", 200), ("a", 100), ("c", 300)] {
        let received_at = start() + TimeDelta::milliseconds(ms);
        notes.deliver(Delivery { received_at, ..delivery(key) }).await.unwrap();
    }
    for (done, ms) in [("c", 100), ("a", 200)] {
        notes.delivered(done).await.unwrap();
        assert_eq!(notes.oldest_delivery().await.unwrap(), Some(start() + TimeDelta::milliseconds(ms)));
    }
    notes.delivered("b").await.unwrap();
    assert_eq!(notes.oldest_delivery().await.unwrap(), None);
}

#[tokio::test]
async fn a_fact_replaces_the_one_before() {
    let bench = Bench::new().await;
    let notes = bench.store.slack();
    assert_eq!(notes.recall("repo", "user:U1").await.unwrap(), None);
    for value in ["acme/api", "acme/web"] {
        notes.remember("repo", "user:U1", value).await.unwrap();
    }
    notes.remember("repo", "channel:U1", "acme/ops").await.unwrap();
    assert_eq!(notes.recall("repo", "user:U1").await.unwrap().as_deref(), Some("acme/web"));
}
