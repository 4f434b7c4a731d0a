//! Slack limits, breaks and forgets; the process dies. Nothing is said twice and nothing is left out.

use chrono::TimeDelta;
use devtask::domain::session::Input;
use devtask::slack::names::Place;
use devtask::slack::render::Post as Message;
use devtask::store::slack::Post;
use devtask::workbench::slack::{Fault, What};

use super::world::{DEV, World, person};

const POST: &str = "chat.postMessage";

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_found_and_not_repeated() {
    for dies in [false, true] {
        let mut world = World::new().await;
        let id = world.create("U0ANA", DEV, "Paint the door").await;
        world.slack.fault(Fault::after(POST, What::Drop));
        world.tick().await;
        assert_eq!(world.store.slack().posts(id).await.unwrap()[0].ts, None);
        if dies {
            world.restart();
        }
        world.pass(9).await;
        assert_eq!((world.count(POST).calls, world.count("conversations.history").calls), (1, 0));
        world.pass(1).await;
        assert_eq!((world.count(POST).calls, world.count("conversations.history").calls), (1, 1));
        let thread = world.store.slack().thread_of(id).await.unwrap().unwrap();
        assert!(thread.root.is_some() && thread.thread == thread.root, "{thread:?}");
    }
}

#[tokio::test]
async fn a_post_that_never_arrived_is_posted_after_a_look() {
    let world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.runs(id).await;
    world.tick().await;
    world.asks(id, "Blue").await;
    world.slack.fault(Fault::call(POST, What::Drop));
    world.pass(12).await;
    assert_eq!((world.count(POST).calls, world.count("conversations.replies").calls), (3, 1));
    assert_eq!(world.sees(DEV).matches("Blue?").count(), 1, "{}", world.sees(DEV));
}

#[tokio::test]
async fn of_two_that_were_posted_the_newer_goes() {
    let world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    let (place, text) =
        (Place { channel: DEV.into(), thread: None }, Message { text: "twice".into(), blocks: vec![] });
    world.web.join(DEV).await.unwrap();
    let row = Post {
        session: id,
        slot: "root".into(),
        channel: DEV.into(),
        ts: None,
        hash: None,
        at: world.clock.now(),
    };
    world.store.slack().sending(row).await.unwrap();
    let first = world.web.post(&place, &text, &format!("{id}/root")).await.unwrap();
    world.web.post(&place, &text, &format!("{id}/root")).await.unwrap();
    world.pass(11).await;
    assert_eq!(world.count("chat.delete").ok, 1);
    let thread = world.store.slack().thread_of(id).await.unwrap().unwrap();
    assert_eq!(thread.root, Some(first));
    world.pass(61).await;
    assert!(!world.sees(DEV).contains("twice"), "{}", world.sees(DEV));
}

#[tokio::test]
async fn slack_is_left_alone_for_exactly_as_long_as_it_asks() {
    let world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.runs(id).await;
    world.tick().await;
    world.asks(id, "Blue").await;
    world.slack.fault(Fault::call(POST, What::RateLimited { seconds: 7 }));
    world.slack.turn(TimeDelta::seconds(1));
    let due = world.tick().await;
    assert_eq!(due, Some(world.clock.now() + TimeDelta::seconds(7)));
    assert_eq!(world.count(POST).calls, 2);
    world.slack.turn(TimeDelta::milliseconds(6_999));
    world.tick().await;
    assert_eq!(world.count(POST).calls, 2);
    world.slack.turn(TimeDelta::milliseconds(1));
    world.tick().await;
    assert_eq!((world.count(POST).calls, world.count(POST).ok), (3, 2));
}

#[tokio::test]
async fn one_thread_that_fails_does_not_stop_the_others() {
    let world = World::new().await;
    // Nobody in Slack owns it, and its channel is none.
    let lost = world.create("no such person", "C0NOWHERE", "Paint the wall").await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.runs(lost).await;
    world.runs(id).await;
    world.asks(id, "Blue").await;
    world.pass(3).await;
    assert!(world.sees(DEV).contains("Blue?"), "{}", world.sees(DEV));
    assert_eq!(world.sender.behind().failing, 1);
    let calls = world.slack.calls().total;
    world.pass(120).await;
    assert!(world.slack.calls().total < calls + 10, "it asks again and again");
    world.say(lost, Input::Cancel { by: person("U0ANA"), reason: None }).await;
    world.pass(2).await;
    let due = world.store.slack().threads_due(10).await.unwrap();
    assert!(due.iter().all(|thread| thread.session != lost), "nobody will ever be told");
}

#[tokio::test]
async fn a_message_slack_does_not_take_is_said_plainly() {
    let world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.runs(id).await;
    world.tick().await;
    world.asks(id, "Blue").await;
    world.slack.fault(Fault::call(POST, What::Error { error: "invalid_blocks".into() }));
    world.pass(2).await;
    assert_eq!(world.count(POST).ok, 2);
    assert!(world.sees(DEV).contains("Blue?"), "{}", world.sees(DEV));
}

#[tokio::test]
async fn slack_is_down_for_a_while_and_everything_is_told_in_the_end() {
    let mut world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.runs(id).await;
    let down =
        || Fault::Call { method: "*".into(), times: 200, fault: What::Status { status: 503 }, after: false };
    world.slack.fault(down());
    world.asks(id, "Blue").await;
    world.pass(40).await;
    world.answers(id, "Blue", "U0ANA").await;
    world.restart();
    world.pass(40).await;
    world.slack.clear_faults();
    world.finishes(id).await;
    world.pass(150).await;
    let seen = world.sees(DEV);
    assert_eq!(seen.matches("Blue?").count(), 1, "{seen}");
    assert!(seen.contains("Answered") && seen.contains("is done"), "{seen}");
    assert_eq!(world.count(POST).ok, 3);
}
