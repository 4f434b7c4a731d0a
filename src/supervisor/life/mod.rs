//! One attempt's life, sans-IO: what happened goes in, what is to be done comes out.
//!
//! ```text
//!   Waiting ──secrets──► Preparing ──► Talking ◄─────── feedback, messages ───────┐
//!                                        │ turn completed                         │
//!                                        └─► Checkpointing ─► Checking ─► Publishing
//!   from everywhere: Leaving (interrupt ─► close ─► terminate ─► kill) ─► Sweeping ─► last checkpoint ─► Over
//! ```
//! Laws: at most one `DeferAll` per turn; an answer is applied once; after the wish to end, the agent hears nothing
//! but what ends it. Must not know processes, files, sockets or how a check is run.

mod asks;
mod begin;
mod leave;
mod review;
mod steps;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use uuid::Uuid;

use crate::domain::command::{Command, CommandBody, CommandNo};
use crate::domain::report::{Ending, Evidence, Phase, Report, TurnOutcome};
use crate::domain::{AskId, Time};
use crate::wire::link::Level;
use crate::wire::run::Run;

use super::checks::Progress;
use super::journal::Recall;
pub use steps::{Effect, Input, Plan, Ready, Trouble, Verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Preparing,
    /// The agent works, or waits for a word.
    Talking,
    Checkpointing,
    Checking,
    Publishing,
    /// The process is being ended.
    Leaving,
    Sweeping,
    /// The last checkpoint.
    Securing,
    Over,
}

/// How far the ending of a process has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    /// Interrupted or deferred: waits for the turn's end.
    Asked,
    Closed,
    Terminated,
    Killed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Process {
    #[default]
    None,
    Starting,
    Alive,
}

/// One attempt.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of one turn, each with its own comment")]
pub struct Life {
    run: Run,
    level: Level,
    stage: Stage,
    process: Process,
    closing: Option<(Closing, Time)>,
    ending: Option<Ending>,
    ready: Option<Ready>,
    resume: bool,
    plan: Plan,
    phase: Phase,
    /// A turn runs, or a line was written whose turn has not ended.
    busy: bool,
    /// Something was said to this process that it had not heard before.
    spoke: bool,
    /// Resumed, and nothing said yet: a deferred call may come back by itself.
    quiet: bool,
    /// An answer waits for its call to come back by itself: until when.
    comes_back: Option<Time>,
    /// `DeferAll` was told in this turn.
    deferred: bool,
    /// Interrupted for a message, and not yet ended.
    interrupting: bool,
    /// A turn's end was reported with its line already.
    reported: bool,
    /// The agent is idle and something runs in the background: until when its news are waited for, and how the turn
    /// ended.
    lingers: Option<(Time, TurnOutcome)>,
    queue: VecDeque<Command>,
    /// Answers that wait for the process to stand.
    answers: VecDeque<Command>,
    seen: BTreeSet<CommandNo>,
    said: BTreeMap<Uuid, CommandNo>,
    /// What was said and not consumed, should it have to be said again.
    spoken: BTreeMap<CommandNo, CommandBody>,
    /// Our own words that have a place before the queue: feedback, how to go on.
    own: VecDeque<(Uuid, String)>,
    held: BTreeMap<AskId, Time>,
    raised: BTreeSet<AskId>,
    /// Refused by us: what the adapter says of their answers is not an answer applied.
    refused: BTreeSet<AskId>,
    recall: Recall,
    /// How often one more word was needed to get going, or the plan asked for.
    nudges: u32,
    relaunches: u32,
    round: u32,
    progress: Progress,
    /// Words to the agent in a row about work that could not be looked at.
    unready: u32,
    evidence: Vec<Evidence>,
    /// The tree `evidence` is about.
    tree: String,
    summary: String,
    retry_at: Option<Time>,
}

impl Life {
    /// `recall`: what the journal of this attempt remembers; `plan`: what earlier attempts left.
    pub fn new(run: Run, recall: Recall, plan: Plan) -> Self {
        Self {
            level: Level::Run,
            stage: if recall.ended { Stage::Over } else { Stage::Waiting },
            process: Process::None,
            closing: None,
            ending: None,
            ready: None,
            resume: run.resume || recall.conversed,
            plan,
            phase: recall.phase,
            busy: false,
            spoke: false,
            quiet: false,
            comes_back: None,
            deferred: false,
            interrupting: false,
            reported: false,
            lingers: None,
            queue: VecDeque::new(),
            answers: VecDeque::new(),
            seen: recall.consumed.clone(),
            said: BTreeMap::new(),
            spoken: BTreeMap::new(),
            own: VecDeque::new(),
            held: BTreeMap::new(),
            raised: BTreeSet::new(),
            refused: BTreeSet::new(),
            nudges: 0,
            relaunches: 0,
            round: recall.round,
            progress: Progress::default(),
            unready: 0,
            evidence: recall.evidence.clone(),
            tree: String::new(),
            summary: String::new(),
            retry_at: None,
            recall,
            run,
        }
    }

    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// When the next [`Input::Tick`] is due at the latest.
    pub fn wake(&self) -> Option<Time> {
        let closing = self.closing.map(|(_, at)| at);
        let hold = self.held.values().min().copied();
        let lingers = self.lingers.as_ref().map(|(at, _)| *at);
        [closing, hold, lingers, self.comes_back, self.retry_at].into_iter().flatten().min()
    }

