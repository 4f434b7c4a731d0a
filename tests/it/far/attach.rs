//! A real supervisor with the scripted agent in a codespace, attached to over ssh; whatever becomes of the link, every
//! record comes once and in order.

use std::path::Path;
use std::time::Duration;

use devtask::domain::Attempt;
use devtask::domain::command::{Command, CommandBody, uuid_of};
use devtask::domain::report::{Ending, Report};
use devtask::node::ssh::SshLink;
use devtask::node::{Duplex, Link};
use devtask::wire::link::{Down, Frame, Level, LinkError, Up, read_frame, skip_noise, write_frame};
use devtask::wire::run::{Run, file};
use devtask::workbench::forge::codespaces::Weather;
use tokio::io::{BufReader, ReadHalf, WriteHalf};
use tokio::time::{sleep, timeout};

use super::world::{CHECKOUT, HOME, INSIDE, LIMIT, World, exec, said};

/// Long enough for a link to be lost twice on the way.
const STEPS: usize = 40;
const ORIGIN: &str = "/workspaces/origin.git";

fn run() -> Run {
    let steps: Vec<String> = (0..STEPS)
        .map(|n| format!(r#"{{"run":"sleep 0.2; echo {n} >> steps.txt"}}"#))
        .chain([r#"{"text":"Done."}"#.to_owned()])
        .collect();
    let goal = format!("Count. <script>[{}]</script>", steps.join(","));
    let json = serde_json::json!({
        "new": {
            "id": "dt-7", "mark": "6f1b7c52-93a4-4c5e-8d6f-0a1b2c3d4e5f", "owner": "person:local/ana",
            "brief": { "title": "Count", "goal": goal, "checks": ["test -f steps.txt"] },
            "repo": ORIGIN, "base": null, "provider": "codespaces", "agent": "scripted", "model": null,
            "effort": null, "plan": false, "priority": 0, "labels": [],
            "branchPattern": "devtask/{task_id}-{task_slug}", "requireApprovalFor": [], "limits": {}, "policy": {}
        },
        "attempt": 1, "instance": "far", "remote": { "url": ORIGIN, "needsCredential": false },
        "mirrors": null, "branch": null, "baseSha": null,
        "conversation": "11111111-2222-3333-4444-555555555555", "resume": false,
        "agent": { "command": [INSIDE, "agent-sim"], "env": {} },
        "sandbox": { "bubblewrap": null, "hide": [] },
        "author": { "name": "Ana", "email": "ana@example.org" }
    });
    serde_json::from_value(json).unwrap()
}

/// Run, origin and supervisor are there.
async fn supervised(link: &SshLink) -> Run {
    let run = run();
    said(link, &["git", "clone", "-q", "--bare", CHECKOUT, ORIGIN]).await;
    link.put(&serde_json::to_vec(&run).unwrap(), Path::new(file::RUN), 0o600).await.unwrap();
    for _ in 0..2 {
        said(link, &[INSIDE, "supervise", "--home", HOME, "--detach"]).await;
    }
    run
}

/// One attach, and the records of all before it.
struct Talk {
    up: BufReader<ReadHalf<Box<dyn Duplex>>>,
    down: WriteHalf<Box<dyn Duplex>>,
}

impl Talk {
    async fn attach(link: &SshLink, epoch: u64, after: u64) -> Result<Self, LinkError> {
        let stream = link.open().await.map_err(|e| LinkError::Io(std::io::Error::other(e)))?;
        let (up, down) = tokio::io::split(stream);
        let mut talk = Self { up: BufReader::new(up), down };
        timeout(LIMIT, skip_noise(&mut talk.up)).await.expect("the magic line in time")?;
        talk.say(Down::Attach { epoch, attempt: Attempt(1), after, offset: 0 }).await;
        let secrets = Frame { header: Down::Secrets, body: b"{}".to_vec() };
        let _ = write_frame(&mut talk.down, &secrets).await;
        talk.say(Down::Want { level: Level::Run }).await;
        Ok(talk)
    }

    /// As a relay does: again, until there is a link.
    async fn attached(link: &SshLink, epoch: u64, after: u64) -> Self {
        for _ in 0..100 {
            match Self::attach(link, epoch, after).await {
                Ok(talk) => return talk,
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
        panic!("no attach");
    }

    async fn say(&mut self, header: Down) {
        // A link that is broken says so when it is read.
        let _ = write_frame(&mut self.down, &Frame::from(header)).await;
    }

    /// Takes records until there is one that fits, or the link breaks; true where it fits.
    async fn take(&mut self, kept: &mut Vec<Report>, fits: impl Fn(usize, &Report) -> bool) -> bool {
        let mut raw = 0;
        loop {
            let frame: Frame<Up> =
                match timeout(LIMIT, read_frame(&mut self.up)).await.expect("a frame in time") {
                    Ok(frame) => frame,
                    Err(_) => return false,
                };
            match frame.header {
                Up::Record { n, report, offset, total, .. } => {
                    raw = if offset == 0 { 0 } else { raw } + frame.body.len() as u64;
                    if raw >= total.unwrap_or(0) {
                        assert_eq!(n, kept.len() as u64 + 1, "no record is lost or doubled");
                        kept.push(report);
                        self.say(Down::Ack { n }).await;
                        if kept.last().is_some_and(|report| fits(kept.len(), report)) {
                            return true;
                        }
                    }
                }
                Up::Refused { why } => panic!("{why}"),
                _ => {}
            }
        }
    }
}

fn is_end(report: &Report) -> bool {
    matches!(report, Report::Ended { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_survives_a_cut_a_black_hole_and_a_noisy_shell() {
    let Some(world) = World::with("an attach over ssh", |image| image.noisy = true).await else { return };
    let link = world.linked().await;
    let run = supervised(&link).await;
    let mut kept = Vec::new();

    let mut talk = Talk::attached(&link, 1, 0).await;
    let begin = Command { c: 1, uuid: uuid_of(run.new.mark, 1), body: CommandBody::Begin };
    talk.say(Down::Command { command: begin }).await;
    assert!(talk.take(&mut kept, |n, _| n >= 12).await, "{kept:?}");
    world.codespaces().cut(&world.name);
    assert!(!talk.take(&mut kept, |_, report| is_end(report)).await, "the link was cut");
    drop(talk);

    let mut talk = Talk::attached(&link, 2, kept.len() as u64).await;
    let more = kept.len() + 6;
    assert!(talk.take(&mut kept, |n, _| n >= more).await, "{kept:?}");
    world.codespaces().weather(&world.name, Weather::BlackHole);
    assert!(!talk.take(&mut kept, |_, report| is_end(report)).await, "nothing comes out of a black hole");
    drop(talk);
    world.codespaces().weather(&world.name, Weather::Clear);

    let mut talk = Talk::attached(&link, 3, kept.len() as u64).await;
    assert!(talk.take(&mut kept, |_, report| is_end(report)).await, "{kept:?}");
    let Some(Report::Ended { how: Ending::Finished { pushed: Some(pushed), .. } }) = kept.last() else {
        panic!("{kept:?}");
    };
    let there = said(&link, &["git", "-C", ORIGIN, "show", &format!("{}:steps.txt", pushed.branch)]).await;
    let expected: Vec<String> = (0..STEPS).map(|n| n.to_string()).collect();
    assert_eq!(there.lines().collect::<Vec<_>>(), expected, "the agent was started once and never stopped");
}

#[tokio::test]
async fn an_attach_where_nobody_listens_ends_and_says_so() {
    let Some(world) = World::new("an attach over ssh").await else { return };
    let link = world.linked().await;
    said(&link, &["mkdir", "-p", HOME]).await;
    let said_why = exec(&link, &[INSIDE, "attach", "--home", HOME]).await.unwrap();
    assert_eq!(said_why.code, Some(1));
    assert!(String::from_utf8_lossy(&said_why.stderr).contains("no supervisor answers here"));
    assert!(Talk::attach(&link, 1, 0).await.is_err());
}
