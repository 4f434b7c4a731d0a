//! The provider with codespaces that can be reached: boxes on this machine, by the system's ssh and its own clock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use devtask::clock::Clock;
use devtask::github;
use devtask::node::bootstrap::Binaries;
use devtask::node::codespaces::{Codespaces, IdentitySettings, NoAccounts, OverSsh, Settings};
use devtask::node::ssh::{self, Ssh};
use devtask::node::{NodeError, Provider, Spec};
use devtask::workbench::codespace::{Boxes, Settings as BoxSettings, missing};
use devtask::workbench::forge::codespaces::Codespace;
use devtask::workbench::forge::{Access, Forge, Scope};
use secrecy::SecretString;
use tokio::net::TcpListener;

use super::world::{INSTANCE, World, seed, spec};
use crate::node_conformance::Place;

const BIN: &str = env!("CARGO_BIN_EXE_devtask");
const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct Boxed {
    dir: tempfile::TempDir,
    forge: Forge,
    ana: SecretString,
}

impl Boxed {
    /// `None`, and a word about it, where no box can be started.
    pub(crate) async fn new(what: &str) -> Option<Self> {
        if let Some(why) = missing().await {
            crate::figures::skipped(&format!("{what}: {why}"));
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        seed(&dir.path().join("seed"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reach = vec![listener.local_addr().unwrap()];
        let forge = Forge::start(&dir.path().join("forge"), listener).await.unwrap();
        forge.create_repo("acme", "app", Some(&dir.path().join("seed"))).await.unwrap();
        forge.grant("acme", "app", "ana", Access::Write).await.unwrap();
        let ana = forge.token("ana", Scope::FULL).await.unwrap();
        let folder = dir.path().join("boxes");
        let boxes =
            Boxes::new(BoxSettings { folder, program: BIN.into(), reach, shown: Vec::new() }).unwrap();
        forge.codespaces().set_machines(Arc::new(boxes));
        forge.codespaces().settings(|s| {
            let none = TimeDelta::zero();
            (s.queued, s.provisioning, s.starting, s.shutting_down) = (none, none, none, none);
        });
        Some(Self { dir, forge, ana })
    }

    fn ssh(&self) -> Ssh {
        Ssh::new(&self.dir.path().join("ssh"), ssh::Settings::default(), Clock::system()).unwrap()
    }
}

#[async_trait]
impl Place for Boxed {
    fn provider(&self) -> Box<dyn Provider> {
        let ana = IdentitySettings {
            name: "ana".into(),
            token: Some(self.ana.clone()),
            ..IdentitySettings::default()
        };
        let settings = Settings {
            identities: vec![ana],
            gh: [BIN, "gh-stand-in"].map(str::to_owned).to_vec(),
            ..Settings::default()
        };
        let github = github::Settings { api_url: self.forge.api_url(), ..github::Settings::default() };
        let reach = Arc::new(OverSsh::new(self.ssh(), Binaries::new(None)));
        let accounts = Arc::new(NoAccounts);
        Box::new(Codespaces::new(settings, &github, INSTANCE, Clock::system(), accounts, reach))
    }

    fn spec(&self) -> Spec {
        spec()
    }

    async fn settle(&self) {
        let up = |all: &[Codespace]| !all.is_empty() && all.iter().all(Codespace::is_up);
        let all = self.forge.codespaces().until(LIMIT, up).await;
        assert!(up(&all), "{all:?}");
    }

    fn there(&self) -> usize {
        self.forge.codespaces().all().len()
    }
}

#[tokio::test]
async fn the_repository_is_where_preparing_looks_for_it() {
    let Some(place) = Boxed::new("a codespace's checkout").await else { return };
    let node = crate::node_conformance::ready(&place, 1).await;
    let link = place.provider().link(&node).await.unwrap();
    let argv = ["test", "-e", "/workspaces/app/.git"].map(str::to_owned);
    assert_eq!(link.exec(&argv, LIMIT).await.unwrap().code, Some(0));
    assert_eq!(link.program(), Some(Path::new("/workspaces/.devtask/bin/devtask")));
}

#[tokio::test]
async fn a_codespace_nobody_could_reach_is_not_made() {
    let world = World::new().await;
    let ssh = Ssh::new(&world.dir.path().join("ssh"), ssh::Settings::default(), world.clock.clone()).unwrap();
    let reach = Arc::new(OverSsh::new(ssh, Binaries::new(None)));
    let gh = vec!["/nowhere/gh".to_owned()];
    let settings = Settings { identities: vec![world.identity()], gh, ..Settings::default() };
    let refused = world.provider_by(settings, Arc::new(NoAccounts), reach).preflight(&spec()).await;
    let Err(NodeError::Permanent(why)) = refused else { panic!("{refused:?}") };
    assert!(why.starts_with("`/nowhere/gh` was not found where DevTask runs"), "{why}");
    assert_eq!(world.there(), 0);
}
