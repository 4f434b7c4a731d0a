//! A house for one test: a data folder, a forge in this process, and `devtask serve` as a child that can be stopped,
//! killed and started again.
//!
//! Every wait has a deadline and ends with what was seen. A test ends with [`House::end`], which finds what was left
//! behind and compares the streams with the database. Must not know any story.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use devtask::client::{Remote, Target as Place};
use devtask::clock::Clock;
use devtask::domain::ask::{Answer, AskWhat, Decision};
use devtask::domain::session::{self, Status};
use devtask::domain::{Actor, SessionId};
use devtask::store::Store;
use devtask::sweep::Target;
use devtask::wire::api::{Act, Control, Refusal};
use devtask::wire::run::{MARK, file};
use devtask::wire::view::{AskView, SessionView};
use devtask::workbench::forge::{Forge, Scope};
use devtask::workbench::sample;
use devtask::workbench::script::{Script, Step};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::stream::{Seen, Stream};

pub const DEVTASK: &str = env!("CARGO_BIN_EXE_devtask");
/// The longest any one thing may take; the machine may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(20);

/// What differs between the tests' installations.
pub struct Rules {
    pub slots: u32,
    /// Seconds an agent is kept for an open ask.
    pub hold: u32,
    /// More `[control.limits]`.
    pub limits: Vec<(&'static str, toml::Value)>,
    pub require_approval_for: Vec<&'static str>,
    /// The real agent and the model it thinks with, instead of the scripted one.
    pub claude: Option<(PathBuf, String)>,
}

impl Default for Rules {
    fn default() -> Self {
        // Long enough that nothing is ever let go of by the clock alone.
        Self { slots: 2, hold: 600, limits: Vec::new(), require_approval_for: Vec::new(), claude: None }
    }
}

pub struct House {
    pub forge: Forge,
    pub dir: tempfile::TempDir,
    me: Actor,
    server: Option<Child>,
    streams: BTreeMap<SessionId, Stream>,
}

impl House {
    /// Everything set up, `demo/sample` on the forge, the control plane answering.
    pub async fn open(rules: Rules) -> Self {
        let dir = tempfile::Builder::new().prefix("devtask-whole-").tempdir().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let forge = Forge::start(&dir.path().join("forge"), listener).await.unwrap();
        let folder = dir.path().join("sample");
        sample::make(&folder).unwrap();
        forge.create_repo("demo", "sample", Some(&folder)).await.unwrap();
        let token = forge.token("demo", Scope::FULL).await.unwrap();
        std::fs::write(dir.path().join("forge.token"), token.expose_secret()).unwrap();
        let config = config(&rules, &forge, dir.path());
        std::fs::write(dir.path().join("devtask.toml"), config.to_string()).unwrap();
        let me = Actor::Person("local/ana".to_owned());
        let mut house = Self { forge, dir, me, server: None, streams: BTreeMap::new() };
        house.start().await;
        house
    }

    // --- the control plane ---

