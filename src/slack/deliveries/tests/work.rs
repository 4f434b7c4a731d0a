//! Row, ack, work: once, in time, whatever breaks.

use chrono::TimeDelta;

use super::super::Taken;
use super::*;

fn late(key: &str) -> Called {
    Called::Late(key.to_owned())
}

#[tokio::test]
async fn what_is_acked_is_on_disk_and_then_worked() {
    let bench = Bench::new().await;
    let (taken, then) = bench.deliveries.take(bench.command("a", "go")).await;
    assert_eq!(taken, Taken::Ack(None));
    assert_eq!(bench.open().await, ["command:a"]);
    // While the ack is on its way nobody works it, also not by looking.
    assert_eq!(bench.deliveries.tick().await.unwrap(), 0);
    assert_eq!((bench.desk.called(), bench.deliveries.under_way()), (Vec::new(), 1));
    // From wherever the ack is said.
    std::thread::spawn(move || drop(then)).join().unwrap();
    bench.all_done().await;
    assert_eq!(bench.desk.called(), [worked("command:a")]);
    until("nothing is under way", async || bench.deliveries.under_way() == 0).await;
}

#[tokio::test]
async fn an_ack_says_what_the_desk_knows_at_once() {
    let bench = Bench::new().await;
    let taken = bench.deliveries.take(bench.command("a", "tell")).await.0;
    assert_eq!(taken, Taken::Ack(Some(json!({ "text": "an answer" }))));
    assert_eq!(bench.called(1).await, [worked("command:a")]);
}

#[tokio::test]
async fn a_repeat_is_acked_and_nothing_more() {
    let bench = Bench::new().await;
    let ((one, _), (other, _)) = tokio::join!(
        bench.deliveries.take(bench.command("a", "once")),
        bench.deliveries.take(bench.command("a", "once"))
    );
    assert_eq!((one, other), (Taken::Ack(None), Taken::Ack(None)));
    bench.deliveries.tick().await.unwrap();
    bench.all_done().await;
    bench.clock.turn(TimeDelta::seconds(5));
    assert_eq!(bench.deliveries.take(bench.command("a", "tell")).await.0, Taken::Ack(None));
    bench.deliveries.tick().await.unwrap();
    assert_eq!(bench.desk.called(), [worked("command:a")]);
}

#[tokio::test]
async fn what_is_late_is_not_acked_not_kept_and_the_person_is_told() {
    let bench = Bench::new().await;
    let arrival = bench.command("a", "tell");
    bench.clock.turn(TimeDelta::milliseconds(2001));
    assert_eq!(bench.deliveries.take(arrival).await.0, Taken::DoNotAck);
    assert_eq!(bench.called(1).await, [late("command:a")]);
    assert!(bench.open().await.is_empty());
}

#[tokio::test]
async fn a_late_event_comes_again_and_nobody_is_told() {
    let bench = Bench::new().await;
    let event = |retry| {
        let payload = json!({ "event_id": "Ev1", "event": { "type": "app_uninstalled" } }).to_string();
        Arrival::new("event".to_owned(), "x", payload, retry, bench.clock.now())
    };
    let first = event(0);
    bench.clock.turn(TimeDelta::seconds(3));
    assert_eq!(bench.deliveries.take(first).await.0, Taken::DoNotAck);
    assert_eq!(bench.deliveries.take(event(1)).await.0, Taken::Ack(None));
    assert_eq!(bench.called(1).await, [worked("event:Ev1")]);
}

#[tokio::test]
async fn what_the_desk_does_not_know_in_time_is_not_waited_for() {
    let bench = Bench::new().await;
    let slow = Arrival::new(
        "command".to_owned(),
        "a",
        "slow tell".to_owned(),
        0,
        bench.clock.now() - TimeDelta::milliseconds(1950),
    );
    assert_eq!(bench.deliveries.take(slow).await.0, Taken::Ack(None));
    assert_eq!(bench.deliveries.take(bench.command("b", "bad tell")).await.0, Taken::Ack(None));
    let mut called = bench.called(2).await;
    called.sort_by_key(|c| format!("{c:?}"));
    assert_eq!(called, [worked("command:a"), worked("command:b")]);
}

