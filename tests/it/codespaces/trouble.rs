//! Making sure that there is one, whatever GitHub does meanwhile.

use chrono::TimeDelta;
use devtask::node::codespaces::IdentitySettings;
use devtask::node::{Condition, NodeError, Provider};
use devtask::workbench::forge::codespaces::{Next, Trouble, Work};
use devtask::workbench::forge::{Fault, What};

use super::world::{INSTANCE, LIST, OF_APP, World, key, new, spec};

#[tokio::test]
async fn asked_twice_it_is_made_once_however_much_the_list_lags() {
    let world = World::new().await;
    world.hub().settings(|s| s.list_lag = TimeDelta::minutes(1));
    let provider = world.provider();
    let node = provider.ensure(&key(1), &spec()).await.unwrap();
    assert_eq!(provider.ensure(&key(1), &spec()).await.unwrap(), node);
    world.turn(TimeDelta::minutes(5));
    assert_eq!(provider.ensure(&key(1), &spec()).await.unwrap(), node);
    assert_eq!(world.provider().ensure(&key(1), &spec()).await.unwrap(), node, "after a restart too");
    assert_eq!((world.there(), world.count("POST", OF_APP)), (1, 1));
}

#[tokio::test]
async fn many_who_ask_at_once_get_the_same_one() {
    let world = World::new().await;
    let provider = world.provider();
    let (key, spec) = (key(1), spec());
    let asked = (0..8).map(|_| provider.ensure(&key, &spec));
    let nodes = futures_util::future::join_all(asked).await;
    let first = nodes[0].as_ref().unwrap().clone();
    assert!(nodes.into_iter().all(|node| node.unwrap() == first));
    assert_eq!(world.there(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_waited_for_and_adopted_not_sent_again() {
    let world = World::new().await;
    world.hub().settings(|s| s.list_lag = TimeDelta::seconds(30));
    let provider = world.provider();
    world.lose_an_answer();
    let unknown = |error: NodeError| assert!(matches!(error, NodeError::Ambiguous(_)), "{error}");
    unknown(provider.ensure(&key(1), &spec()).await.unwrap_err());
    unknown(provider.ensure(&key(1), &spec()).await.unwrap_err());
    world.turn(TimeDelta::seconds(31));
    let node = provider.ensure(&key(1), &spec()).await.unwrap();
    assert_eq!((world.there(), world.count("POST", OF_APP)), (1, 1));
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Ready);
}

#[tokio::test]
async fn one_that_never_turns_up_is_asked_for_again_after_the_grace_time() {
    let world = World::new().await;
    let provider = world.provider();
    world.forge.fault(Fault::status("POST", OF_APP, 503));
    assert!(matches!(provider.ensure(&key(1), &spec()).await, Err(NodeError::Ambiguous(_))));
    world.turn(TimeDelta::seconds(119));
    assert!(matches!(provider.ensure(&key(1), &spec()).await, Err(NodeError::Ambiguous(_))));
    assert_eq!(world.count("POST", OF_APP), 1);
    world.turn(TimeDelta::seconds(1));
    provider.ensure(&key(1), &spec()).await.unwrap();
    assert_eq!((world.there(), world.count("POST", OF_APP)), (1, 2));
}

#[tokio::test]
async fn of_two_with_one_key_the_older_stays() {
    let world = World::new().await;
    let older = world.github().create_codespace(&new()).await.unwrap();
    world.turn(TimeDelta::seconds(1));
    let younger = world.github().create_codespace(&new()).await.unwrap();
    world.turn_on();
    let owned = world.provider().list_owned(INSTANCE).await.unwrap();
    let names: Vec<_> = owned.iter().map(|o| o.node.name.clone()).collect();
    assert_eq!(names, [format!("ana/{}", older.name), format!("ana/{}", younger.name)], "the older is first");
    assert!(owned.iter().all(|o| o.key == key(1)));
    let node = world.provider().ensure(&key(1), &spec()).await.unwrap();
    assert_eq!(node.name, names[0]);
    world.turn_on();
    assert_eq!(world.hub().all().iter().map(|c| c.name.clone()).collect::<Vec<_>>(), [older.name]);
}

#[tokio::test]
async fn a_second_one_that_holds_work_is_not_deleted() {
    let world = World::new().await;
    world.github().create_codespace(&new()).await.unwrap();
    world.turn(TimeDelta::seconds(1));
    let younger = world.github().create_codespace(&new()).await.unwrap();
    world.turn_on();
    let work = Work { ahead: 0, behind: 0, unpushed: true, uncommitted: false };
    world.hub().trouble(&younger.name, Trouble::Work { work });
    world.provider().ensure(&key(1), &spec()).await.unwrap();
    world.turn_on();
    assert_eq!(world.there(), 2);
}

#[tokio::test]
async fn one_that_failed_to_come_up_makes_room_for_another() {
    let world = World::new().await;
    let provider = world.provider();
    world.hub().next_create(Next::Fails);
    let node = provider.ensure(&key(1), &spec()).await.unwrap();
    world.turn_on();
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Gone);
    let other = provider.ensure(&key(1), &spec()).await.unwrap();
    assert_ne!(other, node);
    let owned = provider.list_owned(INSTANCE).await.unwrap();
    assert!(owned.iter().any(|o| o.node == node), "the failed one is still there to be reaped");
}

#[tokio::test]
async fn the_cap_counts_stopped_ones_and_those_no_list_shows_yet() {
    let world = World::new().await;
    world.hub().settings(|s| s.list_lag = TimeDelta::minutes(1));
    let provider = world.provider_of(vec![IdentitySettings { cap: Some(2), ..world.identity() }]);
    let first = provider.ensure(&key(1), &spec()).await.unwrap();
    provider.ensure(&key(2), &spec()).await.unwrap();
    for _ in 0..2 {
        let error = provider.ensure(&key(3), &spec()).await.unwrap_err();
        assert!(matches!(&error, NodeError::Quota { scope, .. } if scope == "ana's"), "{error}");
        world.turn(TimeDelta::minutes(2));
        provider.stop(&first).await.unwrap();
    }
    provider.ensure(&key(2), &spec()).await.unwrap();
    assert_eq!(world.count("POST", OF_APP), 2, "what is there already is no new one");
    provider.destroy(&first).await.unwrap();
    world.turn(TimeDelta::minutes(2));
    provider.ensure(&key(3), &spec()).await.unwrap();
}

#[tokio::test]
async fn a_foreign_codespace_counts_for_github_and_is_never_touched() {
    let world = World::new().await;
    let theirs = devtask::github::codespaces::NewCodespace { display_name: "my own".into(), ..new() };
    world.github().create_codespace(&theirs).await.unwrap();
    world.turn_on();
    world.hub().settings(|s| s.most = 1);
    let error = world.provider().ensure(&key(1), &spec()).await.unwrap_err();
    insta::assert_snapshot!(error, @"no more nodes for ana's: could not create a codespace for `acme/app`: there are as many as this user may have (GitHub says: Maximum codespaces reached: you have too many codespaces. Delete some before you create a new one.)");
    assert!(world.provider().list_owned(INSTANCE).await.unwrap().is_empty());
    assert_eq!(world.there(), 1);
}

#[tokio::test]
async fn a_pending_operation_and_a_state_nobody_knows_are_waited_through() {
    let world = World::new().await;
    let provider = world.provider();
    let node = provider.ensure(&key(1), &spec()).await.unwrap();
    world.turn_on();
    let name = world.hub().all()[0].name.clone();
    world.hub().trouble(&name, Trouble::Show { state: Some("Hibernating".into()) });
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Booting);
    world.hub().trouble(&name, Trouble::Show { state: None });
    world.hub().trouble(&name, Trouble::Pending { pending: true });
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Booting);
    for refused in [provider.start(&node).await, provider.stop(&node).await] {
        assert!(matches!(refused, Err(NodeError::Transient { .. })), "{refused:?}");
    }
    provider.destroy(&node).await.unwrap();
    world.turn_on();
    assert_eq!(world.there(), 0, "deleting works");
}