    /// The one step. `now` is used for deadlines only.
    pub fn step(&mut self, now: Time, input: Input) -> Vec<Effect> {
        let mut out = Out { effects: Vec::new(), now };
        self.take(input, &mut out);
        out.effects
    }

    fn take(&mut self, input: Input, out: &mut Out) {
        match input {
            Input::Secrets => self.secrets(out),
            Input::Want(level) => self.want(level, out),
            Input::Command(command) => self.command(command, out),
            Input::Prepared(outcome) => self.prepared(outcome, out),
            Input::Launched(outcome) => self.launched(outcome, out),
            Input::Known(uuid) => self.known(uuid, out),
            Input::Signal(signal) => self.signal(signal, out),
            Input::Exited { outcome, remedy } => self.exited(outcome, remedy, out),
            Input::Checkpointed(outcome) => self.checkpointed(outcome, out),
            Input::Told(report) => self.told(report, out),
            Input::Checked(outcome) => self.checked(outcome, out),
            Input::Published(outcome) => self.published(outcome, out),
            Input::Unpushed { wants } => self.unpushed(&wants, out),
            Input::Swept(clean) => self.swept(clean, out),
            Input::Tick => self.tick(out),
        }
    }

    /// Whether it is on its way out: then everything the agent says is heard, however far behind the link is.
    pub fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::Leaving | Stage::Sweeping | Stage::Securing | Stage::Over)
    }

    /// The level only rises: an attempt that was told to end does not come back.
    fn want(&mut self, level: Level, out: &mut Out) {
        if rank(level) <= rank(self.level) {
            return;
        }
        self.level = level;
        match self.stage {
            // A push under way is short, and its outcome is worth more than its end; so is the securing of the work.
            Stage::Publishing if level == Level::Drain => {}
            Stage::Checkpointing | Stage::Sweeping | Stage::Securing | Stage::Over => {}
            Stage::Leaving => self.hurry(out),
            Stage::Preparing | Stage::Checking | Stage::Publishing => {
                out.push(Effect::Abandon);
                self.leave(self.asked_ending(), out);
            }
            Stage::Waiting | Stage::Talking => self.leave(self.asked_ending(), out),
        }
    }

    fn asked_ending(&self) -> Ending {
        if self.level == Level::Stop { Ending::Stopped } else { Ending::Drained }
    }

    fn enter(&mut self, phase: Phase, out: &mut Out) {
        if self.phase != phase {
            self.phase = phase;
            out.record(Report::Phase { phase });
        }
    }

    fn told(&mut self, report: Report, out: &mut Out) {
        if matches!(self.stage, Stage::Preparing | Stage::Checking | Stage::Publishing) {
            out.record(report);
        }
    }

    fn tick(&mut self, out: &mut Out) {
        self.hold_over(out);
        self.linger_over(out);
        self.nothing_comes(out);
        self.close_further(out);
        if self.retry_at.is_some_and(|at| out.now >= at) {
            self.retry_at = None;
            out.push(Effect::Sweep);
        }
    }

    fn command(&mut self, command: Command, out: &mut Out) {
        if !self.seen.insert(command.c) {
            return;
        }
        match &command.body {
            CommandBody::Answer { ask, .. } if self.recall.applied.contains(ask) => {}
            CommandBody::Answer { .. } => {
                self.answers.push_back(command);
                self.pump(out);
            }
            CommandBody::Message { mode: crate::domain::command::MessageMode::Interrupt, .. } => {
                self.queue.push_front(command);
                self.interrupt(out);
            }
            _ => {
                self.queue.push_back(command);
                self.pump(out);
            }
        }
    }
}

fn rank(level: Level) -> u8 {
    match level {
        Level::Run => 0,
        Level::Drain => 1,
        Level::Stop => 2,
    }
}

/// Effects under way, and the moment they belong to.
struct Out {
    effects: Vec<Effect>,
    now: Time,
}

impl Out {
    fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn record(&mut self, report: Report) {
        self.push(Effect::Record { report, raw: None });
    }

    fn after(&self, seconds: u32) -> Time {
        self.now + crate::domain::limits::seconds(seconds)
    }
}
