//! Jobs that panic: a bug of ours costs what an error of its kind costs, and no more.

use devtask::control::Troubles;
use devtask::domain::session::Status;

use super::log::Log;
use super::world::{World, finished, message, settings};

const BROKE: &str = "a job panicked";

/// Ticks with the clock moved by a second, so often.
async fn pass(world: &World, seconds: u32) {
    for _ in 0..seconds {
        world.turn(1);
        world.settle().await;
    }
}

#[tokio::test]
async fn a_panic_at_the_node_is_tried_again_with_growing_pauses() {
    let (world, log) = (World::new().await, Log::listen());
    world.nodes.panic_in("ensure", 3);
    world.create("one").await.unwrap();
    world.until_so("panicked", || world.nodes.panics_left("ensure") == 2).await;
    world.settle().await;
    assert_eq!(log.lines(BROKE).len(), 1, "not at the tick's pace");
    assert_eq!(world.local.troubles(), Troubles { nodes: 1, links: 0, pull_requests: 0 });
    pass(&world, 2).await;
    assert_eq!(log.lines(BROKE).len(), 2);
    pass(&world, 8).await;
    world.until_status(1, Status::Running).await;
    insta::assert_snapshot!(log.lines(BROKE).join("\n"), @r#"
    ERROR a job panicked session.id=dt-1 job="node" job.strikes=1
    ERROR a job panicked session.id=dt-1 job="node" job.strikes=2
    ERROR a job panicked session.id=dt-1 job="node" job.strikes=3
    "#);
    assert_eq!(world.local.troubles(), Troubles::default());
    assert_eq!(world.row(1).await.session.attempt.0, 1, "the same attempt");
}

#[tokio::test]
async fn a_node_whose_job_always_panics_is_given_up_in_time() {
    let mut settings = settings();
    settings.limits.max_retries = 0;
    let (world, log) = (World::with(settings).await, Log::listen());
    world.nodes.panic_in("ensure", u32::MAX);
    world.create("one").await.unwrap();
    for _ in 0..31 {
        world.turn(20);
        world.settle().await;
    }
    world.until_status(1, Status::Failed).await;
    insta::assert_snapshot!(world.show(1).await.failure.unwrap(), @"its node did not come up in time: DevTask itself broke off there, and its log says where");
    assert!(log.lines(BROKE).len() < 32, "{} strikes", log.lines(BROKE).len());
}

#[tokio::test]
async fn a_link_whose_job_panics_is_given_up_after_the_usual_strikes() {
    let mut settings = settings();
    settings.limits.max_retries = 0;
    let (world, log) = (World::with(settings).await, Log::listen());
    world.nodes.panic_in("open", 5);
    world.create("one").await.unwrap();
    world.until_so("panicked", || world.nodes.panics_left("open") == 4).await;
    world.settle().await;
    assert_eq!((log.lines(BROKE).len(), world.local.troubles().links), (1, 1));
    pass(&world, 10).await;
    world.until_status(1, Status::Failed).await;
    insta::assert_snapshot!(world.show(1).await.failure.unwrap(), @"its supervisor could not be followed: DevTask itself broke off there, and its log says where");
    assert_eq!(log.lines(BROKE).len(), 5, "one line a strike");
    pass(&world, 15).await;
    world.until_so("swept and released", || world.nodes.names().is_empty()).await;
}

#[tokio::test]
async fn a_link_that_panics_once_loses_nothing() {
    let world = World::new().await;
    let supervisor = world.running().await;
    supervisor.say(message("before"));
    world.until_so("acked", || supervisor.acked() == 1).await;
    world.nodes.panic_in("open", 1);
    supervisor.cut();
    supervisor.say(message("after"));
    pass(&world, 3).await;
    world.until_so("attached again", || supervisor.acked() == 2).await;
    assert_eq!(world.markers(1).await, ["before", "after"]);
    assert_eq!(world.local.troubles(), Troubles::default());
}

#[tokio::test]
async fn a_pull_request_whose_job_panics_is_tried_again_and_in_the_end_fails() {
    let (world, log) = (World::new().await, Log::listen());
    world.forge.panic(1);
    world.running().await.end(finished());
    world.until(1, "one try", |r| r.session.publish.tries == 1).await;
    world.settle().await;
    assert_eq!((world.forge.asked(), world.local.troubles().pull_requests), (1, 1), "not before its time");
    world.turn(10);
    world.until_status(1, Status::Done).await;
    assert_eq!((world.forge.pulls().len(), log.lines(BROKE).len()), (1, 1));

    world.forge.panic(u32::MAX);
    world.create("another").await.unwrap();
    world.until_status(2, Status::Running).await;
    world.supervisor(2).end(finished());
    for tries in 1..8 {
        world.until(2, "one more try", |r| r.session.publish.tries == tries).await;
        world.turn(700);
    }
    world.until_status(2, Status::Failed).await;
    insta::assert_snapshot!(world.show(2).await.failure.unwrap(), @"the pull request was not opened: DevTask itself broke off there, and its log says where");
    assert_eq!(log.lines(BROKE).len(), 9);
}
