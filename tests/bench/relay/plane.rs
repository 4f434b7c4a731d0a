//! A control plane with its HTTP door over a folder of its own, whose nodes are sockets in that folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use devtask::clock::Clock;
use devtask::control::settings::AgentSettings;
use devtask::control::{Local, Providers, Settings};
use devtask::domain::brief::Brief;
use devtask::domain::lease::Key;
use devtask::domain::session::Status;
use devtask::domain::{Actor, SessionId};
use devtask::http::{self, Doors, Parts};
use devtask::node::{Caps, Condition, Duplex, Link, NodeError, NodeRef, Output, Owned, Provider, Spec};
use devtask::store::{Row, Store};
use devtask::wire::api::{Control, Create};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::super::process::repository;
use super::far::{Pace, Plan};

pub struct Plane {
    dir: TempDir,
    local: Local,
    store: Store,
    closing: CancellationToken,
    doors: tokio::task::JoinHandle<()>,
}

impl Plane {
    pub async fn start(slots: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        repository(&dir.path().join("repo"));
        let (data, clock) = (dir.path().join("data"), Clock::system());
        let store = Store::open(&data, clock.clone()).await.unwrap();
        let nodes: Arc<dyn Provider> = Arc::new(Nodes { dir: Some(dir.path().to_owned()) });
        let nodes = Providers::from([("local".to_owned(), nodes)]);
        let local = Local::start(settings(slots), store.clone(), nodes, None, clock.clone()).unwrap();
        let listen = http::Settings { listen: "127.0.0.1:0".into(), ..http::Settings::default() };
        let doors = Doors::open(&listen, &data, &clock).await.unwrap();
        let closing = CancellationToken::new();
        let parts = Parts {
            control: Arc::new(local.clone()),
            health: Arc::new(|| Box::pin(std::future::ready(Vec::new()))),
            metrics: devtask::telemetry::figures(),
            closing: closing.clone(),
        };
        let doors = tokio::spawn(doors.serve(parts));
        Self { dir, local, store, closing, doors }
    }

    /// What the far sides are to do.
    pub fn plan(&self, sessions: u32, pace: Pace) -> Plan {
        let read = matches!(pace, Pace::Calm { .. });
        let http = read.then(|| self.dir.path().join("data").join(http::SOCKET));
        Plan { dir: self.dir.path().to_owned(), sessions, pace, http }
    }

    /// So many sessions run in all.
    pub async fn running(&self, sessions: u32) {
        let path = self.dir.path().join("repo").to_string_lossy().into_owned();
        for _ in self.store.open_rows().len()..sessions as usize {
            let ana = Actor::Person("local/ana".into());
            self.local.create(&ana, create(&path), None).await.unwrap();
        }
        self.all(sessions, |row| row.session.status == Status::Running).await;
    }

    /// Every session's events are committed.
    pub async fn ingested(&self, sessions: u32, each: u64) {
        self.all(sessions, move |row| row.session.ingested >= each).await;
    }

    async fn all(&self, sessions: u32, is: impl Fn(&Row) -> bool) {
        for number in 1..=sessions {
            // Looks seldom, so that looking costs nothing.
            while !self.row(number).await.is_some_and(|row| is(&row)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    async fn row(&self, number: u32) -> Option<Row> {
        self.store.row(SessionId::new(number)?).await.unwrap()
    }

    pub async fn end(self) {
        self.closing.cancel();
        self.local.shutdown().await;
        self.doors.await.unwrap();
        self.store.close().await;
    }
}

pub fn settings(slots: u32) -> Settings {
    let agent = AgentSettings { command: vec!["none".into()], ..AgentSettings::default() };
    let agents = BTreeMap::from([("none".into(), agent)]);
    Settings { agent: "none".into(), agents, slots, ..Settings::default() }
}

pub fn create(repo: &str) -> Create {
    Create {
        brief: Brief::from_text(
            "Teach the parser about nested comments; today it stops at the first end mark.",
        ),
        repo: repo.to_owned(),
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

/// A provider whose nodes are there at once: node `3` is the socket `3.sock` below `dir`. Without a folder it never
/// delivers one.
pub struct Nodes {
    pub dir: Option<PathBuf>,
}

#[async_trait]
impl Provider for Nodes {
    fn kind(&self) -> &'static str {
        "bench"
    }
    fn caps(&self) -> Caps {
        Caps { suspend: false, max_lifetime: None, survives_restart: false }
    }
    async fn preflight(&self, _: &Spec) -> Result<(), NodeError> {
        Ok(())
    }
    async fn ensure(&self, key: &Key, _: &Spec) -> Result<NodeRef, NodeError> {
        match &self.dir {
            Some(_) => Ok(NodeRef { name: key.as_str().split('-').nth(1).unwrap().to_owned() }),
            None => std::future::pending().await,
        }
    }
    async fn inspect(&self, _: &NodeRef) -> Result<Condition, NodeError> {
        Ok(Condition::Ready)
    }
    async fn start(&self, _: &NodeRef) -> Result<(), NodeError> {
        Ok(())
    }
    async fn stop(&self, _: &NodeRef) -> Result<(), NodeError> {
        Ok(())
    }
    async fn destroy(&self, _: &NodeRef) -> Result<(), NodeError> {
        Ok(())
    }
    async fn list_owned(&self, _: &str) -> Result<Vec<Owned>, NodeError> {
        Ok(Vec::new())
    }
    async fn link(&self, node: &NodeRef) -> Result<Box<dyn Link>, NodeError> {
        let dir = self.dir.as_ref().ok_or(NodeError::Gone)?;
        Ok(Box::new(Socket(dir.join(format!("{}.sock", node.name)))))
    }
}

struct Socket(PathBuf);

#[async_trait]
impl Link for Socket {
    fn home(&self) -> &Path {
        Path::new("/far")
    }
    async fn put(&self, _: &[u8], _: &Path, _: u32) -> Result<(), NodeError> {
        Ok(())
    }
    async fn exec(&self, _: &[String], _: Duration) -> Result<Output, NodeError> {
        Ok(Output { code: Some(0), stdout: Vec::new(), stderr: Vec::new() })
    }
    async fn open(&self) -> Result<Box<dyn Duplex>, NodeError> {
        Ok(Box::new(UnixStream::connect(&self.0).await.unwrap()))
    }
}
