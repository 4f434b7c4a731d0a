//! Each verb against GitHub's own laws.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use devtask::github::codespaces::{CodespaceState, ExportState, NewCodespace};
use devtask::github::{Class, GitHub, GitHubError};
use devtask::workbench::forge::codespaces::{Duplex, Machines, Next, NoMachines, Prebuild, Trouble, Work};
use devtask::workbench::forge::{Scope, What};

use super::world::{LIST, OF_APP, World, new};

#[tokio::test]
async fn a_codespace_from_create_to_delete() {
    let world = World::new().await;
    let github = world.github();
    let asked = NewCodespace {
        ref_: Some("trunk".into()),
        machine: Some("standardLinux32gb".into()),
        idle_timeout_minutes: Some(60),
        retention_minutes: Some(1_440),
        geo: Some("EuropeWest".into()),
        ..new()
    };
    let made = github.create_codespace(&asked).await.unwrap();
    assert_eq!(made.state, CodespaceState::Queued);
    assert_eq!(made.display_name.as_deref(), Some("dt-01234567-1-1"));
    assert_eq!((made.owner.as_deref(), made.repository.as_deref()), (Some("ana"), Some("acme/app")));
    assert_eq!((made.machine.as_deref(), made.cpus), (Some("standardLinux32gb"), Some(4)));
    assert_eq!((made.idle_timeout_minutes, made.created_at), (Some(60), Some(world.clock.now())));
    assert!(github.codespaces().await.unwrap().is_empty(), "a list learns of it later");

    world.turn_on();
    let name = made.name.as_str();
    let up = github.codespace(name).await.unwrap().unwrap();
    assert_eq!((up.state.clone(), up.id), (CodespaceState::Available, made.id));
    assert_eq!(github.codespaces().await.unwrap(), [up]);

    let stopping = github.stop_codespace(name).await.unwrap();
    assert_eq!(stopping.state, CodespaceState::ShuttingDown);
    world.turn_on();
    let stopped = github.codespace(name).await.unwrap().unwrap();
    assert_eq!(stopped.state, CodespaceState::Shutdown);
    assert_eq!(stopped.retention_expires_at.map(|at| at > world.clock.now()), Some(true));
    assert_eq!(github.start_codespace(name).await.unwrap().state, CodespaceState::Starting);
    assert_eq!(github.start_codespace(name).await.unwrap().state, CodespaceState::Starting, "304 is read");
    world.turn_on();

    github.delete_codespace(name).await.unwrap();
    github.delete_codespace(name).await.unwrap();
    world.turn_on();
    github.delete_codespace(name).await.unwrap();
    assert_eq!(github.codespace(name).await.unwrap(), None);
    assert!(github.codespaces().await.unwrap().is_empty());
    let error = github.start_codespace(name).await.unwrap_err();
    assert_eq!(error.class(), Class::Gone, "{error}");
}

#[tokio::test]
async fn a_creation_that_github_retries_by_itself_is_a_codespace_like_any_other() {
    let world = World::new().await;
    world.hub().next_create(Next::Retried);
    let made = world.github().create_codespace(&new()).await.unwrap();
    assert_eq!(made.state, CodespaceState::Queued);
    world.turn_on();
    let found = world.github().codespace(&made.name).await.unwrap().unwrap();
    assert_eq!(found.state, CodespaceState::Available);
}

#[tokio::test]
async fn a_creation_is_sent_once_and_a_lost_answer_says_so() {
    let world = World::new().await;
    world.lose_an_answer();
    let error = world.github().create_codespace(&new()).await.unwrap_err();
    assert!(matches!(error, GitHubError::Ambiguous { .. }), "{error}");
    assert_eq!(error.class(), Class::Ambiguous);
    assert_eq!((world.count("POST", OF_APP), world.there()), (1, 1));

    world.hub().next_create(Next::Unavailable);
    let error = world.github().create_codespace(&new()).await.unwrap_err();
    assert_eq!(error.class(), Class::Ambiguous, "a 503 says nothing about what was made");
    assert_eq!(world.count("POST", OF_APP), 2);
}

#[tokio::test]
async fn reads_are_repeated_and_the_answer_counts() {
    let world = World::new().await;
    world.forge.fault(devtask::workbench::forge::Fault::status("GET", LIST, 502).times(2));
    assert!(world.github().codespaces().await.unwrap().is_empty());
    assert_eq!(world.count("GET", LIST), 3);
}

