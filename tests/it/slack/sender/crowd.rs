//! Fifty sessions in one channel: Slack never says "too often", and who clicks or is asked does not wait for the rest.

use devtask::domain::session::Input;

use super::world::{DEV, World, person};
use crate::figures;

const SESSIONS: usize = 50;
/// Long enough that all roots fall due at once for the steps on the way, and the minute's calls are used up.
const SECONDS: usize = 400;

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
        world.bustle(&ids, second).await;
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
    figures::none("slack.got_429", calls.got_429());
    figures::at_most("slack.updates_per_min", calls.busiest_minute("chat.update") as u64, 50);
}
