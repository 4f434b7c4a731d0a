//! A house for bad guests: a control plane in a process of its own, a forge in ours, one temporary folder for both.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use devtask::client::{Remote, Target};
use devtask::clock::Clock;
use devtask::domain::SessionId;
use devtask::domain::session::Status;
use devtask::wire::api::{Control, Create, Refusal};
use devtask::wire::view::SessionView;
use devtask::workbench::forge::{Forge, Scope};
use devtask::workbench::sample;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::desk::ana;

pub const BIN: &str = env!("CARGO_BIN_EXE_devtask");
/// The machine may be busy; nothing here waits this long when all is well.
const PATIENCE: Duration = Duration::from_mins(2);
const GLANCE: Duration = Duration::from_millis(20);
/// The sample repository on the forge.
pub const GREET: &str = "acme/greet";

pub struct House {
    pub forge: Forge,
    pub remote: Remote,
    serve: Child,
    dir: tempfile::TempDir,
}

impl House {
    pub async fn open() -> Self {
        Self::open_with("").await
    }

    /// `more`: tables of the configuration, after ours.
    pub async fn open_with(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let forge = Forge::start(&dir.path().join("forge"), listener).await.unwrap();
        let sample = dir.path().join("greet");
        sample::make(&sample).unwrap();
        forge.create_repo("acme", "greet", Some(&sample)).await.unwrap();
        let token = forge.token("acme", Scope::FULL).await.unwrap();
        std::fs::write(dir.path().join("forge.token"), token.expose_secret()).unwrap();
        own(&dir.path().join("forge.token"));
        std::fs::write(dir.path().join("devtask.toml"), config(dir.path(), &forge) + more).unwrap();
        let serve = serve(dir.path()).spawn().unwrap();
        let socket = Target::Socket(dir.path().join("data/devtask.sock"));
        let house = Self { forge, remote: Remote::new(socket, None, Clock::system()), serve, dir };
        house.until("the server answers", async || house.remote.ready().await.ok()).await;
        house
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The TCP door, as the server printed it.
    pub async fn address(&self) -> SocketAddr {
        let log = self.path("serve.log");
        let printed = async || {
            let text = std::fs::read_to_string(&log).ok()?;
            let (_, rest) = text.split_once("http://")?;
            rest.split_whitespace().next()?.trim_end_matches(['/', ',', '.']).parse().ok()
        };
        self.until("the address is printed", printed).await
    }

    pub fn token(&self) -> String {
        std::fs::read_to_string(self.path("data/token")).unwrap().trim().to_owned()
    }

    /// `fields` beside a brief for the sample.
    pub async fn create(&self, fields: Value) -> Result<SessionView, Refusal> {
        let mut new = json!({ "brief": "Make the greeting polite", "repo": GREET });
        for (name, value) in fields.as_object().unwrap() {
            new[name] = value.clone();
        }
        let new: Create = serde_json::from_value(new).unwrap();
        self.remote.create(&ana(), new, None).await
    }

    pub async fn made(&self, fields: Value) -> SessionId {
        self.create(fields).await.unwrap().id
    }

    /// The session once it fits.
    pub async fn when(&self, id: SessionId, what: &str, fits: impl Fn(&SessionView) -> bool) -> SessionView {
        let look = async || self.remote.show(id).await.ok().filter(|view| fits(view));
        let what = format!("{id} {what}");
        let waited = tokio::time::timeout(PATIENCE, poll(look)).await;
        match waited {
            Ok(view) => view,
            Err(tokio::time::error::Elapsed { .. }) => {
                panic!("{what}: {:#?}\n{}", self.remote.show(id).await, self.log())
            }
        }
    }

    pub async fn settled(&self, id: SessionId) -> SessionView {
        self.when(id, "is settled", |view| view.status.is_settled()).await
    }

    /// It failed, and only after `attempts`; what it says of it.
    pub async fn failure(&self, id: SessionId, attempts: u32) -> String {
        let view = self.settled(id).await;
        assert_eq!(view.status, Status::Failed, "{view:#?}");
        assert_eq!(json!(view.attempt), json!(attempts), "{view:#?}");
        self.plain(&view.failure.unwrap())
    }

    /// Nothing is stuck: a good session still goes from its brief to its pull request.
    pub async fn still_works(&self) {
        let id = self.made(json!({ "brief": "Make the greeting polite after all" })).await;
        let view = self.settled(id).await;
        assert_eq!(view.status, Status::Done, "{view:#?}\n{}", self.log());
        assert!(view.pull_request.is_some() && view.evidence.iter().all(|e| e.exit_code == Some(0)));
    }

    pub async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        match tokio::time::timeout(PATIENCE, poll(look)).await {
            Ok(found) => found,
            Err(tokio::time::error::Elapsed { .. }) => panic!("waited in vain until {what}\n{}", self.log()),
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("serve.log")).unwrap_or_default()
    }

