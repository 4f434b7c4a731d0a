//! The provider: whose codespace, which machine, how it lives and goes.

use std::sync::Arc;

use chrono::TimeDelta;
use devtask::domain::Actor;
use devtask::node::codespaces::{Account, IdentitySettings, NoAccounts, Settings};
use devtask::node::{Condition, NodeError, NodeRef, Provider};
use devtask::workbench::forge::Scope;
use devtask::workbench::forge::codespaces::{StopWhy, Trouble, Work};

use super::verbs::Holding;
use super::world::{Felt, INSTANCE, Linked, World, key, spec, spec_of, token_file};

#[tokio::test]
async fn it_belongs_to_the_sessions_owner_or_else_to_the_default() {
    let world = World::new().await;
    let bo = world.forge.token("bo", Scope::FULL).await.unwrap();
    let bos = IdentitySettings {
        name: "bo's".into(),
        login: Some("bo".into()),
        token: Some(bo),
        people: vec!["slack/U2".into()],
        ..IdentitySettings::default()
    };
    let provider = world.provider_of(vec![world.identity(), bos]);
    let of_bo = devtask::node::Spec { owner: Actor::Person("slack/U2".into()), ..spec() };
    let node = provider.ensure(&key(1), &of_bo).await.unwrap();
    assert!(node.name.starts_with("bo/dt-01234567-1-1-"), "{}", node.name);
    let node = provider.ensure(&key(2), &spec_of("acme/app", "carl")).await.unwrap();
    assert!(node.name.starts_with("ana/"), "the first is the default: {}", node.name);
    world.turn_on();
    assert_eq!(provider.list_owned(INSTANCE).await.unwrap().len(), 2, "of all identities");
    assert_eq!(
        provider.list_owned("fedcba98").await.unwrap().len(),
        0,
        "another installation's are not ours"
    );
}

#[tokio::test]
async fn a_person_who_links_an_account_has_codespaces_of_their_own_at_once() {
    let world = World::new().await;
    let bo = world.forge.token("bo", Scope::FULL).await.unwrap();
    let linked = Arc::new(Linked::default());
    let provider = world.provider_with(Settings::default(), linked.clone());
    let of_bo = spec_of("acme/app", "bo");
    let told = provider.preflight(&of_bo).await.unwrap_err();
    insta::assert_snapshot!(told, @"bo may not do this: no GitHub account is linked; link one with `devtask link`");
    linked.0.lock().unwrap().push(Account {
        person: Actor::Person("local/bo".into()),
        login: "bo".into(),
        token_file: token_file(world.dir.path(), "bo", &bo),
    });
    provider.preflight(&of_bo).await.unwrap();
    let node = provider.ensure(&key(1), &of_bo).await.unwrap();
    linked.0.lock().unwrap().clear();
    let error = provider.inspect(&node).await.unwrap_err();
    assert!(matches!(error, NodeError::Auth { identity, .. } if identity == "bo"));
}

#[tokio::test]
async fn a_token_that_is_put_right_counts_without_a_restart() {
    let world = World::new().await;
    let file = token_file(world.dir.path(), "ana", &"wrong".into());
    let identity = IdentitySettings { token: None, token_file: Some(file.clone()), ..world.identity() };
    let provider = world.provider_of(vec![identity]);
    let error = provider.ensure(&key(1), &spec()).await.unwrap_err();
    insta::assert_snapshot!(error, @"ana's may not do this: GitHub refused its token; it has run out or was revoked, so set a new one or link again");
    assert!(provider.list_owned(INSTANCE).await.unwrap().is_empty(), "and hides nobody else's");
    token_file(world.dir.path(), "ana", &world.ana);
    provider.ensure(&key(1), &spec()).await.unwrap();
    let weak = world.forge.token("ana", Scope::READ).await.unwrap();
    let provider = world.provider_of(vec![IdentitySettings { token: Some(weak), ..world.identity() }]);
    let error = provider.preflight(&spec()).await.unwrap_err();
    assert!(matches!(&error, NodeError::Auth { identity, .. } if identity == "ana's"), "{error}");
}