#[tokio::test]
async fn a_read_that_is_told_when_to_come_back_does_not_come_back_sooner() {
    let world = World::new().await;
    let until = world.clock.now() + TimeDelta::seconds(90);
    let faults = [
        What::SecondaryLimit { status: 403, seconds: 90 },
        What::SecondaryLimit { status: 429, seconds: 90 },
        What::Unavailable { seconds: 90 },
    ];
    for (n, fault) in (1..).zip(faults) {
        world.fault("GET", LIST, fault);
        let error = world.github().codespaces().await.unwrap_err();
        assert_eq!(error.class(), Class::Transient { not_before: Some(until) }, "{error}");
        assert_eq!(world.count("GET", LIST), n);
    }
    world.fault("POST", OF_APP, What::SecondaryLimit { status: 403, seconds: 90 });
    let error = world.github().create_codespace(&new()).await.unwrap_err();
    assert_eq!(error.class(), Class::Transient { not_before: Some(until) }, "nothing was made: {error}");
}

#[tokio::test]
async fn all_pages_are_read_by_number() {
    let world = World::new().await;
    world.hub().settings(|s| (s.most, s.most_active, s.list_lag) = (300, 300, TimeDelta::zero()));
    let github = world.github();
    for n in 0..230 {
        let asked = NewCodespace { display_name: format!("dt-01234567-{n}-1"), ..new() };
        github.create_codespace(&asked).await.unwrap();
    }
    let before = world.count("GET", LIST);
    let found = github.codespaces().await.unwrap();
    assert_eq!((found.len(), world.count("GET", LIST) - before), (230, 3));
    let mut sessions: Vec<_> = found.iter().filter_map(|c| c.display_name.clone()).collect();
    sessions.sort();
    sessions.dedup();
    assert_eq!(sessions.len(), 230, "each once");
}

#[tokio::test]
async fn what_github_refuses_has_its_own_kind() {
    let world = World::new().await;
    let github = world.github();
    let up = github.create_codespace(&new()).await.unwrap().name;
    world.turn_on();
    let kind =
        |error: GitHubError| (error.class(), format!("{error:?}").split(' ').next().unwrap().to_owned());
    let later = Class::Transient { not_before: None };
    let quota = Class::Quota { not_before: None };

    assert_eq!(kind(github.start_codespace(&up).await.unwrap_err()), (later, "Busy".into()), "409");
    world.hub().trouble(&up, Trouble::Pending { pending: true });
    assert_eq!(kind(github.stop_codespace(&up).await.unwrap_err()), (later, "Busy".into()), "422");
    assert!(github.codespace(&up).await.unwrap().unwrap().pending_operation);
    world.hub().trouble(&up, Trouble::Pending { pending: false });

    world.hub().settings(|s| s.most_active = 1);
    assert_eq!(kind(github.create_codespace(&new()).await.unwrap_err()), (quota, "Quota".into()), "running");
    world.hub().settings(|s| (s.most_active, s.most) = (5, 1));
    assert_eq!(kind(github.create_codespace(&new()).await.unwrap_err()), (quota, "Quota".into()), "all");
    world.hub().settings(|s| (s.most, _) = (10, s.spent.insert("ana".into())));
    assert_eq!(kind(github.create_codespace(&new()).await.unwrap_err()), (quota, "Payment".into()), "402");
    world.hub().settings(|s| s.spent.clear());

    let other = NewCodespace { machine: Some("none".into()), ..new() };
    assert_eq!(github.create_codespace(&other).await.unwrap_err().class(), Class::Permanent);
    let other = NewCodespace { idle_timeout_minutes: Some(500), ..new() };
    assert_eq!(github.create_codespace(&other).await.unwrap_err().class(), Class::Permanent);
    world.hub().settings(|s| s.without_codespaces.insert("acme/app".into()));
    assert_eq!(github.create_codespace(&new()).await.unwrap_err().class(), Class::Permanent, "switched off");
    assert_eq!(world.there(), 1, "none of these made one");
}

#[tokio::test]
async fn whose_token_it_is_and_what_it_lacks() {
    let world = World::new().await;
    let who = world.github().login().await.unwrap();
    assert_eq!(who.login, "ana");
    let weak = world.forge.token("ana", Scope::READ).await.unwrap();
    let weak = GitHub::with_token(&world.settings(), &weak, world.clock.clone()).unwrap();
    for error in [
        weak.codespaces().await.unwrap_err(),
        weak.codespace("any").await.unwrap_err(),
        weak.create_codespace(&new()).await.unwrap_err(),
    ] {
        assert_eq!(error.class(), Class::Auth, "{error}");
    }
    let bad = GitHub::with_token(&world.settings(), &"wrong".into(), world.clock.clone()).unwrap();
    assert_eq!(bad.codespaces().await.unwrap_err().class(), Class::Auth);
}

