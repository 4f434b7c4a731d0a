//! The sender as it runs: nobody ticks it, and the clock is the machine's.

use std::time::{Duration, Instant};

use devtask::clock::Clock;
use devtask::domain::session::Input;
use devtask::workbench::slack::{Fault, What};

use super::world::{DEV, World, person};

/// How long it took until the channel shows this.
async fn seen(world: &World, what: &str) -> Duration {
    let began = Instant::now();
    while !world.sees(DEV).contains(what) {
        assert!(began.elapsed() < Duration::from_secs(20), "never saw `{what}`:\n{}", world.sees(DEV));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

async fn until(what: &str, is: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is().await {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_by_itself_until_it_is_shut_down() {
    let mut world = World::on(Clock::system()).await;
    world.start();
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    seen(&world, "Paint the door").await;
    world.runs(id).await;
    world.asks(id, "Blue").await;
    seen(&world, "Blue?").await;
    world.say(id, Input::Pause { by: person("U0ANA"), reason: None }).await;
    world.sender.nudge(id);
    let effect = seen(&world, "Pausing").await;
    assert!(effect < Duration::from_secs(5), "the window is ten seconds, and this took {effect:?}");
    world.sender.shutdown().await;
    let calls = world.slack.calls().total;
    world.answers(id, "Blue", "U0ANA").await;
    world.sender.nudge(id);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.slack.calls().total, calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_holds_up_no_other_thread() {
    let mut world = World::on(Clock::system()).await;
    world.start();
    world.slack.fault(Fault::call("chat.postMessage", What::Hang));
    world.create("U0ANA", DEV, "Paint the wall").await;
    while world.count("chat.postMessage").calls == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.create("U0ANA", DEV, "Paint the door").await;
    let took = seen(&world, "Paint the door").await;
    assert!(took < Duration::from_secs(8), "it waited for the other: {took:?}");
    assert!(!world.sees(DEV).contains("Paint the wall"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_is_taken_in_worked_and_shown_by_the_room_as_a_server_runs_it() {
    let world = World::on(Clock::system()).await;
    let room = world.room();
    until("a socket stands", async || world.slack.connections().0 > 0).await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.runs(id).await;
    seen(&world, "[Pause]").await;
    world.slack.press("U0ANA", DEV, "Pause").unwrap();
    seen(&world, "Pausing").await;
    until("nothing waits", async || world.store.slack().oldest_delivery().await.unwrap().is_none()).await;
    let health = room.health().await;
    assert!(health.well && health.detail.contains("sockets stand"), "{health:?}");
    room.shutdown().await;
}
