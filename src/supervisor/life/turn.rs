//! Talking with the agent: what is said when, what is held for a person, how a turn ends.
//!
//! Must not know how words become lines or what follows a completed turn.

use uuid::Uuid;

use crate::agent::{Remedy, Signal, Word};
use crate::domain::command::{Command, CommandBody};
use crate::domain::report::{Ending, Phase, Report, Retry, TurnOutcome, Usage};
use crate::wire::link::Level;

use super::super::checks::Progress;
use super::super::{prompt, text};
use super::{Effect, Life, Out, Process, Stage, Trouble};

/// Seconds without a sign after which what runs in the background is not waited for any more: a server the agent left
/// running never has news.
const FOR_BACKGROUND: u32 = 30;
/// Seconds a resumed agent has to take up what it put aside. It does so within milliseconds, or never.
const FOR_COME_BACK: u32 = 2;
/// Process starts within one attempt: a fresh one after a lost conversation, new ones for feedback.
const MAX_RELAUNCHES: u32 = 20;

impl Life {
    /// Whether the agent can be told something new.
    pub(super) fn hears(&self) -> bool {
        self.stage == Stage::Talking && self.process == Process::Alive && self.level == Level::Run
    }

    /// Something waits to be said.
    pub(super) fn has_words(&self) -> bool {
        !self.own.is_empty() || !self.queue.is_empty() || !self.answers.is_empty()
    }

    /// Hands answers over at once and says the next word if the agent is idle. Our own words come first.
    pub(super) fn pump(&mut self, out: &mut Out) {
        if self.stage == Stage::Talking && self.process == Process::None && self.level == Level::Run {
            if self.has_words() {
                self.relaunch(out);
            }
            return;
        }
        if !self.hears() {
            return;
        }
        for command in std::mem::take(&mut self.answers) {
            self.answer(command, out);
        }
        if self.busy && self.lingers.is_none() {
            return;
        }
        if let Some((uuid, text)) = self.own.pop_front() {
            self.say(uuid, text, out);
        } else if let Some(command) = self.queue.pop_front() {
            let text = self.words(&command.body);
            if matches!(command.body, CommandBody::Message { .. }) {
                self.progress = Progress::default();
                self.unready = 0;
            }
            self.said.insert(command.uuid, command.c);
            self.spoken.insert(command.c, command.body);
            self.say(command.uuid, text, out);
        }
    }

    fn say(&mut self, uuid: Uuid, text: String, out: &mut Out) {
        self.busy = true;
        self.lingers = None;
        self.spoke = true;
        self.quiet = false;
        out.push(Effect::Say { uuid, text });
    }

    pub(super) fn relaunch(&mut self, out: &mut Out) {
        self.relaunches += 1;
        if self.relaunches > MAX_RELAUNCHES {
            let cause = "the agent's process ended again and again between turns".to_owned();
            return self.fail(Trouble { cause, retry: Retry::Later }, out);
        }
        self.launch(out);
    }

    fn words(&self, body: &CommandBody) -> String {
        match body {
            CommandBody::Begin | CommandBody::Answer { .. } => self.brief(),
            CommandBody::Message { text, from, .. } => prompt::message(from.name(), text, &self.run.new.mark),
            CommandBody::GoOn { why } => prompt::go_on(why),
        }
    }

    fn brief(&self) -> String {
        let (branch, base) = self.ready.as_ref().map_or(("", ""), |r| (r.branch.as_str(), r.base.as_str()));
        prompt::begin(&self.run.new, branch, base)
    }

    /// A word of our own; its uuid is the same at every computation.
    pub(super) fn say_own(&mut self, name: &str, text: String) {
        let name = format!("{name}/{}/{}", self.run.attempt, self.nudges);
        self.nudges += 1;
        self.own.push_back((Uuid::new_v5(&self.run.new.mark, name.as_bytes()), text));
    }

