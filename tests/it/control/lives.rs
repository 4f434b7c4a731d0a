//! The life of a session that goes well, whatever happens to the control plane meanwhile.

use std::time::Duration;

use devtask::domain::command::{CommandBody, MessageMode};
use devtask::domain::report::{Ending, Report};
use devtask::domain::session::Status;
use devtask::wire::api::{Control, Message};
use devtask::wire::link::Level;
use futures_util::StreamExt;

use super::world::{World, ana, create, finished, id, message, settings};

#[tokio::test]
async fn a_brief_becomes_a_pull_request() {
    let world = World::new().await;
    let supervisor = world.running().await;
    world.until_so("told to begin", || supervisor.commands().len() == 1).await;
    assert!(matches!(supervisor.commands()[0].body, CommandBody::Begin));
    assert!(supervisor.secrets().contains_key("PATH"), "secrets travel over the link");
    assert!(!supervisor.secrets().contains_key("DEVTASK_TEST_ABSENT"));
    assert_eq!(supervisor.run().remote.url, "https://forge.test/acme/shop.git");
    supervisor.say(Report::CommandConsumed { c: 1 });
    supervisor.say_raw(message("I sort it"), Some(br#"{"type":"assistant"}"#.to_vec()));
    supervisor.ask_credential();
    supervisor.end(finished());
    world.until_status(1, Status::Done).await;
    world.until(1, "swept", |r| r.lease.as_ref().is_some_and(|l| l.busy.is_none())).await;
    assert_eq!(supervisor.credentials(), ["x-access-token:for-one-push"]);
    assert_eq!(world.forge.pulls().len(), 1);
    assert_eq!(world.show(1).await.pull_request.unwrap().number, 1);
    insta::assert_snapshot!(world.log(1).await, @r#"
    1 session.created
    2 command.issued
    3 session.queued New
    4 session.admitted
    5 node.changed Requested
    6 node.changed Creating
    7 node.changed Booting
    8 node.changed Ready
    9 session.running
    10 command.consumed
    11 agent.message I sort it
    12 attempt.ended
    13 session.publishing
    14 session.published #1
    15 session.done
    "#);
}

#[tokio::test]
async fn a_restart_loses_and_doubles_nothing() {
    let mut world = World::new().await;
    let supervisor = world.running().await;
    let mut said = Vec::new();
    for round in 0..4 {
        for i in 0..50 {
            let marker = format!("marker {round}/{i}");
            supervisor.say(message(&marker));
            said.push(marker);
        }
        if round % 2 == 0 {
            world.until_so("some acked", || supervisor.acked() > round * 50).await;
        }
        world.restart().await;
    }
    supervisor.end(finished());
    world.until_status(1, Status::Done).await;
    assert_eq!(world.markers(1).await, said);
    assert_eq!(world.forge.pulls().len(), 1);
    assert_eq!(world.nodes.calls().iter().filter(|c| c.starts_with("ensure")).count(), 1);
}

#[tokio::test]
async fn a_long_record_goes_on_where_the_link_was_cut() {
    let world = World::new().await;
    let supervisor = world.running().await;
    supervisor.break_after(3);
    let raw: Vec<u8> = (0..1_000_000_u32).map(|i| b'a' + u8::try_from(i % 23).unwrap()).collect();
    supervisor.say_raw(message("long"), Some(raw.clone()));
    world.until_so("cut", || supervisor.attaches() == 1).await;
    world.settle().await;
    world.turn(1);
    world.until_so("attached again", || supervisor.attaches() == 2 && supervisor.acked() == 1).await;
    let events = world.events(1).await;
    let kept = events.iter().filter_map(|e| e.raw.as_ref()).collect::<Vec<_>>();
    assert_eq!(kept, [&raw]);
}

#[tokio::test]
async fn a_gap_is_attached_over() {
    let world = World::new().await;
    let supervisor = world.running().await;
    supervisor.cut();
    supervisor.skip_once();
    for i in 0..5 {
        supervisor.say(message(&format!("{i}")));
    }
    for _ in 0..4 {
        world.turn(1);
        world.settle().await;
    }
    world.until_so("all acked", || supervisor.acked() == 5).await;
    assert_eq!(world.markers(1).await, ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_killed_supervisor_is_started_again_over_its_journal() {
    let world = World::new().await;
    let supervisor = world.running().await;
    supervisor.say(message("before"));
    world.until_so("acked", || supervisor.acked() == 1).await;
    supervisor.kill();
    supervisor.say(message("after"));
    world.settle().await;
    world.turn(1);
    world.until_so("started again", || supervisor.acked() == 2).await;
    assert_eq!(world.markers(1).await, ["before", "after"]);
    assert_eq!(world.status(1).await, Status::Running);
}

#[tokio::test]
async fn no_cap_is_passed_under_concurrent_ticks() {
    let world = World::with(devtask::control::Settings { slots: 2, per_owner: 0, ..settings() }).await;
    for i in 0..6 {
        world.create(&format!("task {i}")).await.unwrap();
    }
    for _ in 0..10 {
        let ticks: Vec<_> = (0..8)
            .map(|_| {
                let local = world.local.clone();
                tokio::spawn(async move { local.tick().await })
            })
            .collect();
        for tick in ticks {
            tick.await.unwrap();
        }
        let running = world.store.open_rows().iter().filter(|r| r.session.status.runs()).count();
        assert!(running <= 2, "{running} sessions hold two slots");
    }
    let mut places = Vec::new();
    for n in 1..=6 {
        places.push(world.show(n).await.position);
    }
    assert_eq!(places, [None, None, Some(1), Some(2), Some(3), Some(4)]);
}

#[tokio::test]
async fn messages_reach_the_agent_and_a_settled_session_goes_on() {
    let world = World::new().await;
    let supervisor = world.running().await;
    supervisor.say(Report::CommandConsumed { c: 1 });
    let say = |text: &str| Message::new(text, MessageMode::default());
    world.local.message(&ana(), id(1), say("also the list")).await.unwrap();
    world.until_so("heard", || supervisor.commands().len() == 2).await;
    supervisor.say(Report::CommandConsumed { c: 2 });
    supervisor.end(finished());
    world.until_status(1, Status::Done).await;
    world.until(1, "swept", |r| r.lease.as_ref().is_some_and(|l| l.busy.is_none())).await;
    world.local.message(&ana(), id(1), say("and the footer")).await.unwrap();
    world.until_status(1, Status::Running).await;
    let next = world.supervisor(1);
    assert_eq!(next.run().attempt.0, 2);
    world.until_so("heard", || next.commands().len() == 1).await;
    assert_eq!(next.levels(), [Level::Run]);
    next.end(finished());
    world.until_status(1, Status::Done).await;
    assert_eq!(world.forge.pulls().len(), 1, "the pull request is found again");
    assert!(world.show(1).await.pull_request.unwrap().adopted);
}

#[tokio::test]
async fn a_reader_sees_the_log_and_then_what_comes() {
    let world = World::new().await;
    let supervisor = world.running().await;
    let mut events = world.local.events(id(1), 2).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().seq, 3);
    supervisor.say_raw(message("hello"), Some(b"{\"a\": 1}".to_vec()));
    supervisor.end(Ending::Finished { pushed: None, evidence: Vec::new(), summary: "nothing to do".into() });
    world.until_status(1, Status::Done).await;
    let rest: Vec<_> =
        tokio::time::timeout(Duration::from_secs(5), events.map(Result::unwrap).collect::<Vec<_>>())
            .await
            .unwrap();
    let seqs: Vec<u64> = rest.iter().map(|e| e.seq).collect();
    assert_eq!(seqs, (4..4 + seqs.len() as u64).collect::<Vec<_>>(), "gapless to the end");
    assert_eq!(rest.last().unwrap().kind, "session.done");
    let hello = rest.iter().find(|e| e.kind == "agent.message").unwrap();
    assert_eq!(hello.raw.as_ref().unwrap().get(), "{\"a\": 1}");
}

#[tokio::test]
async fn the_loop_by_itself_brings_a_session_to_its_end() {
    let world = World::new().await;
    let local = devtask::control::Local::start(
        settings(),
        world.store.clone(),
        std::collections::BTreeMap::from([(
            "local".to_owned(),
            std::sync::Arc::new(world.nodes.clone()) as std::sync::Arc<dyn devtask::node::Provider>,
        )]),
        Some(std::sync::Arc::new(world.forge.clone())),
        world.clock.clone(),
    )
    .unwrap();
    local.create(&ana(), create("by itself"), None).await.unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while world.nodes.supervisor(1).is_none() {
        assert!(std::time::Instant::now() < deadline, "never started");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    world.supervisor(1).end(finished());
    while world.status(1).await != Status::Done {
        assert!(std::time::Instant::now() < deadline, "never done");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    local.shutdown().await;
}
