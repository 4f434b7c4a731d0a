//! What goes wrong on the way to codespaces, and what stays right all the same.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use devtask::workbench::forge::codespaces::{Duplex, Machines, Made, Next, Trouble, Work};
use devtask::workbench::forge::{Fault, What};
use tokio::sync::{Mutex, Notify};

use super::world::{OF_APP, OWN, Still};

#[tokio::test]
async fn a_codespace_whose_answer_is_lost_exists_all_the_same() {
    let still = Still::new().await;
    still.world.forge.fault(Fault::new("POST", OF_APP, What::Drop).after());
    assert_eq!(still.ask("POST", OF_APP, r#"{"display_name": "dt-1"}"#).await.status, 0, "no answer");
    assert!(still.listed().await.is_empty(), "and not yet in a list");
    still.turn(TimeDelta::seconds(1));
    let list = still.ask("GET", OWN, "").await.body;
    assert_eq!(
        (list["total_count"].as_u64(), list["codespaces"][0]["display_name"].as_str()),
        (Some(1), Some("dt-1"))
    );
    still.world.forge.fault(Fault::new("POST", OF_APP, What::Drop));
    assert_eq!(still.ask("POST", OF_APP, "{}").await.status, 0);
    assert_eq!(still.codespaces().all().len(), 1, "this one was never made");
    assert_eq!(still.world.forge.calls().count("POST", OF_APP), 2);
}

#[tokio::test]
async fn limits_say_when_to_come_back() {
    let still = Still::new().await;
    let limits = [
        (What::SecondaryLimit { status: 403, seconds: 60 }, 403),
        (What::SecondaryLimit { status: 429, seconds: 60 }, 429),
        (What::Unavailable { seconds: 60 }, 503),
    ];
    for (what, status) in limits {
        still.world.forge.fault(Fault::new("POST", OF_APP, what));
        let answer = still.ask("POST", OF_APP, "{}").await;
        assert_eq!(answer.status, status);
        assert!(answer.head.contains("retry-after: 60"), "{}", answer.head);
        assert!(!answer.head.contains("x-ratelimit-remaining: 0\r\n"), "{}", answer.head);
    }
    assert!(still.codespaces().all().is_empty());
}

/// Machines that wait to be let go on, and may refuse to start.
#[derive(Default)]
struct Slow {
    go: Notify,
    refuses: std::sync::atomic::AtomicBool,
    done: Mutex<Vec<String>>,
}

impl Slow {
    async fn note(&self, what: &str) {
        self.done.lock().await.push(what.to_owned());
    }
}

#[async_trait]
impl Machines for Slow {
    async fn create(&self, made: &Made) -> io::Result<()> {
        let head = std::fs::read_to_string(made.repository_dir.join("HEAD"))?;
        self.note(&format!("create {} of {} at {}", made.branch, made.repository, head.trim())).await;
        Ok(())
    }

    async fn start(&self, _: &str) -> io::Result<()> {
        self.go.notified().await;
        self.note("start").await;
        if self.refuses.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(io::Error::other("no disk"));
        }
        Ok(())
    }

    async fn start_in_recovery(&self, _: &str) -> io::Result<()> {
        self.note("recovery").await;
        Ok(())
    }

    async fn stop(&self, _: &str) {
        self.note("stop").await;
    }

    async fn delete(&self, _: &str) {
        self.note("delete").await;
    }

    async fn connect(&self, _: &str) -> io::Result<Box<dyn Duplex>> {
        Err(io::ErrorKind::ConnectionRefused.into())
    }

    async fn work(&self, _: &str) -> Option<Work> {
        Some(Work { ahead: 2, unpushed: true, ..Work::default() })
    }
}

async fn reaches(still: &Still, name: &str, state: &str) {
    let within = Duration::from_secs(10);
    let all = still
        .codespaces()
        .until(within, |all| all.iter().any(|c| c.name == name && c.state() == state))
        .await;
    assert!(all.iter().any(|c| c.state() == state), "never {state}: {all:?}");
}

#[tokio::test]
async fn nothing_is_available_before_its_machine_is() {
    let still = Still::new().await;
    let machines = Arc::new(Slow::default());
    still.codespaces().set_machines(Arc::clone(&machines) as Arc<dyn Machines>);
    let name = still.made("{}").await;
    still.turn(TimeDelta::minutes(5));
    assert_eq!(still.state(&name).await, "Provisioning", "its machine takes its time");
    machines.go.notify_one();
    reaches(&still, &name, "Available").await;
    let status = &still.read(&name).await["git_status"];
    assert_eq!((status["ahead"].as_u64(), status["has_unpushed_changes"].as_bool()), (Some(2), Some(true)));

    still.ask("POST", &format!("{OWN}/{name}/stop"), "").await;
    still.turn(TimeDelta::seconds(1));
    reaches(&still, &name, "Shutdown").await;
    still.codespaces().trouble(&name, Trouble::Recovery { recovery: true });
    still.ask("POST", &format!("{OWN}/{name}/start"), "").await;
    still.turn_until_up();
    assert_eq!(still.state(&name).await, "Available", "a recovery container looks like any other");
    still.ask("DELETE", &format!("{OWN}/{name}"), "").await;
    let done = machines.done.lock().await.join("\n");
    insta::assert_snapshot!(done, @r"
    create trunk of acme/app at ref: refs/heads/trunk
    start
    stop
    recovery
    delete
    ");
}

#[tokio::test]
async fn a_machine_that_does_not_start_makes_a_failed_codespace() {
    let still = Still::new().await;
    let machines = Arc::new(Slow::default());
    machines.refuses.store(true, std::sync::atomic::Ordering::SeqCst);
    machines.go.notify_one();
    still.codespaces().set_machines(machines);
    let name = still.made("{}").await;
    still.turn(TimeDelta::seconds(1));
    reaches(&still, &name, "Failed").await;
    let start = still.ask("POST", &format!("{OWN}/{name}/start"), "").await;
    assert_eq!((start.status, start.body["message"].as_str()), (400, Some("Codespace cannot be started")));
    assert_eq!(still.ask("DELETE", &format!("{OWN}/{name}"), "").await.status, 202);
}

#[tokio::test]
async fn what_time_has_changed_is_there_after_a_restart() {
    let still = Still::new().await;
    let up = still.up().await;
    let settings = still.codespaces().settings(|s| s.clone());
    let making = still.made("{}").await;
    still.turn(settings.queued);
    assert_eq!(still.state(&making).await, "Provisioning");
    let waits = still.made("{}").await;

    let still = still.restarted().await;
    assert_eq!(still.state(&up).await, "Shutdown", "its host is another one now");
    let notice = still.codespaces().get(&up).unwrap().stop_notice;
    assert_eq!(notice.as_deref(), Some("The host of your codespace was restarted."));
    still.turn_until_up();
    assert_eq!(still.state(&making).await, "Available", "made from the start");
    assert_eq!(still.state(&waits).await, "Available");
    assert_eq!(still.ask("POST", &format!("{OWN}/{up}/start"), "").await.status, 200);
}

#[tokio::test]
async fn one_creation_that_is_to_fail_is_one() {
    let still = Still::new().await;
    still.codespaces().next_create(Next::Unavailable);
    assert_eq!(still.ask("POST", OF_APP, "{}").await.status, 503);
    assert_eq!(still.ask("POST", OF_APP, "{}").await.status, 201);
}
