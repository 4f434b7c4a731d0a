//! What a life is told and what it asks for.
//!
//! Values only: the shell around a life carries them out, tests read them. Must not know either.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::agent::{Remedy, Signal, Word};
use crate::domain::AskId;
use crate::domain::command::Command;
use crate::domain::report::{Pushed, Report, Retry, TurnOutcome};
use crate::supervisor::checks::Round;
use crate::wire::link::Level;

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The first attach has come and brought the secrets.
    Secrets,
    Want(Level),
    /// On this machine's disk. A second copy changes nothing.
    Command(Command),
    Prepared(Result<Ready, Trouble>),
    Launched(Result<(), Trouble>),
    /// The agent took a line before: it dropped this copy silently.
    Known(Uuid),
    Signal(Signal),
    /// The process is gone; `outcome` is the adapter's view of an unfinished turn.
    Exited {
        outcome: TurnOutcome,
        remedy: Option<Remedy>,
    },
    Checkpointed(Result<Option<String>, String>),
    /// A report of running work: checks planned, started, ended, notes.
    Told(Report),
    Checked(Result<Verdict, Trouble>),
    Published(Result<Pushed, Trouble>),
    /// The branch could not be pushed for a reason the agent can mend.
    Unpushed {
        wants: String,
    },
    /// Whether no process of the attempt is left.
    Swept(bool),
    /// Time has passed; see `Life::wake`.
    Tick,
}

/// To be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Record {
        report: Report,
        raw: Option<Vec<u8>>,
    },
    Live(Vec<u8>),
    Prepare,
    Launch {
        resume: bool,
        plan: bool,
    },
    /// A user line; where the conversation is resumed, look first whether it was taken before.
    Say {
        uuid: Uuid,
        text: String,
    },
    Tell(Word),
    Write(Vec<u8>),
    CloseStdin,
    Terminate,
    Kill,
    Checkpoint,
    Check {
        round: u32,
    },
    Publish,
    /// Drop the work under way (preparing, checks, push).
    Abandon,
    /// Remembered for later attempts on this machine.
    KeepPlan(Plan),
    Sweep,
    /// The last record is written; serve the journal until it is acked.
    Over,
}

/// Where a session in plan mode stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// A person said yes: the agent may change things.
    pub approved: bool,
    /// The asks that showed a plan.
    pub asks: BTreeSet<AskId>,
}

/// The workspace stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    pub base: String,
    pub base_sha: String,
    pub branch: String,
}

/// Why something did not work, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub cause: String,
    pub retry: Retry,
}

/// How a look at the work came out.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// There is nothing to check or to push: no change at all.
    Nothing,
    /// The work cannot be checked as it lies there; in words for the agent.
    Unready { wants: String },
    /// `rounds`: how many may fail in a row.
    Round { round: Round, rounds: u32 },
}