#[tokio::test]
async fn gh_may_be_asked_for_the_token() {
    use secrecy::ExposeSecret;
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    let gh = world.dir.path().join("gh");
    let script = format!("#!/bin/sh\n[ \"$1 $2\" = 'auth token' ] && echo {}\n", world.ana.expose_secret());
    std::fs::write(&gh, script).unwrap();
    std::fs::set_permissions(&gh, std::fs::Permissions::from_mode(0o700)).unwrap();
    let identities = vec![IdentitySettings { token: None, gh: true, ..world.identity() }];
    let with =
        |gh: &str| Settings { gh: vec![gh.into()], identities: identities.clone(), ..Settings::default() };
    let provider = world.provider_with(with(gh.to_str().unwrap()), Arc::new(NoAccounts));
    provider.preflight(&spec()).await.unwrap();
    let provider = world.provider_with(with("/no/such/gh"), Arc::new(NoAccounts));
    let error = provider.preflight(&spec()).await.unwrap_err();
    assert!(matches!(&error, NodeError::Auth { why, .. } if why.contains("gh auth login")), "{error}");
}

#[tokio::test]
async fn the_first_machine_that_is_allowed_is_taken() {
    let world = World::new().await;
    world.hub().settings(|s| s.allowed_machines = Some(["premiumLinux".into()].into()));
    let settings = |fallback: &[&str]| Settings {
        identities: vec![world.identity()],
        machine: Some("standardLinux32gb".into()),
        fallback_machines: fallback.iter().map(|&m| m.to_owned()).collect(),
        ..Settings::default()
    };
    let provider = world.provider_with(settings(&["basicLinux32gb", "premiumLinux"]), Arc::new(NoAccounts));
    let node = provider.ensure(&key(1), &spec()).await.unwrap();
    assert_eq!(world.hub().all()[0].machine, "premiumLinux");
    let price = provider.price(&node).unwrap();
    assert_eq!(price.up_hour, 720_000, "eight cores at nine cents");
    let provider = world.provider_with(settings(&[]), Arc::new(NoAccounts));
    let mut told = vec![provider.preflight(&spec()).await.unwrap_err().to_string()];
    world.hub().settings(|s| s.allowed_machines = Some([].into()));
    told.push(provider.preflight(&spec()).await.unwrap_err().to_string());
    told.push(provider.preflight(&spec_of("/srv/app", "ana")).await.unwrap_err().to_string());
    told.push(provider.preflight(&spec_of("acme/nothing", "ana")).await.unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn it_stops_by_itself_and_is_started_again_and_says_why() {
    let world = World::new().await;
    let provider = world.provider();
    let node = provider.ensure(&key(1), &spec()).await.unwrap();
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Booting);
    world.turn_on();
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Ready);
    assert_eq!(provider.notice(&node).await.unwrap(), None);
    provider.start(&node).await.unwrap();

    let name = world.hub().all()[0].name.clone();
    world.hub().trouble(&name, Trouble::Stop { why: StopWhy::SpendingLimit });
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Booting, "on its way down");
    world.turn_on();
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Stopped);
    let notice = provider.notice(&node).await.unwrap();
    assert_eq!(notice.as_deref(), Some("You've used 100% of your spending limit for Codespaces."));
    world.hub().settings(|s| s.spent.insert("ana".into()));
    let error = provider.start(&node).await.unwrap_err();
    assert!(
        matches!(&error, NodeError::Quota { scope, why, .. } if scope == "ana's" && why.contains("paid")),
        "{error}"
    );
    world.hub().settings(|s| s.spent.clear());
    provider.start(&node).await.unwrap();
    provider.start(&node).await.unwrap();
    world.turn_on();
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Ready);

    world.turn(TimeDelta::hours(12));
    assert_eq!(
        provider.inspect(&node).await.unwrap(),
        Condition::Stopped,
        "an hour without traffic, or twelve with"
    );
    provider.stop(&node).await.unwrap();
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Stopped);
}

#[tokio::test]
async fn a_policy_that_cuts_a_wish_is_told() {
    let world = World::new().await;
    world.hub().settings(|s| s.longest_idle_minutes = Some(15));
    let provider = world.provider();
    let node = provider.ensure(&key(1), &spec()).await.unwrap();
    let notice = provider.notice(&node).await.unwrap().unwrap();
    assert!(notice.contains("15 minutes by your organization's policy"), "{notice}");
}