#[tokio::test]
async fn limits_and_outages_say_when_to_come_back_and_make_nothing() {
    let world = World::new().await;
    let provider = world.provider();
    for fault in [
        Fault::new("GET", LIST, What::SecondaryLimit { status: 403, seconds: 90 }),
        Fault::new("POST", OF_APP, What::SecondaryLimit { status: 429, seconds: 90 }),
        Fault::new("GET", LIST, What::Unavailable { seconds: 90 }),
        Fault::new("GET", LIST, What::RateLimited { seconds: 90 }),
    ] {
        world.forge.fault(fault.clone());
        let error = provider.ensure(&key(1), &spec()).await.unwrap_err();
        let NodeError::Transient { retry_after: Some(wait), .. } = error else {
            panic!("{fault:?}: {error}")
        };
        assert!((85..=95).contains(&wait.as_secs()), "{fault:?}: {wait:?}");
        assert_eq!(world.there(), 0);
    }
    provider.ensure(&key(1), &spec()).await.unwrap();
}

#[tokio::test]
async fn an_hour_without_github_changes_nothing_and_proves_nothing() {
    let world = World::new().await;
    let provider = world.provider();
    let node = provider.ensure(&key(1), &spec()).await.unwrap();
    world.turn_on();
    let down = || world.forge.fault(Fault::status("*", "/api/v3/*", 502).times(1_000));
    down();
    for _ in 0..3 {
        world.turn(TimeDelta::minutes(20));
        assert!(matches!(provider.inspect(&node).await, Err(NodeError::Transient { .. })));
        assert!(matches!(provider.list_owned(INSTANCE).await, Err(NodeError::Transient { .. })));
        assert!(matches!(provider.destroy(&node).await, Err(NodeError::Transient { .. })));
        assert!(matches!(provider.start(&node).await, Err(NodeError::Transient { .. })));
        assert!(matches!(provider.ensure(&key(1), &spec()).await, Err(NodeError::Transient { .. })));
    }
    world.forge.clear_faults();
    assert_eq!(provider.ensure(&key(1), &spec()).await.unwrap(), node);
    assert_eq!(world.there(), 1);
}