    pub async fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.dir.path().join("serve.log"));
        let mut serve = Command::new(DEVTASK);
        serve.arg("--data-dir").arg(self.data()).arg("--config").arg(self.dir.path().join("devtask.toml"));
        serve.arg("serve").env("DEVTASK_LOG", "info").env("ANTHROPIC_API_KEY", "sk-no-key-at-all");
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.unwrap()).kill_on_drop(true);
        self.server = Some(serve.spawn().unwrap());
        let remote = self.remote();
        self.wait("the control plane answers", async || remote.ready().await.is_ok()).await;
    }

    /// `kill -9`, as from outside.
    pub async fn kill(&mut self) {
        self.server.take().unwrap().kill().await.unwrap();
    }

    /// SIGTERM, and waits until it is gone by itself.
    pub async fn stop(&mut self) {
        let mut server = self.server.take().unwrap();
        kill(server.id().unwrap(), Signal::TERM);
        let ended = tokio::time::timeout(PATIENCE, server.wait()).await.expect("it ends by itself").unwrap();
        assert!(ended.success(), "the control plane ended with {ended}\n{}", self.logs());
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        self.data().join("devtask.sock")
    }

    pub fn remote(&self) -> Remote {
        Remote::new(Place::Socket(self.socket()), None, Clock::system())
    }

    // --- what a person does ---

    /// A session on the sample repository that plays these steps.
    pub async fn create(&mut self, steps: Vec<Step>) -> SessionId {
        self.create_on("demo/sample", Script::of(steps)).await
    }

    /// A session on any repository, with the repository's own checks.
    pub async fn create_on(&mut self, repo: &str, script: Script) -> SessionId {
        self.create_checked(repo, script, &[]).await
    }

    /// A session with checks of its own; its stream is read from now on.
    pub async fn create_checked(&mut self, repo: &str, script: Script, checks: &[&str]) -> SessionId {
        let brief = json!({"title": "Repair the greeting", "goal": script.tag(), "checks": checks});
        let new = serde_json::from_value(json!({"brief": brief, "repo": repo})).unwrap();
        let id = self.remote().create(&self.me, new, None).await.unwrap().id;
        self.streams.insert(id, Stream::follow(&self.socket(), id));
        id
    }

    pub async fn act(&self, id: SessionId, act: Act) -> Result<SessionView, Refusal> {
        self.remote().act(&self.me, id, act, None).await
    }

    pub async fn answer(&self, ask: &AskView, label: &str) -> Result<SessionView, Refusal> {
        self.remote().answer(&self.me, &ask.handle, with(ask, label)).await
    }

    pub async fn decide(&self, ask: &AskView, decide: Decision) -> Result<SessionView, Refusal> {
        self.remote().answer(&self.me, &ask.handle, Answer::Decide { decide, message: None }).await
    }

    pub async fn show(&self, id: SessionId) -> SessionView {
        self.remote().show(id).await.unwrap()
    }

    // --- what is seen ---

    pub fn stream(&self, id: SessionId) -> &Stream {
        &self.streams[&id]
    }

    pub fn seen(&self, id: SessionId) -> Seen {
        self.streams[&id].seen()
    }

    /// Waits until `is`; a session that failed is not waited for.
    pub async fn until(&self, id: SessionId, what: &str, is: impl Fn(&SessionView) -> bool) -> SessionView {
        let remote = self.remote();
        let last = std::sync::Mutex::new(None);
        self.wait_or(
            &format!("{id} {what}"),
            || format!("{:?}", last.lock().unwrap()),
            async || {
                let Ok(view) = remote.show(id).await else { return false };
                let failed = view.status == Status::Failed && !is(&view);
                assert!(!failed, "{id} failed: {:?}\n{}", view.failure, self.logs());
                let found = is(&view);
                *last.lock().unwrap() = Some(view);
                found
            },
        )
        .await;
        last.into_inner().unwrap().unwrap()
    }

    /// Waits for the session's open ask.
    pub async fn ask(&self, id: SessionId) -> AskView {
        self.until(id, "asks", |s| !s.asks.is_empty()).await.asks.remove(0)
    }

    /// Waits until it is done with a pull request and green evidence, and its stream has told all.
    pub async fn done(&self, id: SessionId) -> SessionView {
        let view = self.until(id, "is done", |s| s.status == Status::Done).await;
        let green = !view.evidence.is_empty() && view.evidence.iter().all(|e| e.exit_code == Some(0));
        assert!(green, "{id} has no green evidence: {:?}", view.evidence);
        let pulls = self.forge.pulls().await.unwrap();
        let number = view.pull_request.as_ref().expect("a pull request").number;
        let mine: Vec<_> = pulls.iter().filter(|p| Some(&p.head) == view.branch.as_ref()).collect();
        assert_eq!(mine.len(), 1, "{pulls:?}");
        assert_eq!((mine[0].number, mine[0].state), (number, "open"));
        assert_eq!(Some(&mine[0].head_sha), view.pushed_sha.as_ref());
        self.told(id).await;
        view
    }

    /// Waits until the stream has ended.
    pub async fn told(&self, id: SessionId) {
        let stream = self.stream(id);
        self.wait(&format!("the stream of {id} ends"), async || stream.look(|s| s.over)).await;
    }

    /// Paused for a person, and nothing of it runs.
    pub async fn asleep(&self, id: SessionId) -> SessionView {
        let view = self.until(id, "is paused", |s| s.status == Status::Paused).await;
        self.gone(id).await;
        view
    }

    /// Waits until no process of the session is left: agent and supervisor.
    pub async fn gone(&self, id: SessionId) {
        self.wait(&format!("nothing of {id} runs"), async || self.processes(id).is_empty()).await;
    }

    pub async fn wait(&self, what: &str, is: impl AsyncFnMut() -> bool) {
        self.wait_or(what, String::new, is).await;
    }

    async fn wait_or(&self, what: &str, seen: impl Fn() -> String, mut is: impl AsyncFnMut() -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !is().await {
                tokio::time::sleep(GLANCE).await;
            }
        });
        let found = waited.await.is_ok();
        assert!(found, "waited in vain until {what}; seen: {}\n{}", seen(), self.logs());
    }

    // --- processes ---

    /// The agent's processes and its tools', but for the cage around them.
    pub fn agents(&self, id: SessionId) -> BTreeSet<u32> {
        let marked = self.marked(&format!("/{id}."));
        marked.into_iter().filter(|pid| !argv(*pid).first().is_some_and(|a| a.ends_with("bwrap"))).collect()
    }

    /// The one supervisor of a session: who signed its home's lock and lives. One that finds the home taken is there
    /// for a moment too, and goes by itself.
    pub fn supervisor(&self, id: SessionId) -> Option<u32> {
        let alive = self.supervisors(id);
        let homes = std::fs::read_dir(self.data().join("nodes")).into_iter().flatten().flatten();
        let locks = homes.filter_map(|home| std::fs::read_to_string(home.path().join(file::LOCK)).ok());
        let mut signed = locks.filter_map(|lock| lock.split(' ').next()?.parse().ok());
        signed.find(|pid| alive.contains(pid))
    }

    /// Everything of one session.
    pub fn processes(&self, id: SessionId) -> BTreeSet<u32> {
        &self.marked(&format!("/{id}.")) | &self.supervisors(id)
    }

    fn supervisors(&self, id: SessionId) -> BTreeSet<u32> {
        let home = |arg: &String| {
            let name = arg.strip_prefix(&*self.data().join("nodes").to_string_lossy());
            name.is_some_and(|n| n.split('-').nth(1) == Some(&id.number().to_string()))
        };
        all()
            .filter(|pid| argv(*pid).iter().any(home) && argv(*pid).iter().any(|a| a == "supervise"))
            .collect()
    }

    fn marked(&self, rest: &str) -> BTreeSet<u32> {
        let Some(instance) = self.instance() else { return BTreeSet::new() };
        Target { mark: Some(format!("{MARK}={instance}{rest}")), below: None }.find()
    }

    /// The installation's mark, as any node was told it.
    fn instance(&self) -> Option<String> {
        let nodes = std::fs::read_dir(self.data().join("nodes")).ok()?;
        let runs = nodes.flatten().filter_map(|n| std::fs::read(n.path().join(file::RUN)).ok());
        let mut runs = runs.filter_map(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        runs.find_map(|run| Some(run["instance"].as_str()?.to_owned()))
    }

    /// Every process of this installation: marked, or named by its folder.
    fn left(&self) -> BTreeSet<u32> {
        let folder = self.dir.path().to_string_lossy().into_owned();
        let named = all().filter(|pid| argv(*pid).iter().any(|arg| arg.contains(&folder)));
        let named: BTreeSet<u32> = named.collect();
        &self.marked("/") | &named
    }

    // --- the end ---

    /// Ends the control plane and fails on anything that was left behind.
    pub async fn end(self) {
        let left = self.close().await;
        assert!(left.is_empty(), "processes are left: {left:#?}");
    }

    /// Ends the control plane; everything must be settled by then. Fails on a stream that is not the database, on a log
    /// that does not fold to its session, and on errors that were only logged. Gives the processes that were left.
    pub async fn close(mut self) -> Vec<String> {
        let streams = std::mem::take(&mut self.streams);
        let quiet = async {
            while streams.keys().any(|id| !self.processes(*id).is_empty()) {
                tokio::time::sleep(GLANCE).await;
            }
        };
        // What does not go in time is among those that are left.
        let _ = tokio::time::timeout(PATIENCE, quiet).await;
        self.stop().await;
        let left = self.left().into_iter().map(|pid| format!("{pid} {:?}", argv(pid))).collect();
        let store = Store::open(&self.data(), Clock::system()).await.unwrap();
        for (id, stream) in &streams {
            same(&store, *id, &stream.seen()).await;
        }
        store.close().await;
        let log = std::fs::read_to_string(self.dir.path().join("serve.log")).unwrap();
        let errors: Vec<&str> =
            log.lines().filter(|l| l.contains("ERROR") || l.contains("panicked")).collect();
        assert!(errors.is_empty(), "the control plane logged {errors:#?}");
        left
    }

    /// The ends of all logs, for a test that failed.
    pub fn logs(&self) -> String {
        let nodes = std::fs::read_dir(self.data().join("nodes")).into_iter().flatten().flatten();
        let logs = nodes.map(|n| n.path().join("supervisor.log"));
        let tail = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            format!("--- {}\n{}\n", path.display(), lines[lines.len().saturating_sub(25)..].join("\n"))
        };
        std::iter::once(self.dir.path().join("serve.log")).chain(logs).map(tail).collect()
    }
}

