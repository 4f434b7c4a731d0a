//! A session in a codespace, from create to delete: the real server, real ssh, and boxes with a real SSH server.
//!
//! Nothing of the way is a model but GitHub's API and the agent. Figures: what our own part of a start takes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use devtask::client::{Remote, Target};
use devtask::clock::Clock;
use devtask::domain::ask::Answer;
use devtask::domain::lease::State;
use devtask::domain::session::Status;
use devtask::domain::{Actor, SessionId, Time};
use devtask::wire::api::{Act, Control, Create};
use devtask::wire::fleet::NodeView;
use devtask::wire::view::{AskView, SessionView};
use devtask::workbench::codespace::{Boxes, Settings as BoxSettings, missing};
use devtask::workbench::forge::codespaces::{Codespace, StopWhy, Trouble};
use devtask::workbench::forge::{Access, Forge, Scope};
use devtask::workbench::sample;
use futures_util::StreamExt;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;

use crate::bad::house::{BIN, end_all_of};

/// Everything goes over ssh, and other tests run beside.
const PATIENCE: Duration = Duration::from_mins(2);
const GLANCE: Duration = Duration::from_millis(50);

struct Street {
    forge: Forge,
    remote: Remote,
    serve: Option<Child>,
    dir: tempfile::TempDir,
}

impl Street {
    /// `None`, and a word about it, where no box can be started.
    async fn open(what: &str) -> Option<Self> {
        if let Some(why) = missing().await {
            crate::figures::skipped(&format!("{what}: {why}"));
            return None;
        }
        let dir = tempfile::Builder::new().prefix("devtask-street-").tempdir().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let reach = vec![listener.local_addr().unwrap()];
        let forge = Forge::start(&dir.path().join("forge"), listener).await.unwrap();
        let folder = dir.path().join("sample");
        sample::make(&folder).unwrap();
        forge.create_repo("demo", "sample", Some(&folder)).await.unwrap();
        forge.grant("demo", "sample", "ana", Access::Write).await.unwrap();
        let folder = dir.path().join("boxes");
        let boxes = BoxSettings { folder, program: BIN.into(), reach, shown: Vec::new() };
        forge.codespaces().set_machines(Arc::new(Boxes::new(boxes).unwrap()));
        forge.codespaces().settings(|s| {
            let moment = TimeDelta::milliseconds(200);
            (s.queued, s.provisioning, s.starting, s.shutting_down) = (moment, moment, moment, moment);
        });
        let token = forge.token("ana", Scope::FULL).await.unwrap();
        secret(&dir.path().join("ana.token"), token.expose_secret());
        secret(&dir.path().join("devtask.toml"), &config(&forge, dir.path()));
        let socket = Target::Socket(dir.path().join("data/devtask.sock"));
        let remote = Remote::new(socket, None, Clock::system());
        program(&dir.path().join("binaries"));
        let mut street = Self { forge, remote, serve: None, dir };
        street.start().await;
        Some(street)
    }

    async fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.path("serve.log")).unwrap();
        let mut command = Command::new(BIN);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.dir.path());
        command.env("DEVTASK_CONFIG", self.path("devtask.toml")).arg("serve");
        self.serve = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        self.until("the server answers", async || self.remote.ready().await.ok()).await;
    }

    fn kill(&mut self) {
        let mut serve = self.serve.take().unwrap();
        serve.kill().unwrap();
        serve.wait().unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    async fn create(&self, brief: &str) -> SessionId {
        let new: Create =
            serde_json::from_value(serde_json::json!({ "brief": brief, "repo": "demo/sample" })).unwrap();
        self.remote.create(&ana(), new, None).await.unwrap().id
    }

    async fn ask(&self, id: SessionId) -> AskView {
        self.until("it asks", async || {
            self.remote.asks().await.ok()?.into_iter().find(|ask| ask.session == id)
        })
        .await
    }

    async fn answer(&self, ask: &AskView, question: &str, words: &str) {
        let answers = [(question.to_owned(), words.to_owned())].into();
        self.remote.answer(&ana(), &ask.handle, Answer::Answers { answers }).await.unwrap();
    }

    async fn is(&self, id: SessionId, status: Status) -> SessionView {
        let what = format!("{id} is {}", status.name());
        self.until(&what, async || self.remote.show(id).await.ok().filter(|v| v.status == status)).await
    }

    async fn node(&self, id: SessionId, state: State) -> NodeView {
        let what = format!("the node of {id} is {}", state.name());
        self.until(&what, async || {
            let nodes = self.remote.nodes().await.ok()?;
            nodes.into_iter().find(|n| n.session == Some(id) && n.state == Some(state))
        })
        .await
    }

    /// From a codespace that may be used to an agent that works, as far as the program was built as it is brought.
    async fn says_overhead(&self, id: SessionId, available: Time) {
        let mut events = self.remote.events(id, 0).await.unwrap();
        let started = loop {
            let event = events.next().await.unwrap().unwrap();
            if event.kind == "agent.started" {
                break event.at;
            }
        };
        let took = (started - available).as_seconds_f64();
        if std::env::var_os("DEVTASK_NODE_BIN").is_some() {
            crate::figures::took("codespaces.overhead", took, 1.0);
        }
    }

    fn codespace(&self) -> Codespace {
        let all = self.forge.codespaces().all();
        let [one] = all.as_slice() else { panic!("{all:#?}") };
        one.clone()
    }

    async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
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
        let log = std::fs::read_to_string(self.path("serve.log")).unwrap_or_default();
        let nodes = self.remote.nodes().await;
        panic!("waited in vain until {what}\n{nodes:#?}\n{log}")
    }
}

