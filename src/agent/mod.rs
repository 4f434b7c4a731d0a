//! Floor 1: how to talk with one agent process.
//!
//! An [`Adapter`] is sans-IO: lines in, [`Signal`]s and lines to write out. The supervisor owns the process, its pipes
//! and every timer. Must not know nodes, git, control or clocks.

pub mod claude;
pub mod framing;
pub mod probe;

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::domain::AskId;
use crate::domain::ask::{Answer, AskWhat};
use crate::domain::report::{Report, TurnOutcome, Usage};

/// What an adapter is told before its process starts.
#[derive(Clone, Debug)]
pub struct Start {
    /// Program and leading arguments.
    pub command: Vec<String>,
    /// The conversation's id, ours from the start.
    pub conversation: Uuid,
    /// The conversation has begun before: resume it.
    pub resume: bool,
    pub model: Option<String>,
    pub effort: Option<String>,
    /// Begin in plan mode; on a resume: the plan has not been approved yet.
    pub plan: bool,
    /// Tools whose use waits for a person.
    pub require_approval_for: Vec<String>,
    /// The agent's own folder for settings and transcripts; one per session.
    pub config_dir: std::path::PathBuf,
}

/// How the process is started. The supervisor adds the sandbox, the secrets and the marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    pub argv: Vec<String>,
    pub env: BTreeMap<String, String>,
}

/// One line for the agent's standard input, without its newline.
pub type Line = Vec<u8>;

/// What the agent's line means.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// For the journal, with the line itself where it is worth keeping.
    Report { report: Report, raw: Option<Vec<u8>> },
    /// Shown while it lasts, not kept.
    Live(Vec<u8>),
    /// A tool call is held for a person; the agent waits until it is told [`Word::Answer`] or [`Word::DeferAll`].
    Held { ask: AskId, what: AskWhat },
    /// The agent does not wait for this ask any more.
    TakenBack { ask: AskId, why: String },
    /// The agent has taken up the user line with this uuid.
    Consumed { uuid: Uuid },
    /// A turn begins that no word of ours asked for.
    TurnBegan,
    /// Resumed and idle, with an answer to a call that may still come back by itself. If nothing comes for a moment, tell
    /// it [`Word::NothingComes`].
    MayComeBack,
    /// The turn is over; with `queued` more turns may follow by themselves (queued words, or work in the background
    /// whose end starts one). Work that never ends, a server say, starts none.
    TurnEnded { outcome: TurnOutcome, usage: Usage, queued: u32 },
    /// To be written to the agent at once.
    Write(Line),
    /// The agent cannot go on (not JSON, refused version): end it and say why.
    Broken { cause: String },
}

/// What the supervisor tells the agent.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    Say {
        uuid: Uuid,
        text: String,
    },
    Answer {
        ask: AskId,
        answer: Answer,
    },
    /// Let go of a held call. At most one call of a turn can be deferred: the adapter denies the others with
    /// "not answered yet, ask again" and reports them as [`Signal::TakenBack`].
    DeferAll,
    /// What was put aside has had its time to come back: answers that still wait are said in words.
    NothingComes,
    /// End the turn and drop what is queued behind it.
    Interrupt,
}

/// What lets a conversation start that could not be started as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// There is nothing to resume (it was killed too early): start afresh with the same id and say everything again.
    StartAfresh,
    /// The conversation exists already: resume it.
    Resume,
}

/// The adapter for an agent. Every agent of a configuration speaks claude's protocol, whatever it is called there:
/// the scripted agent does, and so does `claude` behind a wrapper.
pub fn adapter(start: Start) -> Box<dyn Adapter> {
    Box::new(claude::Claude::new(start))
}

/// One agent's language.
pub trait Adapter: Send {
    fn launch(&self) -> Launch;
    /// The first lines to write after the start.
    fn open(&mut self) -> Vec<Line>;
    /// One line of the agent's standard output, without its newline.
    fn heard(&mut self, line: Vec<u8>) -> Vec<Signal>;
    /// What to write for a word, and what follows from it at once.
    fn tell(&mut self, word: Word) -> Vec<Signal>;
    /// How the turn stands when the process has exited without ending it. `stderr`: the tail of what it printed there.
    fn exited(&mut self, code: Option<i32>, stderr: &str) -> TurnOutcome;
    /// Set when the process refused to start for a reason that a changed [`Start`] mends. Read it after
    /// [`exited`](Adapter::exited).
    fn remedy(&self) -> Option<Remedy> {
        None
    }
}
