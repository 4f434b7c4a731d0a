//! What a person reads in the channel and in the thread.

use devtask::domain::lease::Input as Step;
use devtask::domain::report::{Phase, Report};
use devtask::domain::session::Input;
use devtask::workbench::slack::Act;
use insta::assert_snapshot;

use super::world::{DEV, World, person};
use crate::figures;

#[tokio::test]
async fn a_session_is_told_from_its_start_to_its_end() {
    let world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.tick().await;
    world.runs(id).await;
    world.asks(id, "Blue").await;
    world.pass(12).await;
    world.answers(id, "Blue", "U0BO").await;
    world.pass(3).await;
    world.finishes(id).await;
    world.pass(15).await;
    assert_snapshot!(world.sees(DEV));
    assert_eq!((world.count("chat.postMessage").calls, world.count("chat.update").calls), (3, 3));
    assert_eq!(world.sender.behind(), devtask::slack::sender::Behind::default());
}

#[tokio::test]
async fn what_the_provider_says_of_a_node_is_told_once_in_the_thread() {
    let world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.has_node(id).await;
    world.runs(id).await;
    world.tick().await;
    let notice = "It was stopped: it had been running for 12 hours".to_owned();
    world.node(id, Step::Noticed { notice }).await;
    world.pass(3).await;
    world.node(id, Step::Stumbled { cause: "it is busy".into(), not_before: world.clock.now() }).await;
    world.pass(15).await;
    assert_snapshot!(world.sees(DEV));
}

#[tokio::test]
async fn what_a_click_does_is_seen_at_once() {
    let world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.runs(id).await;
    world.tick().await;
    world.say(id, Input::Pause { by: person("U0ANA"), reason: None }).await;
    world.tick().await;
    assert_eq!(world.count("chat.update").ok, 0);
    world.sender.nudge(id);
    world.tick().await;
    assert_eq!(world.count("chat.update").ok, 1);
    assert!(world.sees(DEV).contains("Pausing"), "{}", world.sees(DEV));
}

#[tokio::test]
async fn five_hundred_events_and_two_asks_take_at_most_twelve_writes() {
    let world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.tick().await;
    world.runs(id).await;
    // Ten minutes of fifty steps; it goes to its checks and back, and whoever is asked takes half a minute.
    for minute in 0..10 {
        let step =
            |n| Report::Tool { id: format!("t{minute}-{n}"), tool: "Edit".into(), summary: "a door".into() };
        let phase = if minute % 4 == 0 { Phase::Validate } else { Phase::Execute };
        world.reports(id, [Report::Phase { phase }].into_iter().chain((0..50).map(step)).collect()).await;
        world.pass(20).await;
        if minute == 3 || minute == 7 {
            let ask = format!("Ask {minute}");
            world.asks(id, &ask).await;
            world.pass(30).await;
            world.answers(id, &ask, "U0ANA").await;
            world.sender.nudge(id);
        }
        world.pass(40).await;
    }
    world.finishes(id).await;
    world.pass(30).await;
    assert!(world.store.row(id).await.unwrap().unwrap().session.head >= 500);
    assert_eq!(world.count("chat.postMessage").calls, 4);
    let writes = world.count("chat.postMessage").calls + world.count("chat.update").calls;
    figures::at_most("slack.writes_per_session", writes, 12);
}

#[tokio::test]
async fn the_session_that_was_told_all_is_read_no_more() {
    let mut world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.runs(id).await;
    world.finishes(id).await;
    world.pass(12).await;
    let thread = world.store.slack().thread_of(id).await.unwrap().unwrap();
    assert_eq!(thread.cursor, thread.head);
    assert!(world.store.slack().threads_due(10).await.unwrap().is_empty());
    let before = world.slack.calls().total;
    world.restart();
    world.pass(12).await;
    assert_eq!(world.slack.calls().total, before);
}

