//! A GitHub with `acme/app`, and ana and bo, who may write there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{TimeDelta, TimeZone, Utc};
use devtask::clock::Clock;
use devtask::domain::lease::Key;
use devtask::domain::{Actor, SessionId};
use devtask::github::codespaces::NewCodespace;
use devtask::github::{self, GitHub};
use devtask::node::codespaces::{
    Account, Accounts, Codespaces, Door, IdentitySettings, NoAccounts, Reach, Settings,
};
use devtask::node::{Duplex, Link, NodeError, Output, Spec};
use devtask::workbench::forge::{Access, Fault, Forge, Scope, What, codespaces};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

pub(crate) const INSTANCE: &str = "0123456789abcdef";
pub(crate) const LIST: &str = "/api/v3/user/codespaces";
pub(crate) const OF_APP: &str = "/api/v3/repos/acme/app/codespaces";

pub(crate) struct World {
    pub forge: Forge,
    pub clock: Clock,
    pub dir: tempfile::TempDir,
    pub ana: SecretString,
}

impl World {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        seed(&dir.path().join("seed"));
        let clock = Clock::by_hand(Utc.with_ymd_and_hms(2026, 3, 2, 12, 0, 0).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let forge = Forge::start_with(&dir.path().join("forge"), listener, clock.clone()).await.unwrap();
        forge.create_repo("acme", "app", Some(&dir.path().join("seed"))).await.unwrap();
        forge.grant("acme", "app", "ana", Access::Write).await.unwrap();
        forge.grant("acme", "app", "bo", Access::Write).await.unwrap();
        let ana = forge.token("ana", Scope::FULL).await.unwrap();
        Self { forge, clock, dir, ana }
    }

    pub(crate) fn settings(&self) -> github::Settings {
        github::Settings {
            api_url: self.forge.api_url(),
            git_base_url: self.forge.url().to_owned(),
            ..github::Settings::default()
        }
    }

    /// Ana's.
    pub(crate) fn github(&self) -> GitHub {
        GitHub::with_token(&self.settings(), &self.ana, self.clock.clone()).unwrap()
    }

    pub(crate) fn hub(&self) -> codespaces::Codespaces {
        self.forge.codespaces()
    }

    pub(crate) fn turn(&self, by: TimeDelta) {
        self.clock.turn(by);
    }

    /// As long as anything at all takes, a list's lag among it.
    pub(crate) fn turn_on(&self) {
        self.turn(TimeDelta::seconds(10));
    }

    pub(crate) fn fault(&self, method: &str, path: &str, what: What) {
        self.forge.fault(Fault::new(method, path, what));
    }

    /// The next creation is carried out and never answered.
    pub(crate) fn lose_an_answer(&self) {
        self.forge.fault(Fault::new("POST", OF_APP, What::Drop).after());
    }

    pub(crate) fn count(&self, method: &str, path: &str) -> u64 {
        self.forge.calls().count(method, path)
    }

    /// How many there are, whatever a list says.
    pub(crate) fn there(&self) -> usize {
        self.hub().all().len()
    }

    /// The provider with one identity, ana.
    pub(crate) fn provider(&self) -> Codespaces {
        self.provider_of(vec![self.identity()])
    }

    pub(crate) fn identity(&self) -> IdentitySettings {
        IdentitySettings {
            name: "ana's".into(),
            token: Some(self.ana.clone()),
            people: vec!["local/ana".into()],
            ..IdentitySettings::default()
        }
    }

    pub(crate) fn provider_of(&self, identities: Vec<IdentitySettings>) -> Codespaces {
        self.provider_with(Settings { identities, ..Settings::default() }, Arc::new(NoAccounts))
    }

    pub(crate) fn provider_with(&self, settings: Settings, accounts: Arc<dyn Accounts>) -> Codespaces {
        let reach = Arc::new(Felt::default());
        self.provider_by(settings, accounts, reach)
    }

    pub(crate) fn provider_by(
        &self,
        settings: Settings,
        accounts: Arc<dyn Accounts>,
        reach: Arc<dyn Reach>,
    ) -> Codespaces {
        Codespaces::new(settings, &self.settings(), INSTANCE, self.clock.clone(), accounts, reach)
    }
}

pub(crate) fn new() -> NewCodespace {
    NewCodespace {
        owner: "acme".into(),
        name: "app".into(),
        display_name: "dt-01234567-1-1".into(),
        ..NewCodespace::default()
    }
}

pub(crate) fn key(session: u32) -> Key {
    Key::new(INSTANCE, SessionId::new(session).unwrap(), 1)
}

pub(crate) fn spec_of(repo: &str, owner: &str) -> Spec {
    let owner = Actor::Person(format!("local/{owner}"));
    Spec { repo: repo.parse().unwrap(), base: None, owner }
}

pub(crate) fn spec() -> Spec {
    spec_of("acme/app", "ana")
}

pub(crate) fn seed(at: &Path) {
    std::fs::create_dir(at).unwrap();
    std::fs::write(at.join("README.md"), "# app\n").unwrap();
    for args in [
        &["init", "--quiet", "--initial-branch=trunk", "."][..],
        &["add", "--all"],
        &["-c", "user.name=Ana", "-c", "user.email=ana@example.org", "commit", "--quiet", "-m", "start"],
    ] {
        let done =
            Command::new("git").args(args).current_dir(at).env("GIT_CONFIG_GLOBAL", "/dev/null").status();
        assert!(done.unwrap().success(), "git {args:?}");
    }
}

/// Accounts that a test changes.
#[derive(Default)]
pub(crate) struct Linked(pub Mutex<Vec<Account>>);

#[async_trait]
impl Accounts for Linked {
    async fn accounts(&self) -> Result<Vec<Account>, NodeError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

/// A way in that leads nowhere and remembers what it was asked for.
#[derive(Default)]
pub(crate) struct Felt {
    pub doors: Mutex<Vec<Door>>,
    /// The checkouts that had to be there.
    pub brought: Mutex<Vec<Option<PathBuf>>>,
    pub forgotten: Mutex<Vec<String>>,
}

#[async_trait]
impl Reach for Felt {
    async fn reach(&self, door: Door) -> Result<Box<dyn Link>, NodeError> {
        self.doors.lock().unwrap().push(door);
        Ok(Box::new(Nowhere))
    }

    async fn bring(&self, _link: &dyn Link, checkout: Option<PathBuf>) -> Result<(), NodeError> {
        self.brought.lock().unwrap().push(checkout);
        Ok(())
    }

    fn forget(&self, codespace: &str) {
        self.forgotten.lock().unwrap().push(codespace.to_owned());
    }
}

struct Nowhere;

#[async_trait]
impl Link for Nowhere {
    fn home(&self) -> &Path {
        Path::new("/workspaces/.devtask")
    }

    async fn put(&self, _: &[u8], _: &Path, _: u32) -> Result<(), NodeError> {
        Ok(())
    }

    async fn exec(&self, _: &[String], _: Duration) -> Result<Output, NodeError> {
        Ok(Output { code: Some(0), stdout: Vec::new(), stderr: Vec::new() })
    }

    async fn open(&self) -> Result<Box<dyn Duplex>, NodeError> {
        Err(NodeError::Transient { why: "nobody listens".into(), retry_after: None })
    }
}

/// A file with a token, as a link leaves it.
pub(crate) fn token_file(dir: &Path, name: &str, token: &SecretString) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, token.expose_secret()).unwrap();
    path
}
