//! What the agent's listening half and its working half share: the output, the queue, open requests, the mode.
//!
//! Whoever waits, waits on [`Desk::until`]; whoever changes something does it through [`Desk::change`], which wakes.
//! Must not know turns, tools or the script.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use uuid::Uuid;

use super::flags::Flags;
use super::{End, Surroundings, lines};

/// One line of output at a time, in the order of the decisions behind them: take it, decide, write.
pub(super) type Output = tokio::sync::Mutex<Box<dyn AsyncWrite + Send + Unpin>>;

#[derive(Clone)]
pub(super) struct Desk(Arc<Shared>);

pub(super) struct Shared {
    pub(super) flags: Flags,
    pub(super) at: Surroundings,
    pub(super) session: Uuid,
    out: Output,
    errors: Output,
    state: Mutex<State>,
    turned: watch::Sender<u64>,
}

impl std::ops::Deref for Desk {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// A user message that waits for its turn.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) uuid: Uuid,
    pub(super) message: Value,
}

/// Why a turn is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abort {
    /// Ends the turn with a result.
    Interrupt,
    /// The process ends at once, without a result.
    Now(End),
}

/// A host's hook: the tools it matches and the id it is called by.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub(super) matcher: String,
    pub(super) id: String,
}

#[expect(clippy::struct_excessive_bools, reason = "facts that come independently of each other")]
#[derive(Default)]
pub(super) struct State {
    pub(super) queue: VecDeque<Said>,
    /// Requests of ours the host has not answered; with the line, for the initialize reply.
    pub(super) open: BTreeMap<String, Value>,
    pub(super) answers: BTreeMap<String, Result<Value, String>>,
    pub(super) hooks: Vec<Hook>,
    pub(super) initialized: bool,
    pub(super) mode: String,
    /// A turn runs or is about to.
    pub(super) busy: bool,
    pub(super) asking: bool,
    pub(super) abort: Option<Abort>,
    pub(super) eof: bool,
    /// Told to end after this turn.
    pub(super) ending: bool,
    /// By SIGINT: then it ends with 0, whatever the last result.
    pub(super) interrupted: bool,
    pub(super) deaf_to_sigterm: bool,
    /// User messages of this process and, after a resume, of the transcript.
    pub(super) heard: HashSet<Uuid>,
    /// Those of the transcript.
    pub(super) told_before: HashSet<Uuid>,
}

/// The reader of our output is gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

impl Desk {
    pub(super) fn new(
        flags: Flags,
        at: Surroundings,
        session: Uuid,
        out: Box<dyn AsyncWrite + Send + Unpin>,
        errors: Box<dyn AsyncWrite + Send + Unpin>,
    ) -> Self {
        let state = Mutex::new(State { mode: flags.mode().to_owned(), ..State::default() });
        let (out, errors) = (Output::new(out), Output::new(errors));
        Self(Arc::new(Shared { flags, at, session, out, errors, state, turned: watch::Sender::new(0) }))
    }

    pub(super) fn change<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let changed = f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.turned.send_modify(|n| *n += 1);
        changed
    }

    pub(super) fn look<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the state gives something.
    pub(super) async fn until<T>(&self, mut give: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut turned = self.turned.subscribe();
        loop {
            turned.mark_unchanged();
            if let Some(given) = give(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner)) {
                return given;
            }
            if turned.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The work, unless the turn is broken off first.
    pub(super) async fn unless_aborted<T>(&self, work: impl Future<Output = T>) -> Result<T, Abort> {
        tokio::select! {
            biased;
            why = self.until(|s| s.abort) => Err(why),
            done = work => Ok(done),
        }
    }

    /// Takes the output, decides with the state, writes what was decided.
    pub(super) async fn write_with(&self, decide: impl FnOnce(&mut State) -> Vec<Value>) -> Result<(), Gone> {
        let mut out = self.out.lock().await;
        let mut bytes = Vec::new();
        for line in self.change(decide) {
            bytes.extend_from_slice(line.to_string().as_bytes());
            bytes.push(b'\n');
        }
        put(&mut out, &bytes).await
    }

    pub(super) async fn write(&self, line: Value) -> Result<(), Gone> {
        self.write_with(|_| vec![line]).await
    }

    pub(super) async fn write_raw(&self, bytes: &[u8]) -> Result<(), Gone> {
        put(&mut *self.out.lock().await, bytes).await
    }

    pub(super) async fn complain(&self, text: &str) {
        let _ = put(&mut *self.errors.lock().await, format!("{text}\n").as_bytes()).await;
    }

    pub(super) fn id(&self) -> Uuid {
        self.at.clock.random_id()
    }

    /// A line of ours: type and body, with its uuid and the session's id.
    pub(super) fn line(&self, kind: &str, body: Value) -> Value {
        lines::line(kind, body, self.id(), self.session)
    }

    /// `session_state_changed`, for hosts that asked for it by environment.
    pub(super) fn state_line(&self, state: &str) -> Option<Value> {
        (self.at.var("CLAUDE_CODE_SDK_READS_SESSION_STATE") == Some("1")).then(|| {
            let body = json!({ "subtype": "session_state_changed", "state": state, "sdk_host_only": true });
            self.line("system", body)
        })
    }

    pub(super) fn lifecycle(&self, of: Uuid, state: &str) -> Value {
        self.line("command_lifecycle", json!({ "command_uuid": of, "state": state }))
    }
}

async fn put(out: &mut Box<dyn AsyncWrite + Send + Unpin>, bytes: &[u8]) -> Result<(), Gone> {
    out.write_all(bytes).await.map_err(|_| Gone)?;
    out.flush().await.map_err(|_| Gone)
}
