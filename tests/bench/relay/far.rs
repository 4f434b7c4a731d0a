//! The other process: supervisors that send what they are told to, and readers that follow over HTTP.
//!
//! Speaks the link as a supervisor does. Every event carries the moment it was sent; a reader notes how late it came.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use devtask::domain::report::Report;
use devtask::domain::{Attempt, SessionId};
use devtask::wire::link::{Down, Frame, MAGIC, Up, encode, read_frame};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// Bytes of an event: its line, and the words the log shows of it.
const EVENT: usize = 1_600;
const WORDS: usize = 200;
const MARK: &[u8] = b"\"stamp\":\"";
const DIGITS: usize = 12;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Where the supervisors' sockets are made, `1.sock` and so on.
    pub dir: PathBuf,
    pub sessions: u32,
    pub pace: Pace,
    /// The control plane's socket, where each session is to be read.
    pub http: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Pace {
    /// So many events, as fast as they are taken; nobody reads them.
    Flood { each: u64 },
    /// Each session has a reader.
    Calm { per_second: u32 },
}

/// What the readers saw: how late each event was, in milliseconds.
type Late = Arc<Mutex<Vec<f64>>>;

struct Far {
    plan: Plan,
    begun: Instant,
    late: Late,
    go: watch::Receiver<bool>,
}

/// The role: serves until its input ends. `ready` when all sockets stand; all begin at `go`; at `again` it tells the median and the 99th percentile and forgets them.
pub fn main(plan: &str) {
    let plan: Plan = serde_json::from_str(plan).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(serve(plan));
}

async fn serve(plan: Plan) {
    let (started, go) = watch::channel(false);
    let far = Arc::new(Far { plan, begun: Instant::now(), late: Late::default(), go });
    for number in 1..=far.plan.sessions {
        let listener = UnixListener::bind(far.plan.dir.join(format!("{number}.sock"))).unwrap();
        tokio::spawn(node(number, listener, Arc::clone(&far)));
    }
    println!("ready");
    let (said, mut words) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        std::io::stdin().lock().lines().map_while(Result::ok).try_for_each(|word| said.send(word))
    });
    while let Some(word) = words.recv().await {
        match word.as_str() {
            "go" => drop(started.send(true)),
            _ => println!("{}", summary(&far.late)),
        }
    }
}

fn summary(late: &Late) -> String {
    let mut late = std::mem::take(&mut *late.lock().unwrap());
    late.sort_by(f64::total_cmp);
    let at = |percent: usize| late.get(late.len() * percent / 100).copied().unwrap_or(f64::NAN);
    format!("{:.3} {:.3}", at(50), at(99))
}

/// One session's machine.
async fn node(number: u32, listener: UnixListener, far: Arc<Far>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(supervise(number, stream, Arc::clone(&far)));
    }
}

async fn supervise(number: u32, stream: UnixStream, far: Arc<Far>) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    write.write_all(format!("{MAGIC}\n").as_bytes()).await.unwrap();
    let Ok(Frame { header: Down::Attach { attempt, after, .. }, .. }) = read_frame::<Down>(&mut read).await
    else {
        return;
    };
    hello(number, attempt, after, &mut write).await;
    if let Some(http) = far.plan.http.clone() {
        tokio::spawn(follow(number, http, Arc::clone(&far)));
    }
    // What comes down is read and thrown away.
    tokio::spawn(async move {
        let mut drain = vec![0; 16 * 1024];
        while read.read(&mut drain).await.is_ok_and(|n| n > 0) {}
    });
    drop(far.go.clone().wait_for(|go| *go).await);
    let sent = match far.plan.pace {
        Pace::Flood { each } => flood(after, each, write, &far).await,
        Pace::Calm { per_second } => calm(after, number, per_second, write, &far).await,
    };
    // The control plane going away is how a measurement ends.
    drop(sent);
}

async fn hello(number: u32, attempt: Attempt, last: u64, write: &mut OwnedWriteHalf) {
    let session = SessionId::new(number).unwrap();
    let mut out = Vec::new();
    encode(&Frame::from(Up::Hello { version: "bench".into(), session, attempt, last }), &mut out).unwrap();
    write.write_all(&out).await.unwrap();
}

async fn flood(after: u64, each: u64, mut write: OwnedWriteHalf, far: &Far) -> std::io::Result<()> {
    let mut out = Vec::new();
    for n in after + 1..=each {
        encode(&record(n, far.begun.elapsed()), &mut out).unwrap();
        if out.len() > 128 * 1024 || n == each {
            write.write_all(&out).await?;
            out.clear();
        }
    }
    // A supervisor stays until it is told to go.
    std::future::pending().await
}

async fn calm(
    after: u64,
    number: u32,
    per_second: u32,
    mut write: OwnedWriteHalf,
    far: &Far,
) -> std::io::Result<()> {
    let period = Duration::from_secs(1) / per_second;
    // Not all at once: each begins somewhere else in the period.
    let first = tokio::time::Instant::now() + period * (number * 7 % 100) / 100;
    let mut beat = tokio::time::interval_at(first, period);
    let mut out = Vec::new();
    for n in after + 1.. {
        beat.tick().await;
        out.clear();
        encode(&record(n, far.begun.elapsed()), &mut out).unwrap();
        write.write_all(&out).await?;
    }
    Ok(())
}

fn record(n: u64, at: Duration) -> Frame<Up> {
    let mut text = format!("event {n}: ");
    text.extend(std::iter::repeat_n("what the agent says ", WORDS / 20));
    let head = format!(r#"{{"type":"assistant",{}{:012}","text":""#, "\"stamp\":\"", at.as_micros());
    let pad = "x".repeat(EVENT.saturating_sub(text.len() + head.len() + 2));
    let body = format!("{head}{pad}\"}}").into_bytes();
    let moment = chrono::DateTime::from_timestamp(1_760_000_000, 0).unwrap();
    let total = Some(body.len() as u64);
    let header = Up::Record { n, at: moment, report: Report::Message { text }, offset: 0, total };
    Frame { header, body }
}

/// Reads a session's events as a browser would, and notes how late each is.
async fn follow(number: u32, http: PathBuf, far: Arc<Far>) {
    let mut stream = connect(number, &http).await;
    let mut bytes = vec![0; 64 * 1024];
    let mut kept = 0;
    while let Ok(read @ 1..) = stream.read(&mut bytes[kept..]).await {
        let now = far.begun.elapsed();
        let end = kept + read;
        let done = stamps(&bytes[..end], |sent| {
            let late = now.saturating_sub(Duration::from_micros(sent));
            far.late.lock().unwrap().push(late.as_secs_f64() * 1e3);
        });
        bytes.copy_within(done..end, 0);
        kept = end - done;
    }
}

async fn connect(number: u32, http: &Path) -> UnixStream {
    let mut stream = UnixStream::connect(http).await.unwrap();
    let get = format!("GET /sessions/{number}/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(get.as_bytes()).await.unwrap();
    stream
}

/// Every stamp in the bytes; gives how many bytes are done with. The rest may be the beginning of one.
fn stamps(bytes: &[u8], mut seen: impl FnMut(u64)) -> usize {
    let whole = MARK.len() + DIGITS;
    let mut at = 0;
    while at + whole <= bytes.len() {
        if bytes[at] == b'"' && bytes[at..].starts_with(MARK) {
            let digits = std::str::from_utf8(&bytes[at + MARK.len()..at + whole]).unwrap();
            seen(digits.parse().unwrap());
            at += whole;
        } else {
            at += 1;
        }
    }
    at
}