impl Drop for Street {
    fn drop(&mut self) {
        if let Some(mut serve) = self.serve.take() {
            let _ = serve.kill();
            let _ = serve.wait();
        }
        end_all_of(self.dir.path());
    }
}

fn ana() -> Actor {
    Actor::Person("local/ana".to_owned())
}

fn secret(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// What is brought to a codespace: the node binary where it was built, else this one without its symbols.
fn program(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let to = folder.join(format!("devtask-{}", std::env::consts::ARCH));
    match std::env::var_os("DEVTASK_NODE_BIN") {
        Some(built) => drop(std::fs::copy(built, to).unwrap()),
        None => assert!(Command::new("strip").arg("-o").arg(to).arg(BIN).status().unwrap().success()),
    }
}

fn config(forge: &Forge, dir: &Path) -> String {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut all = toml::toml! {
        [http]
        listen = "127.0.0.1:0"
        [github]
        timeout_s = 10
        [control]
        agent = "scripted"
        provider = "codespaces"
        [control.limits]
        retry_backoff = 1
        done_grace = 1
        [nodes.codespaces]
        default_identity = "ana"
        identities = [{ name = "ana" }]
        [agents.scripted]
        command = ["/box/devtask", "agent-sim"]
    };
    all.insert("data_dir".into(), text(&dir.join("data")).into());
    for (key, value) in [
        ("api_url", forge.api_url()),
        ("git_base_url", forge.url().to_owned()),
        ("token_file", text(&dir.join("ana.token"))),
    ] {
        all["github"].as_table_mut().unwrap().insert(key.into(), value.into());
    }
    all["nodes"].as_table_mut().unwrap().insert("binaries".into(), text(&dir.join("binaries")).into());
    let far = all["nodes"]["codespaces"].as_table_mut().unwrap();
    far["identities"][0]
        .as_table_mut()
        .unwrap()
        .insert("token_file".into(), text(&dir.join("ana.token")).into());
    far.insert("gh".into(), toml::Value::from(vec![BIN, "gh-stand-in"]));
    toml::to_string(&all).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_runs_in_a_codespace_from_create_to_delete() {
    let Some(street) = Street::open("a session in a codespace").await else { return };
    let id = street.create("Make the greeting polite\n<script:question>").await;
    let up = |all: &[Codespace]| all.iter().any(Codespace::is_up);
    street.forge.codespaces().until(PATIENCE, up).await;
    let available = Clock::system().now();
    let ask = street.ask(id).await;
    street.says_overhead(id, available).await;
    let node = street.node(id, State::Ready).await;
    let codespace = street.codespace();
    assert_eq!(node.node_id, Some(format!("ana/{}", codespace.name)));
    assert_eq!(codespace.display_name, Some(format!("dt-{}", node.key)));
    assert!(node.cost_micro_usd.is_some(), "{node:?}");
    street.answer(&ask, "How shall the greeting end?", "With a full stop").await;
    let done = street.is(id, Status::Done).await;
    assert_eq!((done.attempt.0, done.evidence.len()), (1, 1), "{done:#?}");
    let pulls = street.forge.pulls().await.unwrap();
    assert_eq!(pulls.len(), 1);
    assert_eq!(pulls[0].url, done.pull_request.unwrap().url);
    street
        .until("the codespace is gone", async || street.forge.codespaces().all().is_empty().then_some(()))
        .await;
    let all_gone = async || street.remote.nodes().await.ok().filter(Vec::is_empty);
    street.until("no node is left", all_gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_codespace_that_stops_in_mid_turn_is_started_again_and_its_question_stands() {
    let Some(mut street) = Street::open("a codespace that stops").await else { return };
    let id = street.create("Make the greeting polite\n<script:question>").await;
    let ask = street.ask(id).await;
    let name = street.codespace().name;
    assert!(street.forge.codespaces().trouble(&name, Trouble::Stop { why: StopWhy::Lifetime }));
    street.kill();
    street.start().await;
    let noticed = street
        .until("GitHub's reason is told", async || {
            street
                .remote
                .nodes()
                .await
                .ok()?
                .into_iter()
                .find(|n| n.notice.is_some() && n.state == Some(State::Ready))
        })
        .await;
    assert!(noticed.notice.unwrap().contains("12 hours"));
    assert_eq!(street.codespace().name, name, "the same one");
    let still = street.ask(id).await;
    assert_eq!(still.ask.id, ask.ask.id, "the same question");
    street.answer(&still, "How shall the greeting end?", "With a full stop").await;
    let done = street.is(id, Status::Done).await;
    assert_eq!(done.failure, None);
    assert_eq!(street.forge.pulls().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_session_costs_nothing_and_goes_on_in_the_same_codespace() {
    let Some(street) = Street::open("a paused codespace").await else { return };
    let id = street.create("Write the greeting's history\n<script:long>").await;
    street.is(id, Status::Running).await;
    let name = street.codespace().name;
    street.remote.act(&ana(), id, Act::Pause { reason: None }, None).await.unwrap();
    street.is(id, Status::Paused).await;
    street.node(id, State::Suspended).await;
    assert!(!street.codespace().is_up());
    street.remote.act(&ana(), id, Act::Resume, None).await.unwrap();
    street.is(id, Status::Running).await;
    assert_eq!(street.codespace().name, name, "the same one");
    let done = street.is(id, Status::Done).await;
    assert_eq!((done.attempt.0, done.failure), (2, None));
    assert_eq!(street.forge.pulls().await.unwrap().len(), 1);
}
