//! The supervisor itself, as a process: what a line of its agent costs it, and what it holds while the agent is silent.
//!
//! The agent is a pump of lines, or the scripted one where it hangs; this process is the control plane's end of the
//! link, and acks as it does.

use std::os::unix::net::UnixStream as Socket;
use std::path::PathBuf;
use std::process::Command as Program;
use std::time::Duration;

use devtask::domain::command::{Command, CommandBody, uuid_of};
use devtask::domain::report::Report;
use devtask::sweep::Target;
use devtask::wire::link::{Down, Frame, Level, Up, read_frame, skip_noise, write_frame};
use devtask::wire::run::{MARK, Run, file};
use rustix::process::Signal;
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::{figure, process};

/// Bytes of one line's words; what is around them makes 1.6 KB of it.
const WORDS: usize = 1_190;
const LINES: u64 = 40_000;
/// Lines before the measurement begins.
const WARM: u64 = 2_000;
const ALIVE: usize = 4;
const AGENT: &str = env!("CARGO_BIN_EXE_devtask");

pub fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (cost, bytes) = flooded().await;
        figure::print("relay.supervisor_cpu", cost, "us", "<=", 20.0);
        figure::print("relay.supervisor_line", bytes, "bytes", ">=", 1_500.0);
        figure::print("supervisor.pss", silent().await, "MB", "<=", 8.0);
    });
}

/// Microseconds of the supervisor's processor time for one line, and a line's mean length.
async fn flooded() -> (f64, f64) {
    let pump = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    let node = Node::new("", &[pump, "pump".into(), (2 * LINES).to_string(), WORDS.to_string()]);
    let mut link = node.attached().await;
    while link.n < WARM {
        link.hear().await;
    }
    let (pid, first) = (node.supervisor(), link.n);
    let before = process::cpu_us(pid);
    link.bytes = 0;
    while link.n < LINES {
        link.hear().await;
    }
    let records = (link.n - first) as f64;
    let spent = process::cpu_us(pid) - before;
    (spent / records, link.bytes as f64 / records)
}

/// Megabytes of each of several supervisors, at the mean, while their agents hang.
async fn silent() -> f64 {
    let scripted = [AGENT.to_owned(), "agent-sim".to_owned()];
    let nodes: Vec<Node> = (0..ALIVE).map(|_| Node::new(r#"[{"hang":600}]"#, &scripted)).collect();
    let mut links = Vec::new();
    for node in &nodes {
        let mut link = node.attached().await;
        while !matches!(link.hear().await, Some(Report::AgentStarted { .. })) {}
        links.push(link);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let all: f64 = nodes.iter().map(|node| process::pss_mb(node.supervisor())).sum();
    all / nodes.len() as f64
}

/// A repository and a session's home, with a supervisor over it.
struct Node {
    dir: tempfile::TempDir,
    run: Run,
}

impl Node {
    fn new(script: &str, agent: &[String]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repo = dir.path().join("repo");
        std::fs::create_dir_all(dir.path().join("home")).unwrap();
        process::repository(&repo);
        let run = serde_json::from_value(serde_json::json!({
            "new": {
                "id": "dt-1", "mark": "6f1b7c52-93a4-4c5e-8d6f-0a1b2c3d4e5f", "owner": "person:local/ana",
                "brief": { "title": "Talk", "goal": format!("Talk. <script>{script}</script>") },
                "repo": repo, "base": null, "provider": "local", "agent": "scripted", "model": null,
                "effort": null, "plan": false, "priority": 0, "labels": [],
                "branchPattern": "devtask/{task_id}-{task_slug}", "requireApprovalFor": [], "limits": {}, "policy": {}
            },
            "attempt": 1, "instance": format!("bench{}", dir.path().file_name().unwrap().to_string_lossy().trim_start_matches('.')),
            "remote": { "url": repo, "needsCredential": false },
            "mirrors": null, "branch": null, "baseSha": null,
            "conversation": "11111111-2222-3333-4444-555555555555", "resume": false,
            "agent": { "command": agent, "env": {} },
            "sandbox": { "bubblewrap": null, "hide": [] },
            "author": { "name": "Ana", "email": "ana@example.org" }
        }));
        let node = Self { dir, run: run.unwrap() };
        std::fs::write(node.home().join(file::RUN), serde_json::to_vec(&node.run).unwrap()).unwrap();
        let home = node.home().to_string_lossy().into_owned();
        let started = Program::new(process::node_binary())
            .args(["supervise", "--home", &home, "--detach"])
            .status()
            .unwrap();
        assert!(started.success(), "no supervisor");
        node
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn supervisor(&self) -> u32 {
        self.holder().expect("a supervisor")
    }

    fn holder(&self) -> Option<u32> {
        let lock = std::fs::read_to_string(self.home().join(file::LOCK)).ok()?;
        lock.split(' ').next()?.parse().ok()
    }

    async fn attached(&self) -> Link {
        let socket = Socket::connect(self.home().join(file::SOCKET)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let (up, down) = UnixStream::from_std(socket).unwrap().into_split();
        let mut link = Link { up: BufReader::with_capacity(128 * 1024, up), down, n: 0, bytes: 0, acked: 0 };
        skip_noise(&mut link.up).await.unwrap();
        let attempt = self.run.attempt;
        link.say(Down::Attach { epoch: 1, attempt, after: 0, offset: 0 }, b"").await;
        link.say(Down::Secrets, b"{}").await;
        link.say(Down::Want { level: Level::Run }, b"").await;
        let command = Command { c: 1, uuid: uuid_of(self.run.new.mark, 1), body: CommandBody::Begin };
        link.say(Down::Command { command }, b"").await;
        link
    }
}

/// Nothing of a measurement outlives it.
impl Drop for Node {
    fn drop(&mut self) {
        let marked = Target { mark: Some(format!("{MARK}={}", self.run.mark())), below: None };
        if let Some(pid) = self.holder() {
            Target { mark: None, below: Some(pid) }.signal_all(Signal::KILL);
            let _ = Program::new("kill").args(["-9", &pid.to_string()]).status();
        }
        marked.signal_all(Signal::KILL);
    }
}

struct Link {
    up: BufReader<OwnedReadHalf>,
    down: OwnedWriteHalf,
    /// The last record, and the raw bytes of all.
    n: u64,
    bytes: u64,
    acked: u64,
}

impl Link {
    async fn say(&mut self, header: Down, body: &[u8]) {
        write_frame(&mut self.down, &Frame { header, body: body.to_vec() }).await.unwrap();
    }

    /// The next frame's report, if it has one. What came together is acked together.
    async fn hear(&mut self) -> Option<Report> {
        if self.up.buffer().is_empty() && self.acked < self.n {
            self.acked = self.n;
            self.say(Down::Ack { n: self.n }, b"").await;
        }
        let frame = tokio::time::timeout(Duration::from_mins(1), read_frame(&mut self.up)).await;
        let Frame { header, body } = frame.expect("a frame in time").unwrap();
        let Up::Record { n, report, .. } = header else { return None };
        self.n = n;
        self.bytes += body.len() as u64;
        Some(report)
    }
}