#[tokio::test]
async fn a_private_channel_without_us_sends_us_to_the_owner() {
    let world = World::new().await;
    let id = world.create("U0ANA", "C0QUIET", "Paint the door").await;
    world.runs(id).await;
    world.asks(id, "Blue").await;
    world.pass(5).await;
    let thread = world.store.slack().thread_of(id).await.unwrap().unwrap();
    assert!(thread.channel.starts_with('D'), "{thread:?}");
    assert_eq!(thread.root, thread.thread);
    assert_snapshot!(world.sees(&thread.channel));
    let at = world.store.slack().thread_at(&thread.channel, &thread.root.unwrap()).await.unwrap();
    assert_eq!(at, [id]);
}

#[tokio::test]
async fn a_root_that_was_deleted_is_posted_anew_and_an_ask_is_not() {
    let world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.runs(id).await;
    world.asks(id, "Blue").await;
    world.pass(2).await;
    let old = world.store.slack().thread_of(id).await.unwrap().unwrap().thread.unwrap();
    let posts = world.store.slack().posts(id).await.unwrap();
    for post in &posts {
        world.web.delete(DEV, post.ts.as_deref().unwrap()).await.unwrap();
    }
    world.answers(id, "Blue", "U0ANA").await;
    world.pass(15).await;
    assert_eq!(world.count("chat.postMessage").ok, 3);
    let seen = world.sees(DEV);
    assert!(seen.contains("dt-1") && !seen.contains("Blue?"), "{seen}");
    world.finishes(id).await;
    world.pass(15).await;
    let thread = world.store.slack().thread_of(id).await.unwrap().unwrap();
    assert_ne!(thread.thread.as_ref(), Some(&old));
    for place in [old, thread.thread.unwrap()] {
        assert_eq!(world.store.slack().thread_at(DEV, &place).await.unwrap(), [id], "whatever is said there");
    }
    let seen = world.slack.thread(DEV, &thread.root.unwrap()).unwrap();
    assert!(seen.contains("Nothing had to be changed"), "{seen}");
}

#[tokio::test]
async fn a_root_that_was_deleted_before_anything_was_said_begins_a_new_thread() {
    let world = World::new().await;
    let id = world.create("U0ANA", DEV, "Paint the door").await;
    world.runs(id).await;
    world.tick().await;
    let thread = world.store.slack().thread_of(id).await.unwrap().unwrap();
    world.web.delete(DEV, thread.root.as_deref().unwrap()).await.unwrap();
    world.asks(id, "Blue").await;
    world.pass(10).await;
    let anew = world.store.slack().thread_of(id).await.unwrap().unwrap();
    assert!(anew.root != thread.root && anew.thread == anew.root, "{anew:?}");
    let seen = world.slack.thread(DEV, &anew.root.unwrap()).unwrap();
    assert!(seen.contains("Paint the door") && seen.contains("Blue?"), "{seen}");
}

#[tokio::test]
async fn a_session_asked_for_in_a_thread_is_told_there() {
    let world = World::new().await;
    let (here, gone) = (said(&world, "Who paints?"), said(&world, "Who sings?"));
    let id = world.create_in("U0ANA", DEV, Some(&here), "Paint the door").await;
    let lost = world.create_in("U0ANA", DEV, Some(&gone), "Sing a song").await;
    world.slack.act("U0ANA", Act::Delete { channel: DEV.into(), ts: gone }).unwrap();
    world.runs(id).await;
    world.asks(id, "Blue").await;
    world.pass(5).await;
    let seen = world.slack.thread(DEV, &here).unwrap();
    assert!(seen.contains("Paint the door") && seen.contains("Blue?"), "{seen}");
    let moved = world.store.slack().thread_of(lost).await.unwrap().unwrap();
    assert!(moved.channel.starts_with('D') && moved.thread == moved.root, "{moved:?}");
}

fn said(world: &World, text: &str) -> String {
    world.slack.say("U0ANA", DEV, text, None).unwrap().ts.unwrap()
}
