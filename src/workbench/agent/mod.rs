//! The scripted agent: a program that speaks `claude`'s stream-json and plays the script its prompt carries.
//!
//! Run as `devtask agent-sim …` in the place of `claude -p --output-format stream-json …`. It takes the real agent's
//! flags, refuses what that refuses, keeps its conversation in the same place, really edits files and runs commands.
//! Its own switches are environment variables: `DEVTASK_SIM_VERSION` (what `--version` says),
//! `DEVTASK_SIM_REFUSE` (flags, comma-separated, it shall not know), `DEVTASK_SIM_DIE_AT_START` (an exit code).
//! Measured on the real one (2.1.329) and therefore kept: hooks of one turn fire together, permission asks come one
//! at a time; of two deferred calls the first is lost silently; a resume without `--await-initialize` re-asks a
//! deferred call *without* its hooks, and under `bypassPermissions` runs a deferred command unapproved.
//! Must not know who drives it; nothing here is used by the adapter.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value indexed by name gives null where nothing is; only objects made here are assigned to"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::clock::Clock;

mod calls;
mod desk;
mod ending;
mod flags;
mod hooks;
mod lines;
mod listen;
mod oddities;
mod outcome;
mod permit;
mod session;
mod story;
#[cfg(test)]
mod tests;
mod tools;
mod transcript;
mod turn;

use flags::{Flags, Parsed};

/// What `--version` prints, unless told otherwise.
pub const VERSION: &str = "2.1.329 (DevTask scripted agent)";

/// Signals that wait to be minded; more at once say nothing new.
const SIGNALS: usize = 16;

/// The agent's pipes and the signals it gets.
pub struct Stdio {
    pub input: Box<dyn AsyncRead + Send + Unpin>,
    pub output: Box<dyn AsyncWrite + Send + Unpin>,
    pub errors: Box<dyn AsyncWrite + Send + Unpin>,
    pub signals: mpsc::Receiver<Signal>,
}

/// Signals the agent answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
    HangUp,
}

/// The process around the agent.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub env: BTreeMap<String, String>,
    pub cwd: PathBuf,
    pub clock: Clock,
    pub pid: u32,
}

impl Surroundings {
    fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    fn config_dir(&self) -> PathBuf {
        match (self.var("CLAUDE_CONFIG_DIR"), self.var("HOME")) {
            (Some(dir), _) => PathBuf::from(dir),
            (None, home) => PathBuf::from(home.unwrap_or("/tmp")).join(".claude"),
        }
    }

    fn version(&self) -> &str {
        self.var("DEVTASK_SIM_VERSION").unwrap_or(VERSION)
    }
}

/// How the agent ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Code(u8),
    /// It kills itself with this signal.
    Signal(i32),
}

/// One run of the agent, from its arguments to its end. Reads and writes only what it is given, its working
/// directory and its config dir.
pub async fn run(io: Stdio, args: &[String], at: Surroundings) -> End {
    let Stdio { input, mut output, mut errors, signals } = io;
    if let Some(code) = at.var("DEVTASK_SIM_DIE_AT_START") {
        last_words(&mut errors, "the scripted agent was told to die at its start").await;
        return End::Code(code.parse().unwrap_or(1));
    }
    let refused: Vec<&str> = at.var("DEVTASK_SIM_REFUSE").map(|f| f.split(',').collect()).unwrap_or_default();
    match Flags::parse(args, &refused) {
        Parsed::Version => {
            last_words(&mut output, at.version()).await;
            End::Code(0)
        }
        Parsed::Refused(why) => {
            last_words(&mut errors, &why).await;
            End::Code(1)
        }
        Parsed::Run(flags) => session::run(Stdio { input, output, errors, signals }, *flags, at).await,
    }
}

/// Flushed: the process may end right behind it.
async fn last_words(to: &mut (impl AsyncWrite + Unpin), words: &str) {
    drop(to.write_all(format!("{words}\n").as_bytes()).await);
    drop(to.flush().await);
}

/// The program: the process's own pipes, environment and signals. Can be called from inside or outside a runtime;
/// does not return when the script kills it by a signal.
pub fn main(args: &[OsString]) -> ExitCode {
    let args: Vec<String> = args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
    // A thread of its own: a runtime cannot be made inside another one.
    let end = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().ok()?;
        let end = runtime.block_on(async { Some(run(own_stdio()?, &args, own_surroundings()).await) });
        // The read of standard input cannot be cancelled; waiting for it would outlive the agent.
        runtime.shutdown_background();
        end
    });
    match end.join().ok().flatten() {
        Some(End::Code(code)) => ExitCode::from(code),
        Some(End::Signal(number)) => die_by(number),
        None => ExitCode::FAILURE,
    }
}

fn die_by(number: i32) -> ExitCode {
    if let Some(signal) = rustix::process::Signal::from_named_raw(number) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
        // The signal is on its way; anything else would be another death.
        std::thread::sleep(std::time::Duration::from_secs(5));
    }
    ExitCode::from(u8::try_from(128 + number).unwrap_or(1))
}

fn own_surroundings() -> Surroundings {
    Surroundings {
        env: std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect(),
        cwd: std::env::current_dir().unwrap_or_default(),
        clock: Clock::system(),
        pid: std::process::id(),
    }
}

/// Must be called inside the runtime.
fn own_stdio() -> Option<Stdio> {
    use tokio::signal::unix::{SignalKind, signal};
    let (send, signals) = mpsc::channel(SIGNALS);
    for (kind, word) in [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
        (SignalKind::hangup(), Signal::HangUp),
    ] {
        let (mut listener, send) = (signal(kind).ok()?, send.clone());
        tokio::spawn(
            async move { while listener.recv().await.is_some() && send.send(word).await.is_ok() {} },
        );
    }
    Some(Stdio {
        input: Box::new(tokio::io::stdin()),
        output: Box::new(tokio::io::stdout()),
        errors: Box::new(tokio::io::stderr()),
        signals,
    })
}
