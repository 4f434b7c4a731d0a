//! A forge with one repository, `acme/app`, and three people: acme owns it, ana may write, bob may read.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use devtask::github::{self, GitHub, NewPull};
use devtask::workbench::forge::{Access, Forge, Scope};
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(super) const PULLS: &str = "/api/v3/repos/acme/app/pulls";
pub(super) const BRANCH: &str = "devtask/7-greet";

pub(super) struct World {
    pub forge: Forge,
    pub dir: tempfile::TempDir,
    /// Ana's.
    pub token: SecretString,
}

pub(super) struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

impl World {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let seed = dir.path().join("seed");
        std::fs::create_dir(&seed).unwrap();
        git(&seed, &["init", "--quiet", "--initial-branch=trunk", "."]);
        std::fs::write(seed.join("README.md"), "# app\n").unwrap();
        commit(&seed, "start");
        let forge = start(dir.path()).await;
        forge.create_repo("acme", "app", Some(&seed)).await.unwrap();
        forge.grant("acme", "app", "ana", Access::Write).await.unwrap();
        let token = forge.token("ana", Scope::FULL).await.unwrap();
        Self { forge, dir, token }
    }

    pub(super) fn settings(&self, token: Option<&SecretString>) -> github::Settings {
        github::Settings {
            api_url: self.forge.api_url(),
            git_base_url: self.forge.url().to_owned(),
            token: token.cloned(),
            ..github::Settings::default()
        }
    }

    pub(super) fn github(&self) -> GitHub {
        GitHub::new(&self.settings(Some(&self.token))).unwrap()
    }

    /// Ana's, for calls that are never answered.
    pub(super) fn hasty(&self) -> GitHub {
        let settings = github::Settings { timeout_s: 2, ..self.settings(Some(&self.token)) };
        GitHub::new(&settings).unwrap()
    }

    pub(super) async fn github_of(&self, login: &str, scope: Scope) -> GitHub {
        let token = self.forge.token(login, scope).await.unwrap();
        GitHub::new(&self.settings(Some(&token))).unwrap()
    }

    /// Clones over HTTP into a new folder.
    pub(super) async fn clone_to(&self, name: &str, credential: Option<&SecretString>) -> PathBuf {
        let url = format!("{}/acme/app.git", self.forge.url());
        let to = self.dir.path().join(name);
        let out =
            self.git(self.dir.path(), &["clone", "--quiet", &url, to.to_str().unwrap()], credential).await;
        assert!(out.status.success(), "{}", said(&out));
        to
    }

    /// Runs git with a credential (`user:password`), lent for this one command.
    pub(super) async fn git(&self, at: &Path, args: &[&str], credential: Option<&SecretString>) -> Output {
        let mut all = Vec::new();
        let store = tempfile::NamedTempFile::new().unwrap();
        let helper = format!("credential.helper=store --file={}", store.path().display());
        if let Some(credential) = credential {
            let host = self.forge.url().strip_prefix("http://").unwrap();
            std::fs::write(store.path(), format!("http://{}@{host}\n", credential.expose_secret())).unwrap();
            all.extend(["-c", &helper]);
        }
        all.extend(args);
        let mut command = tokio::process::Command::from(git_command(at, &all));
        command.kill_on_drop(true).output().await.unwrap()
    }

    /// A clone with a commit on [`BRANCH`], pushed with ana's credential, the way a supervisor does.
    pub(super) async fn pushed(&self) -> PathBuf {
        let credential = self.github().credential();
        let clone = self.clone_to("work", credential.as_ref()).await;
        git(&clone, &["checkout", "--quiet", "-b", BRANCH]);
        std::fs::write(clone.join("greet.txt"), "hello\n").unwrap();
        commit(&clone, "greet");
        let refs = [&format!("HEAD:refs/heads/{BRANCH}"), "HEAD:refs/devtask/attempt/7"];
        let out = self
            .git(&clone, &["push", "--quiet", "--atomic", "origin", refs[0], refs[1]], credential.as_ref())
            .await;
        assert!(out.status.success(), "{}", said(&out));
        clone
    }

    /// One request as bytes on the wire: also such as no client would send.
    pub(super) async fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        let authorization = token.map(|t| format!("authorization: Bearer {t}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: forge\r\nuser-agent: test\r\nconnection: close\r\n\
             content-type: application/json\r\n{authorization}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.raw(request.as_bytes()).await
    }

    pub(super) async fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.forge.url().strip_prefix("http://").unwrap()).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
    }
}

pub(super) async fn start(dir: &Path) -> Forge {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Forge::start(&dir.join("forge"), listener).await.unwrap()
}

/// Whoever publishes has not changed their mind.
pub(super) fn always() -> BoxFuture<'static, bool> {
    Box::pin(std::future::ready(true))
}

pub(super) fn new_pull() -> NewPull {
    NewPull {
        owner: "acme".into(),
        name: "app".into(),
        head: BRANCH.into(),
        base: "trunk".into(),
        title: "Greet people".into(),
        body: "It says hello.".into(),
        draft: false,
    }
}

fn git_command(at: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(at).env_clear().env("HOME", at).args(args).stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("GIT_TERMINAL_PROMPT", "0");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("LC_ALL", "C");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ana").env(format!("GIT_{who}_EMAIL"), "ana@example.org");
        command.env(format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z");
    }
    command
}

/// git where it must succeed and talks to nobody.
pub(super) fn git(at: &Path, args: &[&str]) -> String {
    let out = git_command(at, args).output().unwrap();
    assert!(out.status.success(), "git {args:?}: {}", said(&out));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

pub(super) fn commit(at: &Path, message: &str) {
    git(at, &["add", "--all"]);
    git(at, &["commit", "--quiet", "--message", message]);
}

pub(super) fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}
