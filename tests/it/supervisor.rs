//! A supervisor as the control plane sees it: started detached, driven over its socket by hand, with the scripted
//! agent, real git and real processes.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::time::Duration;

use devtask::domain::Attempt;
use devtask::domain::ask::Answer;
use devtask::domain::command::{Command, CommandBody, uuid_of};
use devtask::domain::report::{Ending, Report, Retry};
use devtask::sweep::Target;
use devtask::wire::link::{Down, Frame, Level, Up, read_frame, skip_noise, write_frame};
use devtask::wire::run::{MARK, Run, file};
use tokio::io::{BufReader, ReadHalf, WriteHalf};

const BIN: &str = env!("CARGO_BIN_EXE_devtask");
const PATIENCE: Duration = Duration::from_mins(1);

/// A repository and a session's home on this machine.
struct Node {
    dir: tempfile::TempDir,
    run: Run,
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Program::new("git")
        .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn bubblewrap() -> Option<PathBuf> {
    let works = Program::new("bwrap").args(["--ro-bind", "/", "/", "--unshare-pid", "true"]).status();
    works.is_ok_and(|s| s.success()).then(|| PathBuf::from("bwrap"))
}

impl Node {
    /// `script`: what the scripted agent plays.
    fn new(script: &str, checks: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repo = dir.path().join("repo");
        std::fs::create_dir_all(&repo).unwrap();
        std::fs::create_dir_all(dir.path().join("home")).unwrap();
        git(&repo, &["init", "-q"]);
        std::fs::write(repo.join("README.md"), "# Hello\n").unwrap();
        git(&repo, &["add", "."]);
        git(&repo, &["commit", "-qm", "first"]);
        let json = serde_json::json!({
            "new": {
                "id": "dt-142", "mark": "6f1b7c52-93a4-4c5e-8d6f-0a1b2c3d4e5f", "owner": "person:local/ana",
                "brief": { "title": "Greet", "goal": format!("Say hello. <script>{script}</script>"), "checks": checks },
                "repo": repo, "base": null, "provider": "local", "agent": "scripted", "model": null, "effort": null,
                "plan": false, "priority": 0, "labels": [], "branchPattern": "devtask/{task_id}-{task_slug}",
                "requireApprovalFor": [], "limits": {}, "policy": {}
            },
            "attempt": 1, "instance": format!("test{}x{}", std::process::id(), dir.path().file_name().unwrap().to_str().unwrap().trim_start_matches('.')),
            "remote": { "url": repo, "needsCredential": false },
            "mirrors": null, "branch": null, "baseSha": null,
            "conversation": "11111111-2222-3333-4444-555555555555", "resume": false,
            "agent": { "command": [BIN, "agent-sim"], "env": {} },
            "sandbox": { "bubblewrap": bubblewrap(), "hide": [] },
            "author": { "name": "Ana", "email": "ana@example.org" }
        });
        let node = Self { dir, run: serde_json::from_value(json).unwrap() };
        node.write_run();
        node
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    fn write_run(&self) {
        std::fs::write(self.home().join(file::RUN), serde_json::to_vec(&self.run).unwrap()).unwrap();
    }

    /// The next attempt on the same node.
    fn again(&mut self) {
        self.run.attempt = self.run.attempt.next();
        self.run.resume = true;
        self.write_run();
    }

    fn start(&self) {
        let output = Program::new(BIN)
            .args(["supervise", "--home"])
            .arg(self.home())
            .arg("--detach")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
    }

    fn supervisor(&self) -> u32 {
        let lock = std::fs::read_to_string(self.home().join(file::LOCK)).unwrap();
        lock.split(' ').next().unwrap().parse().unwrap()
    }

    fn processes(&self) -> Target {
        Target { mark: Some(format!("{MARK}={}", self.run.mark())), below: None }
    }

    async fn attach(&self, epoch: u64, after: u64, offset: u64) -> Link {
        let socket = UnixStream::connect(self.home().join(file::SOCKET)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let (up, down) = tokio::io::split(tokio::net::UnixStream::from_std(socket).unwrap());
        let mut link = Link { up: BufReader::new(up), down, raw: Vec::new(), last: after };
        skip_noise(&mut link.up).await.unwrap();
        link.say(Down::Attach { epoch, attempt: self.run.attempt, after, offset }).await;
        link
    }

    async fn attached(&self, epoch: u64, after: u64) -> Link {
        let mut link = self.attach(epoch, after, 0).await;
        let hello = link.hear().await.header;
        assert!(matches!(hello, Up::Hello { attempt, .. } if attempt == self.run.attempt), "{hello:?}");
        link.down(Down::Secrets, br#"{"ANTHROPIC_API_KEY":"canary-secret"}"#).await;
        link.say(Down::Want { level: Level::Run }).await;
        link
    }

    fn command(&self, c: u32, body: CommandBody) -> Down {
        Down::Command { command: Command { c, uuid: uuid_of(self.run.new.mark, c), body } }
    }
}

/// Nothing of a test outlives it.
impl Drop for Node {
    fn drop(&mut self) {
        if let Ok(lock) = std::fs::read_to_string(self.home().join(file::LOCK))
            && let Some((pid, _)) = lock.split_once(' ')
        {
            let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if command.contains("supervise") {
                let _ = Program::new("kill").args(["-9", pid]).status();
            }
        }
        self.processes().signal_all(rustix::process::Signal::KILL);
    }
}

struct Link {
    up: BufReader<ReadHalf<tokio::net::UnixStream>>,
    down: WriteHalf<tokio::net::UnixStream>,
    raw: Vec<u8>,
    last: u64,
}

impl Link {
    async fn down(&mut self, header: Down, body: &[u8]) {
        write_frame(&mut self.down, &Frame { header, body: body.to_vec() }).await.unwrap();
    }

    async fn say(&mut self, header: Down) {
        self.down(header, b"").await;
    }

    async fn hear(&mut self) -> Frame<Up> {
        tokio::time::timeout(PATIENCE, read_frame(&mut self.up)).await.expect("a frame in time").unwrap()
    }

    /// The next whole record; `n` rises by one each time.
    async fn record(&mut self) -> Report {
        loop {
            let Frame { header, body } = self.hear().await;
            if let Up::Record { n, report, offset, total, .. } = header {
                if offset == 0 {
                    self.raw.clear();
                }
                self.raw.extend(body);
                if self.raw.len() as u64 >= total.unwrap_or(0) {
                    assert_eq!(n, self.last + 1, "records come without a gap");
                    self.last = n;
                    return report;
                }
            }
        }
    }

    /// Every record up to the one that fits, which is acked.
    async fn until(&mut self, mut fits: impl FnMut(&Report) -> bool) -> Vec<Report> {
        let mut all = Vec::new();
        loop {
            let report = self.record().await;
            let found = fits(&report);
            assert!(found || !matches!(report, Report::Ended { .. }), "{report:?} after {all:?}");
            all.push(report);
            if found {
                self.say(Down::Ack { n: self.last }).await;
                return all;
            }
        }
    }

    async fn ended(&mut self) -> (Vec<Report>, Ending) {
        let all = self.until(|r| matches!(r, Report::Ended { .. })).await;
        while !matches!(self.hear().await.header, Up::Ended { .. }) {}
        match all.last() {
            Some(Report::Ended { how }) => (all.clone(), how.clone()),
            other => panic!("{other:?}"),
        }
    }
}

fn kinds(reports: &[Report]) -> Vec<String> {
    let kind = |r: &Report| serde_json::to_value(r).unwrap()["kind"].as_str().unwrap().to_owned();
    reports.iter().map(kind).collect()
}

#[tokio::test]
async fn an_attempt_goes_from_brief_to_a_verified_branch() {
    let script = r#"[{"write":{"path":"hello.txt","content":"hello\n"}},{"text":"I said hello."}]"#;
    let node = Node::new(script, &["test -f hello.txt"]);
    node.start();
    node.start();
    let mut link = node.attached(1, 0).await;
    link.say(node.command(1, CommandBody::Begin)).await;
    let (all, how) = link.ended().await;
    let Ending::Finished { pushed: Some(pushed), evidence, summary } = how else {
        panic!("{how:?}: {all:?}")
    };
    assert_eq!((evidence.len(), summary.as_str()), (1, "I said hello."));
    assert_eq!(git(&node.repo(), &["rev-parse", &pushed.branch]), pushed.sha);
    assert_eq!(git(&node.repo(), &["show", &format!("{}:hello.txt", pushed.branch)]), "hello");
    for kind in
        ["workspace.ready", "agent.started", "command.consumed", "agent.turn_ended", "check.ended", "pushed"]
    {
        assert!(kinds(&all).iter().any(|k| k == kind), "{kind} in {:?}", kinds(&all));
    }
    assert!(!node.home().join(file::UNSAVED).exists(), "everything is on the remote");
    assert!(node.processes().find().is_empty());
    let journal = std::fs::read(node.home().join("journal/1.log")).unwrap();
    assert!(!journal.windows(13).any(|w| w == b"canary-secret"));
}

#[tokio::test]
async fn set_up_comes_before_the_agent_and_its_failure_is_the_attempts() {
    let script = r#"[{"run":"cp .ready ready.txt"},{"text":"Done."}]"#;
    let mut node = Node::new(script, &["test -f ready.txt"]);
    let setup = "[setup]\nrun = ['sh -c \"cat missing > .ready\"']\n";
    std::fs::write(node.repo().join(".devtask.toml"), setup).unwrap();
    git(&node.repo(), &["add", "."]);
    git(&node.repo(), &["commit", "-qm", "set-up"]);
    node.start();
    let mut link = node.attached(1, 0).await;
    link.say(node.command(1, CommandBody::Begin)).await;
    let (all, how) = link.ended().await;
    let Ending::Failed { cause, retry: Retry::Later } = how else { panic!("{how:?}: {all:?}") };
    assert!(cause.contains("ended with exit code 1: ") && cause.contains("missing"), "{cause}");
    assert!(!kinds(&all).iter().any(|k| k == "agent.started"), "{:?}", kinds(&all));

    std::fs::write(node.home().join("work/missing"), "now").unwrap();
    std::fs::create_dir_all(node.home().join("work/.git/info")).unwrap();
    std::fs::write(node.home().join("work/.git/info/exclude"), "missing\n.ready\n").unwrap();
    node.run.attempt = node.run.attempt.next();
    node.write_run();
    node.start();
    let mut link = node.attached(1, 0).await;
    link.say(node.command(1, CommandBody::Begin)).await;
    let at = |all: &[Report], fits: fn(&Report) -> bool| all.iter().position(fits);
    let all = link.until(|r| matches!(r, Report::AgentStarted { .. })).await;
    let noted = at(&all, |r| matches!(r, Report::Note { text } if text.contains("is done after")));
    assert!(noted < at(&all, |r| matches!(r, Report::AgentStarted { .. })) && noted.is_some(), "{all:?}");
    link.say(Down::Want { level: Level::Stop }).await;
    link.ended().await;
}

#[tokio::test]
async fn what_cannot_be_committed_goes_back_to_the_agent() {
    let script = r#"{"rounds":[[{"run":"git init -q inner && echo x > inner/x"},{"text":"Done."}],[{"run":"rm -rf inner/.git"},{"text":"Mended."}]]}"#;
    let node = Node::new(script, &["test -f inner/x"]);
    node.start();
    let mut link = node.attached(1, 0).await;
    link.say(node.command(1, CommandBody::Begin)).await;
    let (all, how) = link.ended().await;
    let Ending::Finished { pushed: Some(_), summary, .. } = how else { panic!("{how:?}: {all:?}") };
    assert_eq!(summary, "Mended.");
}

#[tokio::test]
async fn a_question_that_nobody_answers_is_deferred_and_answered_by_the_next_attempt() {
    let script = r#"[{"ask":{"question":"Which colour?","header":"Colour","options":[{"label":"Red","description":""},{"label":"Blue","description":""}]}},{"run":"echo coloured > colour.txt"},{"text":"Done."}]"#;
    let mut node = Node::new(script, &["test -f colour.txt"]);
    node.run.new.limits.hold = 1;
    node.write_run();
    node.start();
    let mut link = node.attached(1, 0).await;
    link.say(node.command(1, CommandBody::Begin)).await;
    let (all, how) = link.ended().await;
    assert_eq!(how, Ending::Deferred, "{all:?}");
    let asked =
        all.iter().find_map(|r| if let Report::AskRaised { id, .. } = r { Some(id.clone()) } else { None });
    assert!(node.processes().find().is_empty(), "nothing runs while a person is waited for");

    node.again();
    node.start();
    let mut link = node.attached(1, 0).await;
    let answer = Answer::Answers { answers: [("Which colour?".to_owned(), "Blue".to_owned())].into() };
    let ask = asked.expect("an ask");
    link.say(node.command(2, CommandBody::Answer { ask: ask.clone(), answer })).await;
    let (all, how) = link.ended().await;
    assert!(matches!(how, Ending::Finished { pushed: Some(_), .. }), "{how:?}: {all:?}");
    let applied = all.iter().filter(|r| matches!(r, Report::AnswerApplied { id } if *id == ask)).count();
    assert_eq!(applied, 1, "{:?}", kinds(&all));
}

#[tokio::test]
async fn a_stop_ends_everything_the_agent_started() {
    let script = r#"[{"run":"setsid sleep 300 & (setsid sleep 301 &) ; sleep 302"},{"text":"Done."}]"#;
    let node = Node::new(script, &[]);
    node.start();
    let mut link = node.attached(1, 0).await;
    link.say(node.command(1, CommandBody::Begin)).await;
    link.until(|r| matches!(r, Report::Tool { .. })).await;
    link.say(Down::Want { level: Level::Stop }).await;
    let (_, how) = link.ended().await;
    assert_eq!(how, Ending::Stopped);
    assert!(node.processes().find().is_empty());
}

#[tokio::test]
async fn a_drain_secures_the_work_and_leaves_the_branch_alone() {
    let script = r#"[{"write":{"path":"half.txt","content":"half\n"}},{"run":"sleep 300"},{"text":"Done."}]"#;
    let node = Node::new(script, &[]);
    node.start();
    let mut link = node.attached(1, 0).await;
    link.say(node.command(1, CommandBody::Begin)).await;
    link.until(|r| matches!(r, Report::Tool { summary, .. } if summary.contains("sleep"))).await;
    link.say(Down::Want { level: Level::Drain }).await;
    let (all, how) = link.ended().await;
    assert_eq!(how, Ending::Drained, "{all:?}");
    assert_eq!(git(&node.repo(), &["show", "refs/devtask/wip/142:half.txt"]), "half");
    assert!(!node.home().join(file::UNSAVED).exists());
}

#[tokio::test]
async fn a_newer_attach_cuts_the_older_and_goes_on_in_the_middle_of_a_line() {
    let script = r#"[{"long_line":1000000,"text":"x"},{"text":"Done."}]"#;
    let node = Node::new(script, &[]);
    node.start();
    let mut link = node.attached(1, 0).await;
    link.say(node.command(1, CommandBody::Begin)).await;
    let (n, got) = loop {
        let Frame { header, body } = link.hear().await;
        if let Up::Record { n, total: Some(900_000..), offset: 0, .. } = header {
            break (n, body);
        }
    };
    let mut refused = node.attach(1, 0, 0).await;
    assert!(matches!(refused.hear().await.header, Up::Refused { .. }), "an epoch counts once");
    let mut newer = node.attach(2, n - 1, got.len() as u64).await;
    assert!(matches!(newer.hear().await.header, Up::Hello { .. }));
    let Frame { header, body } = newer.hear().await;
    assert!(matches!(header, Up::Record { n: m, offset, .. } if m == n && offset == got.len() as u64));
    assert!(!body.is_empty());
    let cut = async { while read_frame::<Up>(&mut link.up).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, cut).await.expect("the older link is cut");
}

#[tokio::test]
async fn a_killed_supervisor_is_started_again_and_loses_no_record() {
    let script = r#"[{"write":{"path":"a.txt","content":"a\n"}},{"run":"sleep 300"},{"text":"Done."}]"#;
    let node = Node::new(script, &[]);
    node.start();
    let mut link = node.attached(1, 0).await;
    link.say(node.command(1, CommandBody::Begin)).await;
    link.until(|r| matches!(r, Report::Tool { summary, .. } if summary.contains("sleep"))).await;
    let seen = link.last;
    let dead = node.supervisor();
    assert!(Program::new("kill").args(["-9", &dead.to_string()]).status().unwrap().success());
    drop(link);
    node.start();
    assert_ne!(node.supervisor(), dead);
    let mut link = node.attached(2, seen).await;
    // Gapless after the last one committed, and the agent is told to go on.
    link.until(|r| matches!(r, Report::AgentStarted { resumed: true, .. })).await;
    link.say(Down::Want { level: Level::Stop }).await;
    let (_, how) = link.ended().await;
    assert_eq!(how, Ending::Stopped);
    assert!(node.processes().find().is_empty());
}

#[tokio::test]
async fn a_newer_attempt_ends_the_older_supervisor_first() {
    let script = r#"[{"run":"sleep 300"},{"text":"Done."}]"#;
    let mut node = Node::new(script, &[]);
    node.start();
    let mut link = node.attached(1, 0).await;
    link.say(node.command(1, CommandBody::Begin)).await;
    link.until(|r| matches!(r, Report::Tool { .. })).await;
    let older = node.supervisor();
    node.again();
    node.start();
    assert_ne!(node.supervisor(), older);
    let command = std::fs::read(format!("/proc/{older}/cmdline")).unwrap_or_default();
    assert!(command.is_empty(), "it is gone, or waits to be reaped");
    assert!(node.processes().find().is_empty(), "nothing of the older attempt is left");
    let mut link = node.attached(1, 0).await;
    link.say(Down::Want { level: Level::Stop }).await;
    let (_, how) = link.ended().await;
    assert_eq!(how, Ending::Stopped);
    assert_eq!(node.run.attempt, Attempt(2));
}
