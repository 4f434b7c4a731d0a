//! A town for one story: a workspace, a forge, and `devtask serve` as a child that can be killed and started again.
//!
//! People do what people do; waits have a deadline and end with what was seen. Must not know any story.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use devtask::client::{Remote, Target};
use devtask::clock::Clock;
use devtask::workbench::forge::{Forge, Scope};
use devtask::workbench::sample;
use devtask::workbench::slack::{Act, Place, Receipt, Slack};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::bad::house::{BIN, end_all_of};

/// The machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(20);
/// The owner of most stories, a teammate, a workspace admin, a guest, somebody from another workspace.
pub const ANA: &str = "U0ANA";
pub const BO: &str = "U0BO";
pub const CY: &str = "U0CY";
pub const GUS: &str = "U0GUS";
pub const ZOE: &str = "U0ZOE";
pub const DEV: &str = "C0DEV";
pub const QUIET: &str = "C0QUIET";

/// How deliveries reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Socket,
    Http,
}

pub struct Town {
    pub slack: Slack,
    pub forge: Forge,
    pub remote: Remote,
    mode: Mode,
    serve: Option<Child>,
    dir: tempfile::TempDir,
}

/// What differs from town to town.
pub struct Rules {
    pub slots: u32,
    /// Seconds an agent is kept for an open ask.
    pub hold: u32,
    /// `slack.repo`.
    pub repo: Option<&'static str>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { slots: 2, hold: 600, repo: Some("demo/sample") }
    }
}

impl Town {
    pub async fn open(mode: Mode) -> Self {
        Self::open_with(mode, Rules::default()).await
    }

    pub async fn open_with(mode: Mode, rules: Rules) -> Self {
        let dir = tempfile::Builder::new().prefix("devtask-town-").tempdir().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let forge = Forge::start(&dir.path().join("forge"), listener).await.unwrap();
        let folder = dir.path().join("sample");
        sample::make(&folder).unwrap();
        forge.create_repo("demo", "sample", Some(&folder)).await.unwrap();
        let token = forge.token("demo", Scope::FULL).await.unwrap();
        secret(&dir.path().join("forge.token"), token.expose_secret());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let slack = Slack::start_with(listener, super::manifest::as_installed(), Clock::system()).unwrap();
        let config = config(mode, &rules, &slack, &forge, dir.path());
        secret(&dir.path().join("devtask.toml"), &toml::to_string(&config).unwrap());
        let socket = Target::Socket(dir.path().join("data/devtask.sock"));
        let remote = Remote::new(socket, None, Clock::system());
        let mut town = Self { slack, forge, remote, mode, serve: None, dir };
        town.start().await;
        town
    }

    /// Starts the server and waits until Slack reaches it.
    pub async fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.path("serve.log")).unwrap();
        let mut command = Command::new(BIN);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.dir.path());
        command.env("DEVTASK_CONFIG", self.path("devtask.toml")).arg("serve");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let before = self.slack.connections().1;
        let printed = self.log().len();
        self.serve = Some(command.spawn().unwrap());
        self.until("the server answers", async || self.remote.ready().await.ok()).await;
        match self.mode {
            Mode::Socket => {
                self.until("a socket stands", async || (self.slack.connections().1 > before).then_some(()))
                    .await;
            }
            Mode::Http => {
                let address = self.until("the address is printed", async || self.address(printed)).await;
                self.slack.deliver_to(Some(&format!("http://{address}")));
                self.until("the address is verified", async || self.slack.verify_url().await.ok()).await;
            }
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut serve = self.serve.take().unwrap();
        serve.kill().unwrap();
        serve.wait().unwrap();
    }

    fn address(&self, from: usize) -> Option<SocketAddr> {
        let log = self.log();
        let (_, rest) = log.get(from..)?.split_once("http://")?;
        rest.split_whitespace().next()?.trim_end_matches(['/', ',', '.']).parse().ok()
    }

    /// Where the server listens, as it printed when it started first.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address(0).unwrap())
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("serve.log")).unwrap_or_default()
    }

    /// Types in a channel (or a thread) and waits until the app has acked it. Answers the message's `ts`.
    pub async fn says(&self, who: &str, channel: &str, text: &str, thread: Option<&str>) -> Option<String> {
        let receipt = self.slack.say(who, channel, text, thread).unwrap();
        self.acked(&receipt).await;
        receipt.ts
    }

    /// `/invite @devtask`: a mention reaches the app where it is a member.
    pub fn invite(&self, channel: &str) {
        self.slack.enter(channel, &self.slack.bot_user()).unwrap();
    }

    /// Presses the newest button with these words in the channel.
    pub async fn presses(&self, who: &str, words: &str) {
        let receipt = self
            .until(&format!("there is a button [{words}]"), async || self.slack.press(who, DEV, words).ok())
            .await;
        self.acked(&receipt).await;
    }

    pub async fn fills(&self, who: &str, at: Place, block: &str, action: &str, value: Value) {
        let act = Act::Fill { at, block: block.to_owned(), action: action.to_owned(), value };
        let receipt = self.slack.act(who, act).unwrap();
        self.acked(&receipt).await;
    }

    pub async fn submits(&self, who: &str) {
        let receipt = self.slack.act(who, Act::Submit).unwrap();
        self.acked(&receipt).await;
    }

    pub async fn acked(&self, receipt: &Receipt) {
        let Some(id) = &receipt.delivery else { return };
        let settled = self.slack.settled(id, PATIENCE).await.unwrap_or_default();
        assert_eq!(settled["outcome"], "acked", "{settled:#}\n{}", self.log());
    }

    /// Who has written the commits of a branch, beside those it began with.
    pub async fn authors(&self, branch: &str) -> Vec<String> {
        let range = format!("main..{branch}");
        let repo = self.forge.repo_dir("demo", "sample").unwrap();
        let mut git = tokio::process::Command::new("git");
        git.arg("--git-dir").arg(repo).args(["log", "--format=%an", &range]);
        let log = String::from_utf8(git.output().await.unwrap().stdout).unwrap();
        let mut authors: Vec<String> = log.lines().map(str::to_owned).collect();
        authors.dedup();
        authors
    }

    /// The channel, once it fits.
    pub async fn sees(&self, channel: &str, what: &str, fits: impl Fn(&str) -> bool) -> String {
        self.until(what, async || Some(self.seen(channel)).filter(|seen| fits(seen))).await
    }

    /// So many private words have come by now: what is done next is answered after them.
    pub async fn told(&self, times: usize) {
        let what = format!("{times} private words are there");
        self.sees(DEV, &what, |seen| seen.matches("(only ").count() >= times).await;
    }

    /// The channel and its threads as people see them, without what differs from run to run.
    pub fn seen(&self, channel: &str) -> String {
        let text = self.slack.transcript(channel).unwrap_or_default();
        let text = text.replace(&self.dir.path().display().to_string(), "<dir>");
        plain(&text.replace(self.forge.url(), "http://forge"))
    }

    pub async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let poll = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(GLANCE).await;
            }
        };
        if let Ok(found) = tokio::time::timeout(PATIENCE, poll).await {
            return found;
        }
        let seen = self.slack.transcript(DEV).unwrap_or_default();
        panic!("waited in vain until {what}\n--- #dev\n{seen}\n--- log\n{}", self.log())
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if let Some(mut serve) = self.serve.take() {
            let _ = serve.kill();
            let _ = serve.wait();
        }
        end_all_of(self.dir.path());
    }
}