#[tokio::test]
async fn the_machines_to_choose_from_are_the_smallest_first_and_may_be_none() {
    let world = World::new().await;
    world.hub().settings(|s| {
        s.machines.reverse();
        s.machines.last_mut().unwrap().prebuild = Prebuild::Ready;
    });
    let github = world.github();
    let found = github.machines("acme", "app", Some("trunk")).await.unwrap();
    let names: Vec<_> = found.iter().map(|m| (m.name.as_str(), m.cpus, m.prebuild)).collect();
    assert_eq!(names[..2], [("basicLinux32gb", Some(2), true), ("standardLinux32gb", Some(4), false)]);
    world.hub().settings(|s| s.allowed_machines = Some([].into()));
    assert!(github.machines("acme", "app", None).await.unwrap().is_empty());
    let error = github.machines("acme", "nothing", None).await.unwrap_err();
    assert_eq!(error.class(), Class::Gone, "{error}");
}

#[tokio::test]
async fn an_unknown_state_is_shown_as_it_is() {
    let world = World::new().await;
    let github = world.github();
    let name = github.create_codespace(&new()).await.unwrap().name;
    world.hub().trouble(&name, Trouble::Show { state: Some("Hibernating".into()) });
    let found = github.codespace(&name).await.unwrap().unwrap();
    assert_eq!(found.state, CodespaceState::Other("Hibernating".into()));
}

#[tokio::test]
async fn nobody_at_home_is_no_verdict() {
    let world = World::new().await;
    let github = world.github();
    drop(world.forge);
    let error = github.codespaces().await.unwrap_err();
    assert_eq!(error.class(), Class::Transient { not_before: None }, "{error}");
    let error = github.create_codespace(&new()).await.unwrap_err();
    assert!(matches!(error.class(), Class::Transient { .. } | Class::Ambiguous), "{error}");
}

/// Machines with work in them that GitHub can push, or cannot.
pub(super) struct Holding {
    pub pushes: bool,
}

#[async_trait]
impl Machines for Holding {
    async fn start(&self, name: &str) -> std::io::Result<()> {
        NoMachines.start(name).await
    }

    async fn stop(&self, _: &str) {}

    async fn delete(&self, _: &str) {}

    async fn connect(&self, name: &str) -> std::io::Result<Box<dyn Duplex>> {
        NoMachines.connect(name).await
    }

    async fn export(&self, _: &str, _: &str) -> std::io::Result<Option<String>> {
        if self.pushes { Ok(Some("ab".repeat(20))) } else { Err(std::io::ErrorKind::StorageFull.into()) }
    }
}

#[tokio::test]
async fn an_export_saves_the_work_to_a_branch() {
    let world = World::new().await;
    world.hub().set_machines(Arc::new(Holding { pushes: true }));
    let github = world.github();
    let name = github.create_codespace(&new()).await.unwrap().name;
    world.turn_on();
    assert_eq!(github.codespace_export(&name, "latest").await.unwrap(), None);
    let work = Work { ahead: 1, behind: 0, unpushed: true, uncommitted: true };
    world.hub().trouble(&name, Trouble::Work { work });
    assert!(github.codespace(&name).await.unwrap().unwrap().git.holds_work());
    let begun = github.export_codespace(&name).await.unwrap();
    assert_eq!(begun.state, ExportState::InProgress);
    let done = exported(&world, &github, &name, &begun.id).await;
    assert_eq!((done.state, done.sha), (ExportState::Succeeded, Some("ab".repeat(20))));
    assert!(done.branch.is_some());
}

/// The export as it ended.
async fn exported(
    world: &World,
    github: &GitHub,
    name: &str,
    id: &str,
) -> devtask::github::codespaces::Export {
    for _ in 0..500 {
        world.turn(TimeDelta::seconds(1));
        let found = github.codespace_export(name, id).await.unwrap().unwrap();
        if found.state != ExportState::InProgress {
            return found;
        }
        tokio::task::yield_now().await;
    }
    panic!("the export never ends");
}
