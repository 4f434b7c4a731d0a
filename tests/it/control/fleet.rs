//! Nodes that are other machines: made fit, paid for, stopped by themselves, and found when they belong to nobody.

use chrono::TimeDelta;
use devtask::domain::event::Body;
use devtask::domain::lease::State;
use devtask::domain::session::{Status, WaitingOn};
use devtask::node::{NodeError, Price};
use devtask::wire::api::Control;

use super::world::World;

/// Two cores of a rented machine.
const PRICE: Price = Price { up_hour: 180_000, kept_hour: 3_000 };

#[tokio::test]
async fn a_far_node_is_made_fit_before_it_is_ready_and_after_each_start() {
    let world = World::new().await;
    world.nodes.are_far(PRICE);
    world.running().await;
    assert_eq!(world.nodes.prepared(), 1);
    let states: Vec<State> = world.events(1).await.into_iter().filter_map(|e| state(&e.body)).collect();
    let ready = [State::Requested, State::Creating, State::Booting, State::Bootstrapping, State::Ready];
    assert_eq!(states, ready);

    world.nodes.say("stopped: it was idle for 30 minutes");
    world.nodes.stop_by_itself(1);
    world.settle().await;
    world.turn(20);
    world.until_so("made fit again", || world.nodes.prepared() == 2).await;
    let session = world.row(1).await.session;
    assert_eq!((session.status, session.attempt.0), (Status::Running, 1), "never failed");
    let told: Vec<_> = world.events(1).await.into_iter().filter_map(|e| notice(&e.body)).collect();
    assert_eq!(told, ["stopped: it was idle for 30 minutes"], "said once");
}

fn state(body: &Body) -> Option<State> {
    match body {
        Body::NodeChanged { state, notice: None, .. } => Some(*state),
        _ => None,
    }
}

fn notice(body: &Body) -> Option<String> {
    match body {
        Body::NodeChanged { notice, .. } => notice.clone(),
        _ => None,
    }
}

#[tokio::test]
async fn what_runs_where_and_what_it_has_cost_can_be_asked() {
    let world = World::new().await;
    world.nodes.are_far(PRICE);
    world.running().await;
    world.turn(3_600);
    world.nodes.stray("0a1b2c3d-77-1");
    world.local.reap().await;
    let nodes = world.local.nodes().await.unwrap();
    let [node, stray] = nodes.as_slice() else { panic!("{nodes:#?}") };
    assert_eq!((node.state, node.session.unwrap().number()), (Some(State::Ready), 1));
    assert_eq!((node.owner.as_deref(), node.up_seconds), (Some("person:local/ana"), 3_600));
    assert_eq!(node.cost_micro_usd, Some(183_000));
    assert_eq!((stray.state, stray.session, stray.key.as_str()), (None, None, "0a1b2c3d-77-1"));
}

#[tokio::test]
async fn a_stray_goes_after_its_grace_time_and_over_a_restart_and_nobody_elses_node_does() {
    let mut world = World::new().await;
    world.running().await;
    world.nodes.stray("0a1b2c3d-77-1");
    world.local.reap().await;
    world.turn(1_000);
    world.restart().await;
    world.local.reap().await;
    assert_eq!(world.nodes.names().len(), 2, "not yet");
    world.turn(800);
    world.local.reap().await;
    assert!(!world.nodes.names().contains(&"node-0a1b2c3d-77-1".to_owned()));
    assert_eq!(world.nodes.names().len(), 1, "the session keeps its own");
    assert!(world.store.strays().await.unwrap().is_empty());
}

#[tokio::test]
async fn of_two_nodes_with_one_key_the_one_no_session_works_on_goes() {
    let world = World::new().await;
    world.running().await;
    let [own] = world.nodes.names().try_into().unwrap();
    world.nodes.twin(1, "zz-twin");
    world.local.reap().await;
    world.turn(1_000);
    world.local.reap().await;
    assert_eq!(world.nodes.names().len(), 2, "not within its grace time");
    world.turn(1_000);
    world.local.reap().await;
    assert_eq!(world.nodes.names(), [own]);
    assert_eq!(world.status(1).await, Status::Running);
}

#[tokio::test]
async fn a_stray_that_comes_and_goes_starts_its_grace_time_anew() {
    let world = World::new().await;
    world.nodes.stray("0a1b2c3d-77-1");
    world.local.reap().await;
    world.nodes.vanish(77);
    world.turn(1_000);
    world.local.reap().await;
    world.nodes.stray("0a1b2c3d-77-1");
    world.turn(1_000);
    world.local.reap().await;
    assert_eq!(world.nodes.names(), ["node-0a1b2c3d-77-1"]);
}

#[tokio::test]
async fn a_quota_without_an_end_keeps_the_session_queued_with_its_reason() {
    let world = World::new().await;
    for _ in 0..5 {
        world.nodes.fail_ensure(NodeError::Quota {
            scope: "ana".into(),
            until: None,
            why: "2 of 2 are in use".into(),
        });
    }
    world.create("one").await.unwrap();
    for _ in 0..5 {
        let waits =
            |r: &devtask::store::Row| r.session.queued.as_ref().is_some_and(|q| q.not_before.is_some());
        world.until(1, "waits for quota", waits).await;
        let view = world.show(1).await;
        assert!(matches!(view.waiting_on, Some(WaitingOn::Quota { .. })), "{:?}", view.waiting_on);
        assert_eq!(view.failure.as_deref(), Some("no more nodes for ana: 2 of 2 are in use"));
        world.clock.turn(TimeDelta::minutes(2));
    }
    world.until_status(1, Status::Running).await;
    assert_eq!(world.row(1).await.session.retries, 0, "a quota is no failure");
}
