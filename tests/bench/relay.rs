//! What one event costs the control plane: frames off the link, through the writer, onto the disk and acked.
//!
//! A far side of its own thread sends records of 1.6 KB as fast as they are taken; counted is the processor time of
//! all other threads, from the kernel's own books. Must not be run beside anything else.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use devtask::clock::Clock;
use devtask::control::settings::AgentSettings;
use devtask::control::{Local, Settings};
use devtask::domain::brief::Brief;
use devtask::domain::lease::Key;
use devtask::domain::report::Report;
use devtask::domain::{Actor, SessionId};
use devtask::node::{Caps, Condition, Duplex, Link, NodeError, NodeRef, Output, Owned, Provider, Spec};
use devtask::store::Store;
use devtask::wire::api::{Control, Create};
use devtask::wire::link::{Down, Frame, MAGIC, Up, encode, read_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// Processor time one event may cost.
pub const LIMIT_US: f64 = 20.0;
const RAW: usize = 1_250;

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    pub events: u64,
    /// Microseconds of processor time for one event, on our side.
    pub cpu_us: f64,
    pub per_second: f64,
}

/// Measures and prints the figure's line.
pub fn run() {
    let Figure { events, cpu_us, per_second } = measure(50_000);
    let verdict = if cpu_us <= LIMIT_US { "ok" } else { "short" };
    println!("figure relay.control_cpu {cpu_us:.1} us limit <= {LIMIT_US} {verdict}");
    println!("figure relay.rate {per_second:.0} events/s limit >= 0 0 ok");
    assert!(events > 0);
}

pub fn measure(events: u64) -> Figure {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let figure = runtime.block_on(relay(events));
    runtime.shutdown_timeout(Duration::from_secs(1));
    figure
}

async fn relay(events: u64) -> Figure {
    let dir = tempfile::tempdir().unwrap();
    let repo = dir.path().join("repo/.git");
    std::fs::create_dir_all(repo.join("objects")).unwrap();
    std::fs::create_dir_all(repo.join("refs")).unwrap();
    std::fs::write(repo.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    let clock = Clock::system();
    let store = Store::open(&dir.path().join("data"), clock.clone()).await.unwrap();
    let far = Far { events, started: Arc::default() };
    let started = far.started.clone();
    let provider: Arc<dyn Provider> = Arc::new(far);
    let agent = AgentSettings { command: vec!["none".into()], ..AgentSettings::default() };
    let settings = Settings {
        agent: "none".into(),
        agents: BTreeMap::from([("none".into(), agent)]),
        ..Settings::default()
    };
    let local =
        Local::start(settings, store.clone(), BTreeMap::from([("local".into(), provider)]), None, clock)
            .unwrap();
    let path = dir.path().join("repo").to_string_lossy().into_owned();
    let id = local.create(&Actor::Person("local/bench".into()), create(path), None).await.unwrap().id;
    let (cpu, wall) = taken(&store, id, events, &started).await;
    local.shutdown().await;
    store.close().await;
    let count = events as f64;
    Figure { events, cpu_us: cpu.as_secs_f64() * 1e6 / count, per_second: count / wall.as_secs_f64() }
}

/// Processor and wall time between the first hundred events and the last.
async fn taken(store: &Store, id: SessionId, events: u64, started: &Mutex<bool>) -> (Duration, Duration) {
    let mut head = store.head(id);
    let all = |ingested: u64| move |row: &devtask::store::Row| row.session.ingested >= ingested;
    let mut begin = (our_cpu(), Instant::now());
    let mut warm = false;
    loop {
        let row = store.row(id).await.unwrap().unwrap();
        if !warm && all(100)(&row) {
            assert!(*started.lock().unwrap());
            (warm, begin) = (true, (our_cpu(), Instant::now()));
        }
        if all(events)(&row) {
            return (our_cpu().saturating_sub(begin.0), begin.1.elapsed());
        }
        // Looks seldom, so that looking costs nothing.
        let _ = tokio::time::timeout(Duration::from_millis(20), head.changed()).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn create(repo: String) -> Create {
    Create {
        brief: Brief::from_text("measure"),
        repo,
        base: None,
        provider: None,
        agent: None,
        model: None,
        effort: None,
        plan: false,
        priority: 0,
        labels: Vec::new(),
    }
}

/// Processor time of all threads but the far side's.
fn our_cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let time = |task: &Path| {
        let name = std::fs::read_to_string(task.join("comm")).ok()?;
        let stat = std::fs::read_to_string(task.join("schedstat")).ok()?;
        let ns: u64 = stat.split(' ').next()?.parse().ok()?;
        (name.trim() != FAR).then_some(ns)
    };
    let sum = tasks.filter_map(|task| time(&task.ok()?.path())).sum();
    Duration::from_nanos(sum)
}

const FAR: &str = "far side";

/// A provider whose only node is a thread that sends.
struct Far {
    events: u64,
    started: Arc<Mutex<bool>>,
}

#[async_trait]
impl Provider for Far {
    fn kind(&self) -> &'static str {
        "bench"
    }
    fn caps(&self) -> Caps {
        Caps { suspend: false, max_lifetime: None, survives_restart: false }
    }
    async fn preflight(&self, _: &Spec) -> Result<(), NodeError> {
        Ok(())
    }
    async fn ensure(&self, _: &Key, _: &Spec) -> Result<NodeRef, NodeError> {
        Ok(NodeRef { name: "far".into() })
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
    async fn link(&self, _: &NodeRef) -> Result<Box<dyn Link>, NodeError> {
        Ok(Box::new(FarLink { events: self.events, started: self.started.clone() }))
    }
}

struct FarLink {
    events: u64,
    started: Arc<Mutex<bool>>,
}

#[async_trait]
impl Link for FarLink {
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
        let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        far.set_nonblocking(true).unwrap();
        *self.started.lock().unwrap() = true;
        let events = self.events;
        let send = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(far_side(far, events));
        };
        std::thread::Builder::new().name(FAR.into()).spawn(send).unwrap();
        Ok(Box::new(UnixStream::from_std(near).unwrap()))
    }
}

async fn far_side(stream: std::os::unix::net::UnixStream, events: u64) {
    let (read, mut write) = UnixStream::from_std(stream).unwrap().into_split();
    let mut read = BufReader::new(read);
    write.write_all(format!("{MAGIC}\n").as_bytes()).await.unwrap();
    let Down::Attach { attempt, after, .. } = read_frame::<Down>(&mut read).await.unwrap().header else {
        return;
    };
    let session = SessionId::new(1).unwrap();
    let mut out = Vec::new();
    let hello = Up::Hello { version: "bench".into(), session, attempt, last: events };
    encode(&Frame::from(hello), &mut out).unwrap();
    // What comes down is read and thrown away.
    tokio::spawn(async move {
        let mut drain = vec![0; 16 * 1024];
        while read.read(&mut drain).await.is_ok_and(|n| n > 0) {}
    });
    for n in after + 1..=events {
        encode(&record(n), &mut out).unwrap();
        if out.len() > 128 * 1024 || n == events {
            if write.write_all(&out).await.is_err() {
                return;
            }
            out.clear();
        }
    }
    std::future::pending::<()>().await;
}

fn record(n: u64) -> Frame<Up> {
    let text = format!("marker {n}: {}", "what the agent says in one breath ".repeat(6));
    let header = Up::Record {
        n,
        at: chrono::DateTime::from_timestamp(1_760_000_000, 0).unwrap(),
        report: Report::Message { text },
        offset: 0,
        total: Some(RAW as u64),
    };
    Frame { header, body: vec![b'x'; RAW] }
}