    /// What Ana types and all she sees, without what differs from run to run.
    pub async fn types(&self, words: &[&str]) -> String {
        // Not on our thread: the forge answers there.
        let mut command = at_home(self.dir.path());
        command.args(words);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        self.plain(&said(&output))
    }

    /// `text` without paths, ports, hashes and ages.
    pub fn plain(&self, text: &str) -> String {
        let text = text.replace(self.forge.url(), "http://forge");
        plain(&text, self.dir.path())
    }

    /// The page of one session, without its ages and whether its node is gone already.
    pub async fn shows(&self, id: &str) -> String {
        let page = self.types(&["show", id]).await;
        let mut out = String::new();
        for line in page.lines() {
            let line = match line.trim_start() {
                rest if rest.starts_with("node ") => "  node      <node>",
                rest if rest.starts_with("age ") => "  age       <age>",
                rest if rest.starts_with('✓') => line.rsplit_once("  ").map_or(line, |(check, _)| check),
                _ => line,
            };
            writeln!(out, "{line}").unwrap();
        }
        out
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.serve.kill();
        let _ = self.serve.wait();
        end_all_of(self.dir.path());
    }
}

/// `devtask` as Ana has it: the house's configuration and nothing of this machine's.
pub fn at_home(dir: &Path) -> Command {
    let mut command = Command::new(BIN);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", dir).env("USER", "ana");
    command.env("DEVTASK_CONFIG", dir.join("devtask.toml")).current_dir(dir).stdin(Stdio::null());
    command
}

pub fn serve(dir: &Path) -> Command {
    let log = std::fs::File::options().create(true).append(true).open(dir.join("serve.log")).unwrap();
    let mut command = at_home(dir);
    command.arg("serve").stdout(Stdio::null()).stderr(log);
    command
}

/// Data, then talk line by line, then the exit code.
pub fn said(output: &Output) -> String {
    let mut out = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        writeln!(out, "! {line}").unwrap();
    }
    match output.status.code() {
        Some(0) => {}
        code => writeln!(out, "exit {}", code.map_or("by a signal".to_owned(), |c| c.to_string())).unwrap(),
    }
    out
}

pub fn plain(text: &str, dir: &Path) -> String {
    let text = text.replace(&dir.display().to_string(), "<dir>").replace(BIN, "devtask");
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let hex = word.len() >= 7 && word.chars().all(|c| c.is_ascii_hexdigit());
        let digit = word.chars().any(|c| c.is_ascii_digit());
        out.push_str(if hex && digit { "<hex>" } else { &word });
        word.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

fn config(dir: &Path, forge: &Forge) -> String {
    let place = |name: &str| json!(dir.join(name));
    let (data, token) = (place("data"), place("forge.token"));
    format!(
        "data_dir = {data}\n\
         [http]\nlisten = \"127.0.0.1:0\"\n\
         [github]\napi_url = \"{api}\"\ngit_base_url = \"{url}\"\ntoken_file = {token}\n\
         timeout_s = 2\n\
         [control]\nslots = 4\nagent = \"scripted\"\n\
         [control.limits]\nretry_backoff = 1\nmax_retries = 1\ncheck_timeout = 2\n\
         [nodes.local]\nunsandboxed = true\n\
         [agents.scripted]\ncommand = [\"{BIN}\", \"agent-sim\"]\n",
        api = forge.api_url(),
        url = forge.url(),
    )
}

fn own(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

async fn poll<T>(look: impl AsyncFn() -> Option<T>) -> T {
    loop {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Processes that name the folder on their command line: supervisors, and the agents in it.
pub fn processes_of(dir: &Path, word: &str) -> Vec<i32> {
    let name = dir.display().to_string();
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    let fits = |pid: &i32| {
        let read = |file| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (line, env) = (text(read("cmdline")), text(read("environ")));
        line.contains(word) && (line.contains(&name) || env.contains(&name))
    };
    all.filter(|pid| u32::try_from(*pid) != Ok(std::process::id())).filter(fits).collect()
}

/// Nothing of a test outlives it.
pub fn end_all_of(dir: &Path) {
    for pid in processes_of(dir, "") {
        if let Some(pid) = rustix::process::Pid::from_raw(pid) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// git, as Ana runs it in a checkout of hers.
pub fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Refusals as a person reads them.
pub fn refusal(done: Result<SessionView, Refusal>) -> String {
    let refused = done.unwrap_err();
    let hint = refused.hint.map(|h| format!("\n    hint: {h}")).unwrap_or_default();
    format!("{} | {}{hint}", serde_json::to_value(refused.code).unwrap().as_str().unwrap(), refused.message)
}
