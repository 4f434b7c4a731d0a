//! A forge whose codespaces are boxes, and links into them.
//!
//! Must not know what a test wants to see.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use devtask::clock::Clock;
use devtask::node::ssh::{Settings, Ssh, SshLink, Target};
use devtask::node::{Link, NodeError, Output};
use devtask::workbench::codespace::{Boxes, Image, Settings as BoxSettings, missing};
use devtask::workbench::forge::codespaces::{Codespace, Codespaces};
use devtask::workbench::forge::{Access, Forge, Scope};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(super) const BIN: &str = env!("CARGO_BIN_EXE_devtask");
/// The same program as it lies in every box.
pub(super) const INSIDE: &str = "/box/devtask";
pub(super) const HOME: &str = "/workspaces/.devtask/fox";
pub(super) const CHECKOUT: &str = "/workspaces/app";
pub(super) const LIMIT: Duration = Duration::from_secs(30);

pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) forge: Forge,
    pub(super) boxes: Arc<Boxes>,
    pub(super) ssh: Ssh,
    token: SecretString,
    /// The one codespace, which is up.
    pub(super) name: String,
}

impl World {
    /// `None`, and a word about it, where no box can be started.
    pub(super) async fn new(what: &str) -> Option<Self> {
        Self::with(what, |_| {}).await
    }

    pub(super) async fn with(what: &str, image: impl FnOnce(&mut Image)) -> Option<Self> {
        if let Some(why) = missing().await {
            crate::figures::skipped(&format!("{what}: {why}"));
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let seed = dir.path().join("seed");
        std::fs::create_dir(&seed).unwrap();
        git(&seed, &["init", "-q", "--initial-branch=trunk", "."]);
        std::fs::write(seed.join("README.md"), "# app\n").unwrap();
        git(&seed, &["add", "."]);
        git(&seed, &["commit", "-qm", "start"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let forge = Forge::start(&dir.path().join("forge"), listener).await.unwrap();
        forge.create_repo("acme", "app", Some(&seed)).await.unwrap();
        forge.grant("acme", "app", "ana", Access::Write).await.unwrap();
        let token = forge.token("ana", Scope::FULL).await.unwrap();
        let settings = BoxSettings {
            folder: dir.path().join("boxes"),
            program: BIN.into(),
            reach: vec![address],
            shown: Vec::new(),
        };
        let boxes = Arc::new(Boxes::new(settings).unwrap());
        boxes.image(image);
        forge.codespaces().set_machines(boxes.clone());
        forge.codespaces().settings(|s| {
            let none = TimeDelta::zero();
            (s.queued, s.provisioning, s.starting, s.shutting_down) = (none, none, none, none);
        });
        let ssh = ssh(&dir.path().join("ssh"));
        let mut world = Self { dir, forge, boxes, ssh, token, name: String::new() };
        world.ask("POST", "/repos/acme/app/codespaces", "{}").await;
        world.until_up().await;
        world.name.clone_from(&world.codespaces().all().first().unwrap().name);
        Some(world)
    }

    pub(super) fn codespaces(&self) -> Codespaces {
        self.forge.codespaces()
    }

    async fn until_up(&self) {
        let up = |all: &[Codespace]| !all.is_empty() && all.iter().all(Codespace::is_up);
        let all = self.codespaces().until(LIMIT, up).await;
        assert!(up(&all), "{all:?}");
    }

    /// Ana asks the API.
    async fn ask(&self, method: &str, path: &str, body: &str) {
        let host = self.forge.url().strip_prefix("http://").unwrap();
        let request = format!(
            "{method} /api/v3{path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: test\r\nconnection: close\r\n\
             content-type: application/json\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
            self.token.expose_secret(),
            body.len()
        );
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    }

    pub(super) fn link(&self, key: &Path) -> SshLink {
        self.ssh.link(self.target(&self.name, key, INSIDE)).unwrap()
    }

    /// A link to the one codespace, by a program that lies in it already.
    pub(super) async fn linked(&self) -> SshLink {
        self.link(&self.ssh.key().await.unwrap())
    }

    /// `alias`: another name for the same box has a connection of its own.
    pub(super) fn target(&self, alias: &str, key: &Path, program: &str) -> Target {
        target(self.forge.api_url(), self.token.clone(), &self.name, alias, key, program)
    }

    /// What another process of this test needs to make such a link.
    pub(super) fn told(&self) -> String {
        [self.forge.api_url().as_str(), self.token.expose_secret(), &self.name].join(" ")
    }
}

pub(super) fn ssh(folder: &Path) -> Ssh {
    let settings = Settings { connect: LIMIT, alive: Duration::from_secs(1), ..Settings::default() };
    Ssh::new(folder, settings, Clock::system()).unwrap()
}

pub(super) fn target(
    api: String,
    token: SecretString,
    name: &str,
    alias: &str,
    key: &Path,
    program: &str,
) -> Target {
    let argv =
        [BIN, "gh-stand-in", "codespace", "ssh", "--stdio", "-c", name, "--", "-i", key.to_str().unwrap()];
    Target {
        alias: alias.to_owned(),
        user: "codespace".to_owned(),
        proxy_command: argv.map(str::to_owned).to_vec(),
        env: vec![("GITHUB_API_URL".to_owned(), api.into()), ("GH_ENTERPRISE_TOKEN".to_owned(), token)],
        home: PathBuf::from(HOME),
        program: program.into(),
    }
}

/// What a program printed that ended well.
pub(super) async fn said(link: &dyn Link, argv: &[&str]) -> String {
    let output = exec(link, argv).await.unwrap();
    assert_eq!(output.code, Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(super) async fn exec(link: &dyn Link, argv: &[&str]) -> Result<Output, NodeError> {
    let argv: Vec<String> = argv.iter().map(|w| (*w).to_owned()).collect();
    link.exec(&argv, LIMIT).await
}

pub(super) fn git(dir: &Path, args: &[&str]) -> String {
    let output = std::process::Command::new("git")
        .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.org"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
