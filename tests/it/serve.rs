//! `devtask serve` as one thing: store, control plane and doors, from start to end and back.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use devtask::cli::serve;
use devtask::cli::talk::Trouble;
use devtask::client::{Remote, Target};
use devtask::clock::Clock;
use devtask::config::{Config, Vars};
use devtask::control::Providers;
use devtask::wire::api::{Control, Create};
use serde_json::json;
use tokio::sync::oneshot;

use crate::desk::ana;

fn config(dir: &Path) -> Config {
    let vars = Vars::from([("HOME".to_owned(), "/nowhere".to_owned())]);
    let flags = [("data_dir", dir.display().to_string()), ("http.listen", "127.0.0.1:0".to_owned())];
    Config::read(None, &vars, &flags).unwrap()
}

/// A running server: what it said, and how to end it.
struct Served {
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<(Result<(), Trouble>, String)>,
    remote: Remote,
}

impl Served {
    async fn start(dir: &Path) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let config = config(dir);
        let done = tokio::spawn(async move {
            let mut talk = Vec::new();
            let end = async {
                let _ = stopped.await;
            };
            let done = serve::run(config, |_| Ok(Providers::new()), &mut talk, end).await;
            (done, String::from_utf8(talk).unwrap())
        });
        let remote = Remote::new(Target::Socket(dir.join("devtask.sock")), None, Clock::system());
        for _ in 0..500 {
            if remote.ready().await.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        Self { stop, done, remote }
    }

    async fn end(self) -> String {
        self.stop.send(()).unwrap();
        let (done, talk) = self.done.await.unwrap();
        done.unwrap();
        talk
    }
}

#[tokio::test]
async fn a_session_outlives_its_server() {
    let home = tempfile::tempdir().unwrap();
    let (dir, repo) = (home.path().join("data"), home.path().join("repo"));
    std::fs::create_dir(&repo).unwrap();
    let git = std::process::Command::new("git").args(["init", "-q", "--"]).arg(&repo).status().unwrap();
    assert!(git.success());
    let first = Served::start(&dir).await;
    let new: Create = serde_json::from_value(json!({"brief": "Add a retry", "repo": repo})).unwrap();
    let made = first.remote.create(&ana(), new, None).await;
    let second_at_once = {
        let mut talk = Vec::new();
        serve::run(config(&dir), |_| Ok(Providers::new()), &mut talk, async {}).await
    };
    let refused = second_at_once.unwrap_err();
    assert_eq!(refused.exit(), 3);
    assert!(refused.text().unwrap().contains("another DevTask uses this data folder"), "{refused:?}");
    let talk = first.end().await;
    assert!(talk.starts_with("DevTask 0.1.0 listens on http://127.0.0.1:"), "{talk}");
    assert_eq!(talk.lines().count(), 1);

    let again = Served::start(&dir).await;
    match made {
        Ok(view) => assert_eq!(again.remote.show(view.id).await.unwrap().brief.goal, "Add a retry"),
        // Without providers there is nowhere to run, and that is said before anything is made.
        Err(refusal) => assert!(refusal.message.contains("provider"), "{refusal}"),
    }
    again.end().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let mut talk = Vec::new();
    let refused = serve::run(config(&file), |_| Ok(Providers::new()), &mut talk, async {}).await.unwrap_err();
    assert_eq!(refused.exit(), 3);
    assert!(refused.text().unwrap().contains(&file.display().to_string()));
}

#[tokio::test]
async fn codespaces_are_there_where_somebody_may_have_one_and_nothing_is_asked_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let store = devtask::store::Store::open(dir.path(), clock.clone()).await.unwrap();
    let names = |config: &Config| {
        let ground = serve::Ground { config, store: &store, clock: &clock, caged: true };
        serve::providers(&ground).unwrap().into_keys().collect::<Vec<_>>()
    };
    let mut config = config(dir.path());
    assert_eq!(names(&config), ["local"]);
    config.nodes.codespaces.gh = vec!["/nowhere/gh".to_owned()];
    config.github.client_id = Some("Iv1.abc".to_owned());
    assert_eq!(names(&config), ["codespaces", "local"]);
}