#[tokio::test]
async fn work_that_panics_or_hangs_is_tried_again_and_then_the_person_is_told() {
    let bench = Bench::new().await;
    drop(bench.deliveries.take(bench.command("a", "panic")).await);
    assert_eq!(bench.called(1).await, [late("command:a")]);
    assert_eq!(bench.desk.tries.load(Ordering::SeqCst), 3);
    bench.all_done().await;
    let times = Times { one_try: Duration::from_millis(5), pauses: [Duration::ZERO; 2] };
    let work = Arc::clone(&bench.desk) as Arc<dyn Work>;
    let hasty = Deliveries::with(bench.notes.clone(), work, bench.clock.clone(), times);
    drop(hasty.take(bench.command("b", "hang")).await);
    assert_eq!(bench.called(2).await.last(), Some(&late("command:b")));
    bench.all_done().await;
}

#[tokio::test]
async fn a_start_works_what_a_crash_left() {
    let bench = Bench::new().await;
    for name in ["a", "b"] {
        bench.notes.deliver(bench.command(name, "left").delivery).await.unwrap();
    }
    bench.clock.turn(TimeDelta::days(3));
    bench.deliveries.start();
    bench.all_done().await;
    let mut called = bench.desk.called();
    called.sort_by_key(|c| format!("{c:?}"));
    assert_eq!(called, [worked("command:a"), worked("command:b")]);
    bench.deliveries.shutdown().await;
}

#[tokio::test]
async fn a_look_leaves_alone_what_is_under_way() {
    let bench = Bench::new().await;
    drop(bench.deliveries.take(bench.command("a", "hold")).await);
    assert_eq!(bench.deliveries.tick().await.unwrap(), 0);
    bench.desk.gate.add_permits(1);
    bench.all_done().await;
    assert_eq!(bench.desk.called().len(), 1);
}

#[tokio::test]
async fn the_pool_is_bounded_and_what_found_no_room_is_worked_from_disk() {
    let bench = Bench::new().await;
    bench.deliveries.start();
    for n in 0..150 {
        assert_eq!(bench.deliveries.take(bench.command(&n.to_string(), "hold")).await.0, Taken::Ack(None));
    }
    assert!(bench.deliveries.under_way() <= 128, "{} are in memory", bench.deliveries.under_way());
    bench.desk.gate.add_permits(150);
    bench.all_done().await;
    let mut keys: Vec<_> = bench.desk.called().iter().map(|c| format!("{c:?}")).collect();
    keys.sort();
    keys.dedup();
    assert_eq!((keys.len(), bench.desk.called().len()), (150, 150), "each once");
    assert!(bench.desk.most.load(Ordering::SeqCst) <= 32);
    bench.deliveries.shutdown().await;
}

#[tokio::test]
async fn what_is_not_on_disk_is_not_acked() {
    let bench = Bench::new().await;
    bench.store.close().await;
    assert_eq!(bench.deliveries.take(bench.command("a", "tell")).await.0, Taken::DoNotAck);
    assert!(bench.desk.called().is_empty());
}

#[tokio::test]
async fn a_shutdown_ends_what_is_under_way_and_leaves_the_rest_on_disk() {
    let bench = Bench::new().await;
    for n in 0..40 {
        drop(bench.deliveries.take(bench.command(&n.to_string(), "hold")).await);
    }
    until("the pool is full", async || bench.desk.now.load(Ordering::SeqCst) == 32).await;
    let (deliveries, desk) = (bench.deliveries.clone(), Arc::clone(&bench.desk));
    let ending = tokio::spawn(async move { deliveries.shutdown().await });
    until("it is closed", async || bench.deliveries.0.pool.is_closed()).await;
    desk.gate.add_permits(40);
    ending.await.unwrap();
    assert_eq!(bench.deliveries.take(bench.command("after", "")).await.0, Taken::DoNotAck);
    assert_eq!((bench.desk.called().len(), bench.open().await.len()), (32, 8));
    let next = put_together(&bench.notes, &bench.desk, &bench.clock);
    next.start();
    bench.all_done().await;
    assert_eq!(bench.desk.called().len(), 40);
    next.shutdown().await;
}