    /// The agent had this line before and dropped our copy: it is consumed, but nothing runs because of it.
    pub(super) fn known(&mut self, uuid: Uuid, out: &mut Out) {
        self.busy = false;
        self.consumed(uuid, out);
        if self.own.is_empty()
            && self.queue.is_empty()
            && self.held.is_empty()
            && self.hears()
            && self.nudges < 3
        {
            self.say_own("again", prompt::go_on("the machine was restarted"));
        }
        self.pump(out);
    }

    fn consumed(&mut self, uuid: Uuid, out: &mut Out) {
        if let Some(c) = self.said.remove(&uuid) {
            self.spoken.remove(&c);
            out.record(Report::CommandConsumed { c });
        }
    }

    /// A message that does not wait: ends the turn, or what stands between the turn and the next word.
    pub(super) fn interrupt(&mut self, out: &mut Out) {
        match self.stage {
            Stage::Talking if self.hears() && self.busy && self.lingers.is_none() => {
                if !self.interrupting {
                    self.interrupting = true;
                    out.push(Effect::Tell(Word::Interrupt));
                }
            }
            Stage::Checking if self.level == Level::Run => {
                out.push(Effect::Abandon);
                self.talk(out);
            }
            _ => self.pump(out),
        }
    }

    /// Back from the checks to the agent.
    pub(super) fn talk(&mut self, out: &mut Out) {
        self.stage = Stage::Talking;
        self.enter(Phase::Execute, out);
        self.pump(out);
    }

    pub(super) fn signal(&mut self, signal: Signal, out: &mut Out) {
        if let Some((at, _)) = &mut self.lingers {
            *at = out.after(FOR_BACKGROUND);
        }
        match signal {
            Signal::Report { report, raw } => self.report(report, raw, out),
            Signal::Live(line) => out.push(Effect::Live(line)),
            Signal::Held { ask, what } => self.hold(ask, what, out),
            Signal::TakenBack { ask, why } => self.taken_back(ask, why, out),
            Signal::Consumed { uuid } => self.consumed(uuid, out),
            Signal::TurnBegan => (self.lingers, self.comes_back) = (None, None),
            Signal::MayComeBack => {
                self.comes_back.get_or_insert(out.after(FOR_COME_BACK));
            }
            Signal::TurnEnded { outcome, usage, queued } => self.turn_ended(outcome, usage, queued, out),
            Signal::Write(line) => out.push(Effect::Write(line)),
            Signal::Broken { cause } => self.fail(Trouble { cause, retry: Retry::No }, out),
        }
    }

    fn report(&mut self, report: Report, raw: Option<Vec<u8>>, out: &mut Out) {
        match &report {
            Report::AnswerApplied { id } => return self.applied(id.clone(), out),
            Report::AskRaised { id, .. } if !self.raised.insert(id.clone()) => return,
            Report::AskTakenBack { id, .. } if !self.raised.remove(id) => return,
            Report::TurnEnded { .. } => self.reported = true,
            Report::AgentStarted { .. } => self.resume = true,
            _ => {}
        }
        out.push(Effect::Record { report: text::fit(report), raw });
    }

    fn turn_ended(&mut self, outcome: TurnOutcome, usage: Usage, queued: u32, out: &mut Out) {
        if !std::mem::take(&mut self.reported) {
            out.record(text::fit(Report::TurnEnded { outcome: outcome.clone(), usage }));
        }
        self.deferred = false;
        self.held.clear();
        if queued > 0 && matches!(outcome, TurnOutcome::Completed { .. }) && self.level == Level::Run {
            return self.linger(outcome, out);
        }
        self.turn_done(outcome, out);
    }

    /// The agent is idle but may go on by itself; whoever has a word for it need not wait.
    fn linger(&mut self, outcome: TurnOutcome, out: &mut Out) {
        self.interrupting = false;
        self.lingers = Some((out.after(FOR_BACKGROUND), outcome));
        self.pump(out);
    }

    pub(super) fn linger_over(&mut self, out: &mut Out) {
        if let Some((_, outcome)) = self.lingers.take_if(|(at, _)| *at <= out.now) {
            self.turn_done(outcome, out);
        }
    }

