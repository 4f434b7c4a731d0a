//! One running box: a thread that started it and waits for its end.
//!
//! bubblewrap dies with the thread it was started by, so that thread does nothing else: then a box ends when it is
//! told to, when it is dropped, and when this process is gone, however that came. Must not know what a box is for.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::dress::Plan;

const TO_START: Duration = Duration::from_secs(30);
const TO_STOP: Duration = Duration::from_secs(10);

pub(super) struct Machine {
    /// Its helper ends when this is closed, and the box with it.
    life: ChildStdin,
    ended: watch::Receiver<bool>,
    namespace: String,
}

impl Machine {
    /// Returns once the box answers.
    pub(super) async fn start(plan: Plan) -> io::Result<Self> {
        let (begun, beginning) = oneshot::channel();
        let (end, ended) = watch::channel(false);
        std::thread::Builder::new().name("box".to_owned()).spawn(move || {
            match begin(&plan) {
                Ok((mut child, life, namespace)) => {
                    let unwanted = begun.send(Ok((life, namespace))).is_err();
                    if unwanted {
                        let _ = child.kill();
                    }
                    let _ = child.wait();
                }
                Err(error) => drop(begun.send(Err(error))),
            }
            let _ = end.send(true);
        })?;
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the box does not start");
        let begun = tokio::time::timeout(TO_START, beginning).await.map_err(|_| late())?;
        let (life, namespace) = begun.map_err(|_| late())??;
        Ok(Self { life, ended, namespace })
    }

    pub(super) fn runs(&self) -> bool {
        !*self.ended.borrow()
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Ends every process in it and waits for that.
    pub(super) async fn stop(self) {
        let Self { life, mut ended, namespace } = self;
        drop(life);
        let _ = tokio::time::timeout(TO_STOP, ended.wait_for(|ended| *ended)).await;
        let gone = async {
            while processes(&namespace) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(TO_STOP, gone).await.is_err() {
            tracing::error!(box.namespace = %namespace, "processes of a box are left");
        }
    }
}

fn begin(plan: &Plan) -> io::Result<(Child, ChildStdin, String)> {
    let mut command = Command::new("bwrap");
    command.args(&plan.argv).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut line = String::new();
    let mut read = 0;
    if let Some(stdout) = child.stdout.take() {
        read = BufReader::new(stdout.take(4096)).read_line(&mut line)?;
    }
    let namespace = line.strip_prefix("ready ").map(|rest| rest.trim_end().to_owned());
    match (namespace, child.stdin.take()) {
        (Some(namespace), Some(stdin)) if read > 0 => Ok((child, stdin, namespace)),
        _ => {
            let _ = child.kill();
            let mut said = String::new();
            if let Some(stderr) = child.stderr.take() {
                let _ = stderr.take(16 * 1024).read_to_string(&mut said);
            }
            let _ = child.wait();
            let log = std::fs::read_to_string(&plan.log).unwrap_or_default();
            Err(io::Error::other(format!("the box does not start: {} {}", said.trim(), log.trim())))
        }
    }
}

/// Processes that live in this namespace.
pub(super) fn processes(namespace: &str) -> usize {
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    let inside = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path().join("ns/pid")).is_ok_and(|link| link.as_os_str() == namespace)
    };
    entries.flatten().filter(inside).count()
}