impl Drop for House {
    /// A test that failed leaves nothing behind either.
    fn drop(&mut self) {
        self.server = None;
        for pid in self.left() {
            kill(pid, Signal::KILL);
        }
    }
}

/// The stream is the log in the database, event by event, and the log folds to the row.
async fn same(store: &Store, id: SessionId, seen: &Seen) {
    assert_eq!(seen.breaks(), 0, "{id}: {:?}", seen.ids);
    let log = store.events(id, 0, usize::MAX >> 1, usize::MAX >> 1).await.unwrap();
    let kind = |e: &devtask::domain::event::Event| serde_json::to_value(&e.body).unwrap();
    let (told, kept) = (seen.events.iter(), log.iter());
    assert_eq!(seen.events.len(), log.len(), "{id}");
    for (told, kept) in told.zip(kept) {
        assert_eq!((&told["seq"], &told["body"]), (&json!(kept.seq), &kind(kept)), "{id}");
    }
    let row = store.row(id).await.unwrap().unwrap().session;
    let mut folded = session::fold(&log).unwrap();
    folded.ingested = row.ingested;
    assert_eq!(folded, *row, "{id}");
}

/// Answers all questions of an ask with one label.
pub fn with(ask: &AskView, label: &str) -> Answer {
    let AskWhat::Questions { questions } = &ask.ask.what else { panic!("no question: {ask:?}") };
    Answer::Answers { answers: questions.iter().map(|q| (q.question.clone(), label.to_owned())).collect() }
}