    fn turn_done(&mut self, outcome: TurnOutcome, out: &mut Out) {
        self.lingers = None;
        self.busy = false;
        self.interrupting = false;
        if matches!(outcome, TurnOutcome::Completed { .. }) {
            // Idle without an error: whatever was written has been taken up, also by agents that do not say so.
            let said: Vec<Uuid> = self.said.keys().copied().collect();
            for uuid in said {
                self.consumed(uuid, out);
            }
        }
        match self.stage {
            Stage::Leaving => self.turn_over(&outcome, out),
            Stage::Talking => self.after_turn(outcome, out),
            _ => {}
        }
    }

    fn after_turn(&mut self, outcome: TurnOutcome, out: &mut Out) {
        match outcome {
            TurnOutcome::Deferred { .. } => self.leave(Ending::Deferred, out),
            TurnOutcome::Failed { message, retry } => self.fail(Trouble { cause: message, retry }, out),
            TurnOutcome::Completed { .. } | TurnOutcome::Interrupted if self.has_words() => {
                self.pump(out);
            }
            TurnOutcome::Interrupted => {
                let cause = "the agent broke its turn off by itself".to_owned();
                self.fail(Trouble { cause, retry: Retry::Later }, out);
            }
            TurnOutcome::Completed { text } => {
                self.summary = text;
                if self.phase == Phase::Plan && self.nudges == 0 {
                    self.say_own("plan", prompt::PLAN_FIRST.to_owned());
                    return self.pump(out);
                }
                self.review(out);
            }
        }
    }

    pub(super) fn exited(&mut self, outcome: TurnOutcome, remedy: Option<Remedy>, out: &mut Out) {
        self.process = Process::None;
        self.closing = None;
        self.held.clear();
        match (self.stage, self.lingers.take()) {
            (Stage::Leaving, _) => self.gone(out),
            (Stage::Talking, Some((_, ended))) => self.turn_done(ended, out),
            (Stage::Talking, None) => self.died(outcome, remedy, out),
            // Idle, its work done: whoever has a word for it starts it again.
            _ => self.busy = false,
        }
    }

    fn died(&mut self, outcome: TurnOutcome, remedy: Option<Remedy>, out: &mut Out) {
        let started = std::mem::take(&mut self.busy);
        match remedy {
            Some(Remedy::StartAfresh) if self.resume => return self.start_afresh(out),
            Some(Remedy::Resume) if !self.resume => {
                self.resume = true;
                self.say_again();
                return self.relaunch(out);
            }
            _ => {}
        }
        match outcome {
            TurnOutcome::Failed { message, retry } => self.fail(Trouble { cause: message, retry }, out),
            TurnOutcome::Deferred { .. } => self.leave(Ending::Deferred, out),
            _ if !started && (self.spoke || self.has_words()) => self.pump(out),
            _ if !started => {
                let cause = "the agent's process ended before it was told anything".to_owned();
                self.fail(Trouble { cause, retry: Retry::Later }, out);
            }
            _ => {
                let cause = "the agent's process ended in the middle of a turn".to_owned();
                self.fail(Trouble { cause, retry: Retry::Later }, out);
            }
        }
    }

    /// There was no conversation to resume: the brief is said again, then what was not consumed.
    fn start_afresh(&mut self, out: &mut Out) {
        self.resume = false;
        self.say_again();
        let begins = self.queue.iter().any(|c| c.body == CommandBody::Begin);
        if !begins {
            self.own.clear();
            let text = format!("{}\n{}", self.brief(), prompt::LOST);
            self.say_own("brief", text);
        }
        self.relaunch(out);
    }

    /// What was said to a process that never took it is said to the next.
    fn say_again(&mut self) {
        for (uuid, c) in std::mem::take(&mut self.said).into_iter().rev() {
            if let Some(body) = self.spoken.remove(&c) {
                self.queue.push_front(Command { c, uuid, body });
            }
        }
    }
}
