//! A start over a full house: `devtask serve` killed and started again over open sessions and a long log.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use devtask::clock::Clock;
use devtask::domain::report::{Ending, Report};
use devtask::domain::session::Input;
use devtask::domain::{Actor, Attempt};

use super::figure;
use super::store::{Log, input, open};

const SESSIONS: u32 = 1_000;
const EVENTS: u64 = 1_000;
/// Bytes of an event's JSON.
const EVENT: usize = 200;
const ROUNDS: usize = 7;

pub fn run() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(fill(&data));
    drop(runtime);
    let mut times: Vec<f64> = (0..ROUNDS).map(|_| serving(&data)).collect();
    figure::print("restart.serving", figure::median(&mut times), "ms", "<=", 100.0);
}

/// Sessions that rest, each with a long log.
async fn fill(data: &Path) {
    let store = open(data, SESSIONS).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=SESSIONS {
        let store = store.clone();
        tasks.spawn(async move {
            let log = Log { session: number, line: 0, words: EVENT - 36 };
            for first in (1..=EVENTS).step_by(250) {
                log.commit(&store, first, 250).await;
            }
            let by = Actor::Person("local/ana".into());
            input(&store, number, Input::Pause { by, reason: None }).await;
            let how = Report::Ended { how: Ending::Drained };
            let records = vec![Log::record(EVENTS + 1, Clock::system().now(), how, 0)];
            input(&store, number, Input::Records { attempt: Attempt(1), records }).await;
        });
        if tasks.len() >= 8 {
            tasks.join_next().await.unwrap().unwrap();
        }
    }
    tasks.join_all().await;
    store.close().await;
}

/// Milliseconds from the start of the process to its first good answer; it is killed as by a power cut.
fn serving(data: &Path) -> f64 {
    let begun = Instant::now();
    let mut server = serve(data);
    while !is_ready(&data.join(devtask::http::SOCKET)) {
        assert!(begun.elapsed() < Duration::from_secs(20), "never ready");
        std::thread::sleep(Duration::from_millis(1));
    }
    let taken = begun.elapsed();
    server.kill().unwrap();
    server.wait().unwrap();
    taken.as_secs_f64() * 1e3
}

fn serve(data: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devtask"));
    command.arg("serve").arg("--data-dir").arg(data).args(["--listen", "127.0.0.1:0"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn is_ready(socket: &Path) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}
