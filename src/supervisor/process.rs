//! The agent's process: started in its cage, its pipes, its end.
//!
//! Knows pipes, signals and exit; must not know what a line means. Its standard output is read by whoever holds
//! [`Process`], and not at all while they do not want to: that is the back-pressure an agent feels.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;

use crate::agent::framing::Lines;
use crate::agent::{Launch, Line};
use crate::sweep::Target;

use super::desk::Desk;
use super::sandbox::Cage;
use super::text;

/// The end of standard error that is kept.
const STDERR: usize = 16 * 1024;
/// Lines that wait to be written; an agent that lets more pile up does not read its input.
const INPUT: usize = 1024;
/// How long output may still come after the process is gone: a tool of its own session may hold the pipe.
const DRAIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: Option<Lines<ChildStdout>>,
    input: Option<mpsc::Sender<Line>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    /// Reads standard error to its end.
    listener: Option<tokio::task::JoinHandle<()>>,
    exit: Option<Exit>,
    /// From then on its pipe is not waited for.
    drained: Option<tokio::time::Instant>,
    caged: bool,
}

/// How it ended; `code` is `None` where a signal did it.
#[derive(Clone, Copy, Debug)]
struct Exit {
    code: Option<i32>,
}

/// What the process did next.
#[derive(Debug)]
pub enum Happened {
    Said(Vec<u8>),
    /// It is gone, and everything it said was heard.
    Exited {
        code: Option<i32>,
        stderr: String,
    },
}

/// The agent does not read what it is told.
#[derive(Debug)]
pub struct Clogged;

impl Process {
    /// Starts it with the secrets of the desk in its environment.
    pub fn start(launch: &Launch, cage: &Cage, desk: &Desk) -> std::io::Result<Self> {
        let mut command = cage.command(&launch.argv, &launch.env);
        desk.lend_secrets(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stderr = Arc::default();
        let listener = child.stderr.take().map(|pipe| tokio::spawn(keep_tail(pipe, Arc::clone(&stderr))));
        let input = child.stdin.take().map(|pipe| {
            let (sender, receiver) = mpsc::channel(INPUT);
            tokio::spawn(write(pipe, receiver));
            sender
        });
        let lines = child.stdout.take().map(Lines::new);
        Ok(Self { child, lines, input, stderr, listener, exit: None, drained: None, caged: cage.is_closed() })
    }

    /// What it says or does next. May be dropped at any await point.
    pub async fn next(&mut self) -> Happened {
        loop {
            if let Some(lines) = &mut self.lines {
                let gone = self.exit.is_some();
                let drained = *self.drained.get_or_insert_with(|| tokio::time::Instant::now() + DRAIN);
                tokio::select! {
                    biased;
                    line = lines.next_line() => match line {
                        Ok(Some(line)) => return Happened::Said(line),
                        Ok(None) | Err(_) => self.lines = None,
                    },
                    status = self.child.wait(), if !gone => {
                        self.exit = Some(Exit { code: status.ok().and_then(|s| s.code()) });
                        self.drained = None;
                    }
                    () = tokio::time::sleep_until(drained), if gone => self.lines = None,
                }
                continue;
            }
            let exit = match self.exit {
                Some(exit) => exit,
                None => Exit { code: self.child.wait().await.ok().and_then(|s| s.code()) },
            };
            self.exit = Some(exit);
            // Its last words say why; they may still be in the pipe.
            if let Some(listener) = &mut self.listener {
                let _ = tokio::time::timeout(DRAIN, listener).await;
                self.listener = None;
            }
            let stderr = text::tail(&self.stderr.lock().unwrap_or_else(PoisonError::into_inner), STDERR);
            return Happened::Exited { code: exit.code, stderr };
        }
    }

    pub fn write(&self, line: Line) -> Result<(), Clogged> {
        match self.input.as_ref().map(|input| input.try_send(line)) {
            Some(Err(mpsc::error::TrySendError::Full(_))) => Err(Clogged),
            _ => Ok(()),
        }
    }

    /// What was written before still arrives.
    pub fn close_stdin(&mut self) {
        self.input = None;
    }

    /// Asks it to end. In a cage the word goes past bubblewrap, which would only die of it, to those inside.
    pub fn terminate(&self) {
        let Some(pid) = self.child.id() else { return };
        if self.caged {
            Target { mark: None, below: Some(pid) }.signal_all(Signal::TERM);
        } else if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// Ends it; with a cage, everything inside goes with it.
    pub fn kill(&mut self) {
        let _ = self.child.start_kill();
    }

    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }
}

async fn write(mut pipe: ChildStdin, mut lines: mpsc::Receiver<Line>) {
    while let Some(mut line) = lines.recv().await {
        line.push(b'\n');
        if pipe.write_all(&line).await.is_err() || pipe.flush().await.is_err() {
            return;
        }
    }
}

async fn keep_tail(mut pipe: ChildStderr, tail: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = vec![0; 4096];
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if tail.len() > 2 * STDERR {
            let cut = tail.len() - STDERR;
            tail.drain(..cut);
        }
    }
}
