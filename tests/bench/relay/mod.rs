//! What the control plane spends on events, how late they are, and what a session holds.
//!
//! This process is the whole control plane: link, step, store, disk, ack, and its HTTP door. The supervisors and the
//! readers are another process ([`far`]), so that the kernel's books for this one are the control plane's alone.

pub mod far;
mod plane;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout};
use std::time::Duration;

use super::process;
use far::{Pace, Plan};
use plane::Plane;
pub use plane::{Nodes, create, settings};

/// So many calm sessions.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    pub sessions: u32,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub rss_mb: f64,
}

/// Every session sends `each` events as fast as they are taken. Microseconds of processor time for one of them.
pub fn flood(sessions: u32, each: u64) -> f64 {
    block_on(async {
        let plane = Plane::start(sessions).await;
        let mut far = Far::start(&plane.plan(sessions, Pace::Flood { each }));
        plane.running(sessions).await;
        let before = process::cpu_us(std::process::id());
        far.say("go");
        plane.ingested(sessions, each).await;
        let spent = process::cpu_us(std::process::id()) - before;
        drop(far);
        plane.end().await;
        spent / (u64::from(sessions) * each) as f64
    })
}

/// Sessions that each send so many events a second and are each followed over HTTP, in rising numbers.
pub fn live(stages: &[u32], per_second: u32) -> Vec<Live> {
    let most = stages.iter().copied().max().unwrap_or(0);
    block_on(async {
        let plane = Plane::start(most).await;
        let mut far = Far::start(&plane.plan(most, Pace::Calm { per_second }));
        far.say("go");
        let mut seen = Vec::new();
        for &sessions in stages {
            plane.running(sessions).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            far.say("again");
            far.hear();
            tokio::time::sleep(Duration::from_secs(5)).await;
            far.say("again");
            let late: Vec<f64> = far.hear().split(' ').map(|ms| ms.parse().unwrap()).collect();
            seen.push(Live {
                sessions,
                p50_ms: late[0],
                p99_ms: late[1],
                rss_mb: process::rss_mb(std::process::id()),
            });
        }
        drop(far);
        plane.end().await;
        seen
    })
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// The far process: one line in, one line out. It ends with us.
struct Far {
    child: Child,
    heard: BufReader<ChildStdout>,
}

impl Far {
    fn start(plan: &Plan) -> Self {
        let mut child = process::far(plan);
        let heard = BufReader::new(child.stdout.take().unwrap());
        let mut far = Self { child, heard };
        assert_eq!(far.hear(), "ready");
        far
    }

    fn say(&mut self, word: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{word}").unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.heard.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
