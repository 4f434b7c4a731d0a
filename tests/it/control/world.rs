//! The bench every story plays on: store, clock, nodes, forge, and a control plane that can be restarted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta};
use devtask::clock::Clock;
use devtask::control::forge::Forge;
use devtask::control::settings::AgentSettings;
use devtask::control::{Local, Providers, Settings};
use devtask::domain::brief::Brief;
use devtask::domain::event::{Body, Event};
use devtask::domain::report::{CheckKind, Ending, Evidence, Pushed, Report};
use devtask::domain::session::Status;
use devtask::domain::{Actor, SessionId};
use devtask::store::{Row, Store};
use devtask::wire::api::{Control, Create, Refusal};
use devtask::wire::view::SessionView;
use tempfile::TempDir;

use super::forge::Fake;
use super::nodes::Nodes;
use super::supervisor::Supervisor;

pub struct World {
    pub dir: TempDir,
    pub clock: Clock,
    pub store: Store,
    pub nodes: Nodes,
    pub forge: Fake,
    pub local: Local,
    settings: Settings,
    /// A real forge instead of the model.
    other: Option<Arc<dyn Forge>>,
}

pub fn settings() -> Settings {
    let scripted = AgentSettings {
        command: vec!["scripted".into()],
        env: BTreeMap::new(),
        // Any variable that every environment has will do.
        secrets: vec!["PATH".into(), "DEVTASK_TEST_ABSENT".into()],
    };
    Settings {
        agent: "scripted".into(),
        agents: BTreeMap::from([("scripted".into(), scripted)]),
        ..Settings::default()
    }
}

pub fn ana() -> Actor {
    Actor::Person("local/ana".into())
}

pub fn id(number: u32) -> SessionId {
    SessionId::new(number).unwrap()
}

pub fn create(goal: &str) -> Create {
    Create {
        brief: Brief::from_text(goal),
        repo: "acme/shop".into(),
        base: None,
        provider: None,
        agent: None,
        model: None,
        effort: None,
        plan: false,
        priority: 0,
        labels: Vec::new(),
        requester: None,
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(settings()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::on(settings, None).await
    }

    pub async fn on(settings: Settings, other: Option<Arc<dyn Forge>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::by_hand(DateTime::from_timestamp(1_760_000_000, 0).unwrap());
        let store = Store::open(dir.path(), clock.clone()).await.unwrap();
        let (nodes, forge) = (Nodes::default(), Fake::default());
        let used = other.clone().unwrap_or_else(|| Arc::new(forge.clone()));
        let local = put_together(&settings, &store, &nodes, used, &clock);
        Self { dir, clock, store, nodes, forge, local, settings, other }
    }

    /// The control plane dies and comes back over the same database; nodes and supervisors never notice.
    pub async fn restart(&mut self) {
        self.local.shutdown().await;
        self.store.close().await;
        self.turn(1);
        self.store = Store::open(self.dir.path(), self.clock.clone()).await.unwrap();
        let used = self.other.clone().unwrap_or_else(|| Arc::new(self.forge.clone()));
        self.local = put_together(&self.settings, &self.store, &self.nodes, used, &self.clock);
    }

    /// Takes effect at the next restart.
    pub fn change(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
    }

    pub fn turn(&self, seconds: i64) {
        self.clock.turn(TimeDelta::seconds(seconds));
    }

    pub async fn create(&self, goal: &str) -> Result<SessionView, Refusal> {
        self.local.create(&ana(), create(goal), None).await
    }

    pub async fn row(&self, number: u32) -> Row {
        self.store.row(id(number)).await.unwrap().unwrap()
    }

    pub async fn show(&self, number: u32) -> SessionView {
        self.local.show(id(number)).await.unwrap()
    }

    pub async fn status(&self, number: u32) -> Status {
        self.row(number).await.session.status
    }

    /// Ticks until the row is as it should be; the clock stands still meanwhile.
    pub async fn until(&self, number: u32, what: &str, is: impl Fn(&Row) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            self.local.tick().await;
            let row = self.row(number).await;
            if is(&row) {
                return;
            }
            assert!(Instant::now() < deadline, "never {what}: {row:#?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub async fn until_status(&self, number: u32, status: Status) {
        self.until(number, status.name(), |row| row.session.status == status).await;
    }

    /// As [`World::until`], for what the far sides know.
    pub async fn until_so(&self, what: &str, is: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !is() {
            assert!(Instant::now() < deadline, "never {what}");
            self.local.tick().await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Lets everything that could happen happen, without the clock.
    pub async fn settle(&self) {
        for _ in 0..20 {
            self.local.tick().await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub fn supervisor(&self, number: u32) -> Supervisor {
        self.nodes.supervisor(number).expect("no supervisor was started")
    }

    /// A session that runs, and its supervisor.
    pub async fn running(&self) -> Supervisor {
        let view = self.create("Sort the basket").await.unwrap();
        self.until_status(view.id.number(), Status::Running).await;
        self.supervisor(view.id.number())
    }

    pub async fn events(&self, number: u32) -> Vec<Event> {
        self.store.events(id(number), 0, 10_000, usize::MAX >> 8).await.unwrap()
    }

    /// The log, a line each.
    pub async fn log(&self, number: u32) -> String {
        let events = self.events(number).await;
        let lines: Vec<String> = events.iter().map(line).collect();
        lines.join("\n")
    }

    /// Texts of the agent's messages in the order of the log.
    pub async fn markers(&self, number: u32) -> Vec<String> {
        let text = |e: &Event| match &e.body {
            Body::Report(Report::Message { text }) => Some(text.clone()),
            _ => None,
        };
        self.events(number).await.iter().filter_map(text).collect()
    }
}

fn put_together(
    settings: &Settings,
    store: &Store,
    nodes: &Nodes,
    forge: Arc<dyn Forge>,
    clock: &Clock,
) -> Local {
    let provider: Arc<dyn devtask::node::Provider> = Arc::new(nodes.clone());
    let providers: Providers = BTreeMap::from([("local".to_owned(), provider)]);
    Local::new(settings.clone(), store.clone(), providers, Some(forge), clock.clone()).unwrap()
}

fn line(event: &Event) -> String {
    let json = serde_json::to_value(&event.body).unwrap();
    let kind = json["kind"].as_str().unwrap();
    let more = match &event.body {
        Body::NodeChanged { state, .. } => format!(" {state:?}"),
        Body::Queued { why, .. } => format!(" {why:?}"),
        Body::Failed { cause } | Body::AttemptLost { cause } | Body::PublishFailed { cause, .. } => {
            format!(" {cause}")
        }
        Body::Report(Report::Message { text }) => format!(" {text}"),
        Body::Held { hold, .. } | Body::Lifted { hold, .. } => format!(" {}", hold.name()),
        Body::Published { pull_request } => format!(" #{}", pull_request.number),
        _ => String::new(),
    };
    format!("{} {kind}{more}", event.seq)
}

pub fn message(text: &str) -> Report {
    Report::Message { text: text.to_owned() }
}

pub fn finished() -> Ending {
    Ending::Finished {
        pushed: Some(Pushed { branch: "devtask/1-sort".into(), sha: "c0ffee".into(), tree: "7ee".into() }),
        evidence: vec![Evidence {
            command: "cargo test".into(),
            kind: CheckKind::Test,
            exit_code: Some(0),
            timed_out: false,
            duration_ms: 1_500,
            tests: Some(12),
            tree: "7ee".into(),
            tail: String::new(),
        }],
        summary: "The basket is sorted.".into(),
    }
}