pub fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    // It may have gone in this very moment.
    let _ = kill_process(pid, signal);
}

/// Every process of the machine.
fn all() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|e| e.file_name().to_str()?.parse().ok())
}

/// Its argument list; empty for one that has ended and was not waited for.
fn argv(pid: u32) -> Vec<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    bytes
        .split(|b| *b == 0)
        .filter(|w| !w.is_empty())
        .map(|w| String::from_utf8_lossy(w).into_owned())
        .collect()
}

fn config(rules: &Rules, forge: &Forge, dir: &Path) -> toml::Table {
    let token_file = dir.join("forge.token").to_string_lossy().into_owned();
    let agent = if rules.claude.is_some() { "claude" } else { "scripted" };
    let mut limits = toml::toml! { retry_backoff = 0 };
    limits.insert("hold".to_owned(), rules.hold.into());
    limits.extend(rules.limits.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let mut agents = toml::Table::new();
    agents.insert(
        "scripted".to_owned(),
        toml::Value::try_from(json!({"command": [DEVTASK, "agent-sim"]})).unwrap(),
    );
    if let Some((program, url)) = &rules.claude {
        let claude = json!({
            "command": [program], "env": {"ANTHROPIC_BASE_URL": url}, "secrets": ["ANTHROPIC_API_KEY"],
        });
        agents.insert("claude".to_owned(), toml::Value::try_from(claude).unwrap());
    }
    let whole = json!({
        "http": {"listen": "127.0.0.1:0"},
        "github": {
            "api_url": forge.api_url(), "git_base_url": forge.url(), "token_file": token_file,
        },
        "control": {
            "slots": rules.slots, "agent": agent, "require_approval_for": rules.require_approval_for,
        },
        "nodes": {"local": {"unsandboxed": rules.claude.is_none()}},
    });
    let mut whole = toml::Table::try_from(whole).unwrap();
    let control = whole["control"].as_table_mut().unwrap();
    control.insert("limits".to_owned(), limits.into());
    whole.insert("agents".to_owned(), agents.into());
    whole
}

// --- steps ---

/// One question with two options.
pub fn question(text: &str) -> serde_json::Value {
    json!({"question": text, "header": "Choice", "options": ["Left", "Right"]})
}

pub fn asking(text: &str) -> Step {
    Step { ask: Some(question(text)), ..Step::default() }
}

/// The test of the sample passes, and the turn ends with what the last tool said.
pub fn finish() -> Vec<Step> {
    vec![Step::write("greet.sh", sample::REPAIRED), Step::text("Done.")]
}
