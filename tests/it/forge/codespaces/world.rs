//! A forge whose clock the test turns, with ana's codespaces of `acme/app`.

use chrono::{TimeDelta, TimeZone, Utc};
use devtask::clock::{Clock, Time};
use devtask::workbench::forge::codespaces::{Codespaces, Settings};
use devtask::workbench::forge::{Access, Forge, Scope};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::forge::world::{Answer, World, commit, git};

pub(super) const OWN: &str = "/api/v3/user/codespaces";
pub(super) const OF_APP: &str = "/api/v3/repos/acme/app/codespaces";

/// A world with its clock.
pub(super) struct Still {
    pub world: World,
    pub clock: Clock,
}

pub(super) fn noon() -> Time {
    Utc.with_ymd_and_hms(2026, 3, 2, 12, 0, 0).unwrap()
}

impl Still {
    pub(super) async fn new() -> Self {
        Self::with(Clock::by_hand(noon())).await
    }

    pub(super) async fn with(clock: Clock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let seed = dir.path().join("seed");
        std::fs::create_dir_all(seed.join(".devcontainer/gpu")).unwrap();
        git(&seed, &["init", "--quiet", "--initial-branch=trunk", "."]);
        std::fs::write(seed.join(".devcontainer/devcontainer.json"), "{}\n").unwrap();
        std::fs::write(seed.join(".devcontainer/gpu/devcontainer.json"), "{}\n").unwrap();
        std::fs::write(seed.join(".devcontainer/gpu/Dockerfile"), "FROM scratch\n").unwrap();
        commit(&seed, "start");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let forge = Forge::start_with(&dir.path().join("forge"), listener, clock.clone()).await.unwrap();
        forge.create_repo("acme", "app", Some(&seed)).await.unwrap();
        forge.grant("acme", "app", "ana", Access::Write).await.unwrap();
        let token = forge.token("ana", Scope::FULL).await.unwrap();
        Self { world: World { forge, dir, token }, clock }
    }

    /// The same forge on the same folder, in its next life.
    pub(super) async fn restarted(self) -> Self {
        let Self { world: World { forge, dir, token }, clock } = self;
        drop(forge);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let forge = Forge::start_with(&dir.path().join("forge"), listener, clock.clone()).await.unwrap();
        Self { world: World { forge, dir, token }, clock }
    }

    pub(super) fn codespaces(&self) -> Codespaces {
        self.world.forge.codespaces()
    }

    pub(super) fn turn(&self, by: TimeDelta) {
        self.clock.turn(by);
    }

    /// Turns as far as a new codespace, or a started one, needs.
    pub(super) fn turn_until_up(&self) {
        let settings = self.codespaces().settings(|s: &mut Settings| s.clone());
        self.turn(settings.queued + settings.provisioning + settings.starting);
    }

    /// Ana asks.
    pub(super) async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask_as(&self.world.token, method, path, body).await
    }

    pub(super) async fn ask_as(&self, token: &SecretString, method: &str, path: &str, body: &str) -> Answer {
        self.world.ask(method, path, Some(token.expose_secret()), body).await
    }

    /// A new codespace of ana's: its name.
    pub(super) async fn made(&self, body: &str) -> String {
        let made = self.ask("POST", OF_APP, body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.body["name"].as_str().unwrap().to_owned()
    }

    /// As `made`, and `Available`.
    pub(super) async fn up(&self) -> String {
        let name = self.made("{}").await;
        self.turn_until_up();
        assert_eq!(self.state(&name).await, "Available");
        name
    }

    pub(super) async fn read(&self, name: &str) -> Value {
        let read = self.ask("GET", &format!("{OWN}/{name}"), "").await;
        assert_eq!(read.status, 200, "{}", read.body);
        read.body
    }

    pub(super) async fn state(&self, name: &str) -> String {
        self.read(name).await["state"].as_str().unwrap().to_owned()
    }

    pub(super) async fn listed(&self) -> Vec<String> {
        let list = self.ask("GET", OWN, "").await;
        let all = list.body["codespaces"].as_array().unwrap().clone();
        all.iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect()
    }
}
