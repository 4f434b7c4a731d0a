//! How sessions end: pull requests that are refused, grace times, forgotten sessions.

use devtask::control::forge::ForgeError;
use devtask::domain::lease::State;
use devtask::domain::report::Report;
use devtask::domain::session::Status;
use devtask::wire::api::{Act, Control};
use devtask::wire::link::Level;

use super::log::Log;
use super::world::{World, ana, finished, id};

#[tokio::test]
async fn a_pull_request_is_tried_again_where_that_helps() {
    let world = World::new().await;
    world.forge.fail(ForgeError::Transient { why: "GitHub answered 502".into(), until: None });
    world.running().await.end(finished());
    world.until(1, "one try", |r| r.session.publish.tries == 1).await;
    world.settle().await;
    assert_eq!(world.forge.asked(), 1, "not before its time");
    world.turn(10);
    world.until_status(1, Status::Done).await;
    assert_eq!(world.forge.pulls().len(), 1);
}

#[tokio::test]
async fn a_pull_request_that_is_refused_for_good_fails_with_the_reason() {
    let world = World::new().await;
    world.forge.fail(ForgeError::Permanent("the token may not open pull requests in `acme/shop`".into()));
    world.running().await.end(finished());
    world.until_status(1, Status::Failed).await;
    insta::assert_snapshot!(world.show(1).await.failure.unwrap(), @"the token may not open pull requests in `acme/shop`");
    assert_eq!(world.forge.asked(), 1);
}

#[tokio::test]
async fn no_pull_request_is_created_after_a_cancel_commits() {
    let world = World::new().await;
    world.forge.hold();
    world.running().await.end(finished());
    world.until_so("asked", || world.forge.waits()).await;
    world.local.act(&ana(), id(1), Act::Cancel { reason: None }, None).await.unwrap();
    world.forge.go();
    world.until(1, "released", |r| r.lease.as_ref().is_some_and(|l| l.is_gone())).await;
    world.settle().await;
    assert!(world.forge.pulls().is_empty());
    assert_eq!(world.status(1).await, Status::Cancelled);
}

#[tokio::test]
async fn a_pull_request_under_way_at_a_cancel_is_told_to_the_operator_and_linked_by_a_rerun() {
    let (world, log) = (World::new().await, Log::listen());
    world.forge.hold_late();
    world.running().await.end(finished());
    world.until_so("under way", || world.forge.waits()).await;
    world.local.act(&ana(), id(1), Act::Cancel { reason: None }, None).await.unwrap();
    let cancelled = world.row(1).await.session;
    world.forge.go();
    world.until(1, "released", |r| r.lease.as_ref().is_some_and(|l| l.is_gone())).await;
    world.until_so("told", || !log.lines("pull.url").is_empty()).await;
    insta::assert_snapshot!(log.lines("pull.url").join("\n"), @"WARN a pull request stands open whose session was cancelled meanwhile session.id=dt-1 pull.url=https://forge.test/acme/shop/pull/1");
    assert_eq!(world.row(1).await.session, cancelled, "what is settled is not touched");
    assert_eq!(world.forge.pulls().len(), 1);

    world.local.act(&ana(), id(1), Act::Rerun, None).await.unwrap();
    world.until_status(1, Status::Running).await;
    world.supervisor(1).end(finished());
    world.until_status(1, Status::Done).await;
    let linked = world.show(1).await.pull_request.unwrap();
    assert_eq!((linked.number, linked.adopted, world.forge.pulls().len()), (1, true, 1));
}

#[tokio::test]
async fn a_done_session_keeps_its_node_for_a_grace_time() {
    let world = World::new().await;
    world.running().await.end(finished());
    world.until_status(1, Status::Done).await;
    world.turn(3_590);
    world.settle().await;
    assert_eq!(world.nodes.names().len(), 1);
    world.turn(20);
    world.until(1, "released", |r| r.lease.as_ref().is_some_and(|l| l.is_gone())).await;
    assert!(world.nodes.names().is_empty());
}

#[tokio::test]
async fn a_session_paused_for_two_weeks_is_cancelled_and_its_node_goes() {
    let world = World::new().await;
    world.nodes.can_suspend();
    let supervisor = world.running().await;
    world.local.act(&ana(), id(1), Act::Pause { reason: None }, None).await.unwrap();
    world.until_so("stopped", || world.nodes.calls().contains(&"stop".to_owned())).await;
    assert_eq!(supervisor.levels()[..2], [Level::Run, Level::Drain]);
    world.turn(14 * 24 * 3600 + 1);
    world.until_status(1, Status::Cancelled).await;
    world.until(1, "released", |r| r.lease.as_ref().is_some_and(|l| l.is_gone())).await;
}

#[tokio::test]
async fn a_suspended_node_is_started_for_the_next_attempt() {
    let world = World::new().await;
    world.nodes.can_suspend();
    world.running().await;
    world.local.act(&ana(), id(1), Act::Pause { reason: None }, None).await.unwrap();
    world.until_so("stopped", || world.nodes.calls().contains(&"stop".to_owned())).await;
    world.local.act(&ana(), id(1), Act::Resume, None).await.unwrap();
    world.turn(5);
    world.settle().await;
    world.turn(5);
    world.until_status(1, Status::Running).await;
    assert_eq!(world.nodes.names().len(), 1);
    assert_eq!(world.supervisor(1).run().attempt.0, 2);
}

#[tokio::test]
async fn a_stop_that_failed_is_tried_again() {
    let world = World::new().await;
    world.nodes.can_suspend();
    world.nodes.refuse_stops(2);
    world.running().await;
    world.local.act(&ana(), id(1), Act::Pause { reason: None }, None).await.unwrap();
    world.until_status(1, Status::Paused).await;
    for _ in 0..3 {
        world.settle().await;
        world.turn(10);
    }
    world.until(1, "suspended", |r| r.lease.as_ref().is_some_and(|l| l.state == State::Suspended)).await;
    assert_eq!(world.nodes.calls().iter().filter(|c| *c == "stop").count(), 3);
}

#[tokio::test]
async fn a_pause_before_the_pull_request_holds_it_back() {
    let world = World::new().await;
    world.forge.fail(ForgeError::Transient { why: "GitHub answered 502".into(), until: None });
    let supervisor = world.running().await;
    supervisor.say(Report::CommandConsumed { c: 1 });
    supervisor.end(finished());
    world.until(1, "one try", |r| r.session.publish.tries == 1).await;
    world.local.act(&ana(), id(1), Act::Pause { reason: None }, None).await.unwrap();
    world.turn(600);
    world.settle().await;
    assert_eq!((world.status(1).await, world.forge.asked()), (Status::Paused, 1));
    world.local.act(&ana(), id(1), Act::Resume, None).await.unwrap();
    world.until_status(1, Status::Done).await;
    assert_eq!(world.row(1).await.session.attempt.0, 1, "nothing is done twice");
}
