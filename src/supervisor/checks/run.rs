//! One command, to its end or its limit, with everything it started.
//!
//! Knows processes and pipes; the output is counted as it streams by, and only its beginning and end are kept.
//! Must not know what a command is for.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::count::Counter;
use super::sweep::sweep;
use super::{Check, Start};

/// Longest text kept as evidence, in bytes.
pub const MAX_TAIL: usize = 8 * 1024;
/// Of it, how much is the beginning where the output is longer.
const HEAD: usize = 1024;
/// Longest line that is counted; the rest of a longer one is passed over.
const MAX_LINE: usize = 4 * 1024;
/// Raw bytes of the end that are kept: escape sequences fall away later.
const RING: usize = 4 * MAX_TAIL;
/// The variable that marks everything a check starts.
const MARK: &str = "DEVTASK_CHECK";
/// How long output may trail in after everything was killed.
const DRAIN: Duration = Duration::from_millis(500);

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// `None`: killed, or never started.
    pub code: Option<i32>,
    pub timed_out: bool,
    pub cancelled: bool,
    pub took: Duration,
    pub counter: Counter,
    pub tail: String,
}

/// Runs a check in `folder`. `mark`: unique to this run.
pub async fn run(
    check: &Check,
    folder: &Path,
    mark: &str,
    start: &Start<'_>,
    cancel: &CancellationToken,
) -> Ran {
    let begun = Instant::now();
    let mut output = Output::default();
    let mut ran = match drive(check, folder, mark, start, cancel, &mut output).await {
        Ok(ran) => ran,
        Err(e) => {
            output.take(format!("`{}` could not be started: {e}\n", check.line).as_bytes());
            How { code: None, timed_out: false, cancelled: false }
        }
    };
    if cancel.is_cancelled() && ran.code != Some(0) {
        ran.cancelled = true;
    }
    let (counter, tail) = output.end();
    let How { code, timed_out, cancelled } = ran;
    Ran { code, timed_out, cancelled, took: begun.elapsed(), counter, tail }
}

struct How {
    code: Option<i32>,
    timed_out: bool,
    cancelled: bool,
}

async fn drive(
    check: &Check,
    folder: &Path,
    mark: &str,
    start: &Start<'_>,
    cancel: &CancellationToken,
    output: &mut Output,
) -> io::Result<How> {
    let (reader, writer) = io::pipe()?;
    let mut command = start(&check.argv, folder);
    // One pipe for both: what was printed first is read first.
    command.stdin(std::process::Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    command.env(MARK, mark).process_group(0).kill_on_drop(true);
    let mut child = command.spawn()?;
    // The command holds the pipe's other end too: our copies must go, or the output never ends.
    drop(command);
    let marked = format!("{MARK}={mark}");
    let guard = Guard(marked.clone());
    let leader = child.id();
    let mut pipe = Receiver::from_owned_fd(reader.into())?;
    let limit = tokio::time::sleep(check.limit);
    tokio::pin!(limit);
    let mut how = How { code: None, timed_out: false, cancelled: false };
    let mut buffer = vec![0; 64 * 1024];
    let mut open = true;
    let status = loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => { how.cancelled = true; break None }
            () = &mut limit => { how.timed_out = true; break None }
            read = pipe.read(&mut buffer), if open => match read? {
                0 => open = false,
                n => output.take(buffer.get(..n).unwrap_or_default()),
            },
            status = child.wait() => break Some(status?),
        }
    };
    // A leader that has ended is reaped: only its mark finds what it left.
    sweep(if status.is_some() { None } else { leader }, &marked).await;
    if let Some(status) = status {
        how.code = status.code();
    } else {
        child.start_kill().ok();
        child.wait().await?;
    }
    std::mem::forget(guard);
    while let Ok(Ok(n)) = tokio::time::timeout(DRAIN, pipe.read(&mut buffer)).await {
        if n == 0 {
            break;
        }
        output.take(buffer.get(..n).unwrap_or_default());
    }
    Ok(how)
}

/// Sweeps in the background when nobody waits for the command any more.
struct Guard(String);

impl Drop for Guard {
    fn drop(&mut self) {
        let mark = std::mem::take(&mut self.0);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { sweep(None, &mark).await });
        }
    }
}

/// The beginning, the end, and the counts of an output of any length.
#[derive(Default)]
struct Output {
    head: Vec<u8>,
    ring: Vec<u8>,
    total: u64,
    line: Vec<u8>,
    counter: Counter,
}

impl Output {
    fn take(&mut self, bytes: &[u8]) {
        self.total = self.total.saturating_add(bytes.len() as u64);
        let room = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.ring.extend_from_slice(bytes);
        if self.ring.len() > 2 * RING {
            self.ring.drain(..self.ring.len() - RING);
        }
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let room = MAX_LINE.saturating_sub(self.line.len()).min(piece.len());
            self.line.extend_from_slice(piece.get(..room).unwrap_or_default());
            if piece.ends_with(b"\n") {
                self.count();
            }
        }
    }

    fn count(&mut self) {
        let line = plain(&self.line);
        self.counter.line(line.trim_end());
        self.line.clear();
    }

    /// Counts, and at most [`MAX_TAIL`] bytes of text.
    fn end(mut self) -> (Counter, String) {
        self.count();
        let all = plain(&self.ring);
        if self.total <= self.ring.len() as u64 && all.len() <= MAX_TAIL {
            return (self.counter, all);
        }
        let head = plain(&self.head);
        let head = head.get(..head.floor_char_boundary(HEAD)).unwrap_or_default();
        let gap = format!("\n… {} bytes in all, the middle is left out …\n", self.total);
        let room = MAX_TAIL - head.len() - gap.len();
        let from = all.ceil_char_boundary(all.len().saturating_sub(room));
        let text = format!("{head}{gap}{}", all.get(from..).unwrap_or_default());
        (self.counter, text)
    }
}

/// Text without escape sequences and control characters; a line that was overwritten with `\r` shows its last state.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\r' if chars.peek() != Some(&'\n') => {
                out.truncate(out.rfind('\n').map_or(0, |at| at + 1));
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => {
            chars.find(|c| ('@'..='~').contains(c));
        }
        Some(']') => {
            chars.find(|c| *c == '\u{7}' || *c == '\\');
        }
        _ => {}
    }
}