fn secret(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn config(mode: Mode, rules: &Rules, slack: &Slack, forge: &Forge, dir: &Path) -> toml::Table {
    let tokens = slack.tokens();
    let mut ours = toml::toml! { bot_token = "" };
    ours.insert("bot_token".into(), tokens.bot.expose_secret().into());
    ours.insert("api_url".into(), slack.api_url().into());
    match mode {
        Mode::Socket => ours.insert("app_token".into(), tokens.app.expose_secret().into()),
        Mode::Http => ours.insert("signing_secret".into(), tokens.signing_secret.expose_secret().into()),
    };
    if let Some(repo) = rules.repo {
        ours.insert("repo".into(), repo.into());
    }
    let path = |name: &str| toml::Value::from(dir.join(name).to_string_lossy().into_owned());
    let mut all = toml::toml! {
        [http]
        listen = "127.0.0.1:0"
        [github]
        client_id = "devtask"
        timeout_s = 5
        [control]
        agent = "scripted"
        [control.limits]
        retry_backoff = 1
        max_retries = 1
        [nodes.local]
        unsandboxed = true
        [agents.scripted]
        command = []
    };
    all.insert("data_dir".into(), path("data"));
    all.insert("slack".into(), ours.into());
    for (table, key, value) in [
        ("github", "api_url", toml::Value::from(forge.api_url())),
        ("github", "git_base_url", forge.url().into()),
        ("github", "token_file", path("forge.token")),
        ("control", "slots", i64::from(rules.slots).into()),
        ("agents", "scripted", toml::toml! { command = ["PROGRAM", "agent-sim"] }.into()),
    ] {
        all[table].as_table_mut().unwrap().insert(key.into(), value);
    }
    all["control"]["limits"].as_table_mut().unwrap().insert("hold".into(), i64::from(rules.hold).into());
    all["agents"]["scripted"]["command"][0] = BIN.into();
    all
}

/// Hashes, moments and durations are not the same twice.
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        rest = if let Some(after) = moment(from) {
            out.push_str("<moment>");
            after
        } else if let Some(after) = duration(from) {
            out.push_str("<duration>");
            after
        } else {
            let end = from.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            let hex = word.len() >= 7 && word.chars().all(|c| c.is_ascii_hexdigit());
            let digit = word.chars().any(|c| c.is_ascii_digit());
            out.push_str(if hex && digit { "<hex>" } else { word });
            after
        };
    }
    out + rest
}

/// What follows `21 Nov 2026, 15:00 UTC`, where that is what the text begins with.
fn moment(text: &str) -> Option<&str> {
    let at = text.find(" UTC").filter(|at| *at < 24)?;
    let (said, rest) = text.split_at(at + 4);
    let digits = said.chars().filter(char::is_ascii_digit).count();
    (said.starts_with(|c: char| c.is_ascii_digit()) && digits >= 4 && said.contains(':')).then_some(rest)
}

/// What follows `1.2 s`, `3 s` or `2 min`.
fn duration(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|end| *end > 0)?;
    let after = text.get(end..)?.strip_prefix(' ')?;
    let unit = ["ms", "min", "s", "m"].into_iter().find(|unit| {
        after.strip_prefix(unit).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    })?;
    after.strip_prefix(unit)
}
