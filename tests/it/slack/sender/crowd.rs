//! Fifty sessions in one channel: Slack never says "too often", and who clicks or is asked does not wait for the rest.

use devtask::clock::Time;
use devtask::domain::report::{Phase, Report};
use devtask::domain::session::Input;

use super::world::{DEV, World, person};

const SESSIONS: usize = 50;
const SECONDS: usize = 150;

/// The most calls of a method that any minute saw.
fn most_in_a_minute(mut at: Vec<Time>) -> usize {
    at.sort();
    let minute = chrono::TimeDelta::minutes(1);
    let within = |(i, from): (usize, &Time)| at[i..].iter().take_while(|t| **t < *from + minute).count();
    at.iter().enumerate().map(within).max().unwrap_or(0)
}

#[tokio::test]
async fn fifty_live_sessions_stay_within_slacks_limits() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for n in 0..SESSIONS {
        let id = world.create("U0ANA", DEV, &format!("Paint door {n}")).await;
        world.runs(id).await;
        ids.push(id);
    }
    // One post a second: the roots take their time.
    world.pass(60).await;
    assert_eq!(world.count("chat.postMessage").ok, 50);
    for second in 0..SECONDS {
        for (n, id) in ids.iter().enumerate().filter(|(n, _)| (n + second) % 5 == 0) {
            let phase = if (n + second) % 2 == 0 { Phase::Execute } else { Phase::Validate };
            world.reports(*id, vec![Report::Phase { phase }, Report::Message { text: "on it".into() }]).await;
        }
        // Ten clicks and two asks a minute.
        if second % 6 == 0 {
            let (id, by) = (ids[second % SESSIONS], person("U0ANA"));
            let paused = world.store.row(id).await.unwrap().unwrap().session.holds.len() == 1;
            let input = if paused { Input::Resume { by } } else { Input::Pause { by, reason: None } };
            world.say(id, input).await;
            let before = world.count("chat.update").ok;
            world.sender.nudge(id);
            world.tick().await;
            assert!(world.count("chat.update").ok > before, "the click at {second} s waits");
        }
        if second % 30 == 7 {
            let before = world.count("chat.postMessage").ok;
            world.asks(ids[(second + 3) % SESSIONS], &format!("Ask {second}")).await;
            world.pass(1).await;
            assert_eq!(world.count("chat.postMessage").ok, before + 1, "the ask at {second} s waits");
        } else {
            world.pass(1).await;
        }
    }
    let calls = world.slack.calls();
    let updates =
        calls.calls.iter().filter(|call| call.method == "chat.update").map(|call| call.at).collect();
    assert!(most_in_a_minute(updates) <= 50);
    for (method, count) in &calls.counts {
        assert_eq!(count.got_429, 0, "{method}");
    }
}
