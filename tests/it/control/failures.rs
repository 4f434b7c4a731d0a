//! What goes wrong on nodes and links: tried again while it helps, then told with its cause.

use chrono::TimeDelta;
use devtask::domain::lease::State;
use devtask::domain::session::Status;
use devtask::node::NodeError;
use devtask::wire::api::{Act, Control};
use devtask::wire::link::Level;

use super::world::{World, finished, message, settings};

/// Lets `seconds` pass in steps, ticking.
async fn pass(world: &World, seconds: i64) {
    for _ in 0..seconds.div_euclid(20).max(1) {
        world.turn(20.min(seconds));
        world.settle().await;
    }
}

#[tokio::test]
async fn a_lost_node_is_tried_again_until_the_retries_are_used_up() {
    let mut settings = settings();
    settings.limits.max_retries = 1;
    let world = World::with(settings).await;
    let first = world.running().await;
    first.say(message("alive"));
    world.until_so("acked", || first.acked() == 1).await;
    world.nodes.vanish(1);
    world.until_status(1, Status::Queued).await;
    pass(&world, 20).await;
    world.until_status(1, Status::Running).await;
    assert_eq!(world.nodes.calls(), ["ensure 1-1", "ensure 1-2"], "a new node, not the old one");
    world.nodes.vanish(1);
    world.until_status(1, Status::Failed).await;
    assert_eq!(world.show(1).await.failure.as_deref(), Some("its node is gone"));
}

#[tokio::test]
async fn a_node_that_stops_by_itself_is_started_again() {
    let world = World::new().await;
    let supervisor = world.running().await;
    world.nodes.stop_by_itself(1);
    world.settle().await;
    pass(&world, 20).await;
    world.until_so("started", || world.nodes.calls().contains(&"start".to_owned())).await;
    pass(&world, 20).await;
    world.until_so("attached again", || supervisor.attaches() == 2).await;
    let session = world.row(1).await.session;
    assert_eq!((session.status, session.attempt.0), (Status::Running, 1), "never failed");
}

#[tokio::test]
async fn errors_of_a_provider_are_sorted() {
    let world = World::new().await;
    let transient = NodeError::Transient { why: "busy".into(), retry_after: None };
    world.nodes.fail_ensure(transient);
    world.nodes.fail_ensure(NodeError::Ambiguous("no answer".into()));
    world.create("one").await.unwrap();
    world.settle().await;
    pass(&world, 60).await;
    world.until_status(1, Status::Running).await;
    assert_eq!(
        world.nodes.calls(),
        ["ensure 1-1", "ensure 1-1"],
        "the ambiguous one was found, not made again"
    );

    world.nodes.fail_ensure(NodeError::Permanent("this machine has no bubblewrap".into()));
    world.create("two").await.unwrap();
    world.until_status(2, Status::Failed).await;
    assert_eq!(world.show(2).await.failure.as_deref(), Some("this machine has no bubblewrap"));

    let until = world.clock.now() + TimeDelta::hours(1);
    world.nodes.fail_ensure(NodeError::Quota {
        scope: "ana".into(),
        until: Some(until),
        why: "ten of ten".into(),
    });
    world.create("three").await.unwrap();
    world
        .until(3, "waits for quota", |r| r.session.queued.as_ref().is_some_and(|q| q.not_before.is_some()))
        .await;
    assert_eq!(world.row(3).await.session.retries, 0, "a quota is no failure");
    world.turn(3700);
    world.until_status(3, Status::Running).await;
}

#[tokio::test]
async fn a_node_that_does_not_come_up_in_time_is_lost_with_its_reason() {
    let mut settings = settings();
    settings.limits.max_retries = 0;
    let world = World::with(settings).await;
    for _ in 0..100 {
        world.nodes.fail_ensure(NodeError::Transient { why: "no capacity".into(), retry_after: None });
    }
    world.create("one").await.unwrap();
    pass(&world, 620).await;
    world.until_status(1, Status::Failed).await;
    insta::assert_snapshot!(world.show(1).await.failure.unwrap(), @"its node did not come up in time: the node did not answer: no capacity");
}

