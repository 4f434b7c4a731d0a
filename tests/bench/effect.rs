//! How long a person waits for what they did: from a click, or from an ask that was committed, until Slack shows what
//! it changed.
//!
//! By the machine's own clock and over the whole way, so that nothing that takes time is left out: the strict Slack of
//! the suites sends the click over a socket, the room as a server runs it takes it in, works it, and tells Slack over
//! HTTP. Fifty sessions live in one channel and go on all the while; there are ten clicks and two asks a minute, as
//! many as the limit is for, and so few in a bench of some minutes that the 99th of a hundred is the slowest of them.
//! That nobody who clicks waits either when a minute's calls are used up is held by the suites, on a clock turned by
//! hand (`tests/it/slack/sender/crowd.rs`): it would take this bench many minutes more to come there.

use std::time::Duration;

use devtask::clock::Clock;
use devtask::domain::SessionId;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::figure;
use super::world::{DEV, World};

const ANA: &str = "U0ANA";
const SESSIONS: usize = 50;
/// Between two clicks; each fifth time somebody is asked.
const PAUSE: Duration = Duration::from_secs(6);
const CLICKS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(90);

pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut waits = runtime.block_on(waits());
    figure::print("slack.effect_p99", figure::quantile(&mut waits, 0.99), "s", "<", 1.5);
}

/// Seconds from each click and each ask to what Slack shows.
async fn waits() -> Vec<f64> {
    let world = World::on(Clock::system()).await;
    let mut ids = Vec::new();
    for n in 0..SESSIONS {
        let id = world.create(ANA, DEV, &format!("Paint door {n}")).await;
        world.runs(id).await;
        ids.push(id);
    }
    let room = world.room();
    let waits = tokio::select! {
        waits = people(&world, &ids) => waits,
        () = agents(&world, &ids) => unreachable!("they never end"),
    };
    room.shutdown().await;
    let calls = world.slack.calls();
    assert_eq!(calls.got_429(), 0, "{:?}", calls.counts);
    waits
}

async fn agents(world: &World, ids: &[SessionId]) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for second in 0.. {
        seconds.tick().await;
        world.bustle(ids, second).await;
    }
}

/// Five sessions are paused, then go on again; now and then one asks.
async fn people(world: &World, ids: &[SessionId]) -> Vec<f64> {
    shown(world, |seen| seen.matches("[Pause]").count() == SESSIONS).await;
    let mut waits = Vec::new();
    let mut pace = interval(PAUSE);
    for (n, id) in ids.iter().take(CLICKS).enumerate() {
        pace.tick().await;
        let pauses = n % 10 < 5;
        let before = paused(&world.sees(DEV));
        let began = Instant::now();
        world.slack.press(ANA, DEV, if pauses { "Pause" } else { "Resume" }).unwrap();
        let after = if pauses { before + 1 } else { before - 1 };
        shown(world, |seen| paused(seen) == after).await;
        waits.push(began.elapsed().as_secs_f64());
        if n % 5 == 2 {
            let ask = format!("Ask {n}");
            let began = Instant::now();
            world.asks(*id, &ask).await;
            shown(world, |seen| seen.contains(&format!("{ask}?"))).await;
            waits.push(began.elapsed().as_secs_f64());
        }
    }
    waits
}

fn paused(seen: &str) -> usize {
    seen.matches("Pausing").count()
}

/// Waits until the channel is like this, looking whenever anything in it has changed.
async fn shown(world: &World, fits: impl Fn(&str) -> bool) {
    let mut versions = world.slack.versions();
    let look = async {
        while !fits(&world.sees(DEV)) {
            versions.changed().await.unwrap();
            versions.mark_unchanged();
        }
    };
    assert!(timeout(PATIENCE, look).await.is_ok(), "never seen:\n{}", world.sees(DEV));
}