#[tokio::test]
async fn one_that_somebody_deletes_under_us_is_gone() {
    let world = World::new().await;
    let provider = world.provider();
    let node = provider.ensure(&key(1), &spec()).await.unwrap();
    world.turn_on();
    let name = world.hub().all()[0].name.clone();
    world.hub().trouble(&name, Trouble::Vanish);
    world.turn_on();
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Gone);
    assert!(matches!(provider.start(&node).await, Err(NodeError::Gone)));
    assert!(matches!(provider.stop(&node).await, Err(NodeError::Gone)));
    provider.destroy(&node).await.unwrap();
    assert!(provider.list_owned(INSTANCE).await.unwrap().is_empty());
    for odd in ["", "ana", "ana/../x", "ana/a b"] {
        let odd = NodeRef { name: odd.into() };
        assert!(matches!(provider.destroy(&odd).await, Err(NodeError::Permanent(_))), "{odd:?}");
    }
}

#[tokio::test]
async fn work_that_is_nowhere_else_is_saved_before_it_goes() {
    let world = World::new().await;
    world.hub().set_machines(Arc::new(Holding { pushes: true }));
    let (provider, node) = with_work(&world).await;
    let mut waits = 0;
    loop {
        match provider.destroy(&node).await {
            Ok(()) => break,
            Err(NodeError::Transient { why, retry_after: Some(_) }) => {
                assert_eq!(why, "its work is being saved as a branch first");
                assert_eq!(world.there(), 1);
            }
            Err(error) => panic!("{error}"),
        }
        waits += 1;
        assert!(waits < 500, "it never ends");
        world.turn(TimeDelta::seconds(1));
        tokio::task::yield_now().await;
    }
    assert!(waits > 0);
    let exports = format!("{}/exports", path_of(&node));
    assert_eq!(world.count("POST", &exports), 1);
    world.turn_on();
    assert_eq!(provider.inspect(&node).await.unwrap(), Condition::Gone);
}

#[tokio::test]
async fn work_that_cannot_be_saved_is_kept() {
    let world = World::new().await;
    world.hub().set_machines(Arc::new(Holding { pushes: false }));
    let (provider, node) = with_work(&world).await;
    for _ in 0..500 {
        match provider.destroy(&node).await {
            Err(NodeError::Transient { .. }) => world.turn(TimeDelta::seconds(1)),
            Err(NodeError::Permanent(why)) => {
                assert!(why.contains("nowhere else") && why.contains("delete it yourself"), "{why}");
                assert_eq!((world.there(), world.count("DELETE", &path_of(&node))), (1, 0));
                return;
            }
            other => panic!("{other:?}"),
        }
        tokio::task::yield_now().await;
    }
    panic!("it never ends");
}

#[tokio::test]
async fn its_link_is_asked_for_by_name_and_must_lead_to_the_repository() {
    let world = World::new().await;
    let reach = Arc::new(Felt::default());
    let settings = Settings { identities: vec![world.identity()], ..Settings::default() };
    let provider = world.provider_by(settings, Arc::new(NoAccounts), reach.clone());
    let node = provider.ensure(&key(1), &spec()).await.unwrap();
    world.turn_on();
    assert!(provider.is_far());
    provider.prepare(&node).await.unwrap();
    let door = reach.doors.lock().unwrap()[0].clone();
    assert_eq!((door.label(), door.home.to_str()), (node.name.clone(), Some("/workspaces/.devtask")));
    assert_eq!(*reach.brought.lock().unwrap(), [Some("/workspaces/app".into())]);
    provider.destroy(&node).await.unwrap();
    assert_eq!(*reach.forgotten.lock().unwrap(), [door.codespace]);
}

async fn with_work(world: &World) -> (devtask::node::codespaces::Codespaces, NodeRef) {
    let provider = world.provider();
    let node = provider.ensure(&key(1), &spec()).await.unwrap();
    world.turn_on();
    let name = world.hub().all()[0].name.clone();
    let work = Work { ahead: 0, behind: 0, unpushed: false, uncommitted: true };
    assert!(world.hub().trouble(&name, Trouble::Work { work }));
    (provider, node)
}

fn path_of(node: &NodeRef) -> String {
    format!("/api/v3/user/codespaces/{}", node.name.split_once('/').unwrap().1)
}