#[tokio::test]
async fn a_supervisor_that_cannot_be_started_is_given_up() {
    let mut settings = settings();
    settings.limits.max_retries = 0;
    let world = World::with(settings).await;
    world.nodes.refuse_starts(1_000);
    world.create("one").await.unwrap();
    pass(&world, 200).await;
    world.until_status(1, Status::Failed).await;
    insta::assert_snapshot!(world.show(1).await.failure.unwrap(), @"its supervisor could not be started: exit code 1: no room");
    assert_eq!(world.nodes.names().len(), 1, "what was never swept is never deleted");
    world.nodes.refuse_starts(0);
    pass(&world, 60).await;
    world.until_so("swept and released", || world.nodes.names().is_empty()).await;
}

#[tokio::test]
async fn an_attempt_that_does_not_stop_in_time_is_fenced_and_swept_before_the_next() {
    let world = World::new().await;
    let supervisor = world.running().await;
    supervisor.disobey();
    let ana = super::world::ana();
    world.local.act(&ana, super::world::id(1), Act::Pause { reason: None }, None).await.unwrap();
    world.until_so("draining", || supervisor.levels().last() == Some(&Level::Drain)).await;
    world.turn(61);
    world.until_status(1, Status::Paused).await;
    supervisor.say(message("a ghost"));
    world.until_so("told to stop", || supervisor.levels().last() == Some(&Level::Stop)).await;
    world.local.act(&ana, super::world::id(1), Act::Resume, None).await.unwrap();
    world.until_status(1, Status::Provisioning).await;
    world.settle().await;
    assert_eq!(world.supervisor(1).run().attempt.0, 1, "nobody new beside the old one");
    supervisor.end(finished());
    world.until_status(1, Status::Running).await;
    assert_eq!(world.supervisor(1).run().attempt.0, 2);
    assert!(world.markers(1).await.is_empty(), "ghosts are not heard");
    assert!(world.forge.pulls().is_empty());
}

#[tokio::test]
async fn a_replaced_attempt_is_swept_over_a_new_link_though_nobody_knows_what_was_kept_of_it() {
    let world = World::new().await;
    let supervisor = world.running().await;
    supervisor.disobey();
    supervisor.say(message("kept"));
    world.until_so("acked", || supervisor.acked() == 1).await;
    let ana = super::world::ana();
    world.local.act(&ana, super::world::id(1), Act::Pause { reason: None }, None).await.unwrap();
    world.turn(61);
    world.until_status(1, Status::Paused).await;
    world.nodes.unreachable(true);
    supervisor.cut();
    world.local.act(&ana, super::world::id(1), Act::Resume, None).await.unwrap();
    world.until_status(1, Status::Provisioning).await;
    world.settle().await;
    world.nodes.unreachable(false);
    supervisor.say(message("a ghost"));
    pass(&world, 40).await;
    world.until_so("attached again", || supervisor.attaches() == 2).await;
    supervisor.end(finished());
    world.until_status(1, Status::Running).await;
    assert_eq!(world.supervisor(1).run().attempt.0, 2);
    assert_eq!(world.markers(1).await, ["kept"]);
}

#[tokio::test]
async fn a_supervisor_that_breaks_the_protocol_is_not_tried_again() {
    let world = World::new().await;
    let supervisor = world.running().await;
    supervisor.lie_about_length();
    supervisor.say_raw(message("huge"), Some(b"small".to_vec()));
    world.until_status(1, Status::Failed).await;
    insta::assert_snapshot!(world.show(1).await.failure.unwrap(), @"its supervisor sent a record of 73400320 bytes; 64 MiB is the limit");
    assert!(world.markers(1).await.is_empty());
}

#[tokio::test]
async fn an_agent_that_is_not_configured_any_more_fails_and_frees_its_node() {
    let mut world = World::new().await;
    world.nodes.unreachable(true);
    world.create("one").await.unwrap();
    world.until(1, "ready", |r| r.lease.as_ref().is_some_and(|l| l.state == State::Ready)).await;
    world.change(|settings| {
        let mut agents = std::mem::take(&mut settings.agents);
        let scripted = agents.remove("scripted").unwrap();
        agents.insert("other".into(), scripted);
        settings.agents = agents;
        settings.agent = "other".into();
    });
    world.restart().await;
    world.nodes.unreachable(false);
    world.until_status(1, Status::Failed).await;
    assert_eq!(
        world.show(1).await.failure.as_deref(),
        Some("the agent `scripted` is not configured any more")
    );
    world.until_so("released", || world.nodes.names().is_empty()).await;
}
