//! Calls that wait for a person: held, answered, deferred or refused.
//!
//! At most one deferral per turn, and an answer counts when the agent went on with it. Must not know how an agent holds a
//! call.

use crate::agent::Word;
use crate::domain::AskId;
use crate::domain::ask::{Answer, AskWhat, Decision};
use crate::domain::command::{Command, CommandBody};
use crate::domain::report::{Phase, Report};
use crate::wire::link::Level;

use super::super::text;
use super::{Effect, Life, Out, Stage};

impl Life {
    pub(super) fn hold(&mut self, ask: AskId, what: AskWhat, out: &mut Out) {
        let asked_again = self.stage == Stage::Leaving && self.quiet && !self.deferred;
        if !asked_again && (self.level != Level::Run || self.stage != Stage::Talking) {
            // It is not shown to anybody: the turn is ending.
            return self.refuse(ask, out);
        }
        self.busy = true;
        if matches!(what, AskWhat::Plan { .. }) {
            self.keep_plan_ask(&ask, out);
        }
        self.refused.remove(&ask);
        let report = Report::AskRaised { id: ask.clone(), what };
        let fits = serde_json::to_vec(&report).is_ok_and(|v| v.len() <= text::MAX_META);
        if !fits {
            return self.refuse(ask, out);
        }
        if self.raised.insert(ask.clone()) {
            out.record(report);
        }
        self.held.insert(ask, out.after(self.run.new.limits.hold));
        if asked_again {
            // The end was wished for before the call came back: it stays deferred.
            self.defer(out);
        }
    }

    /// Remembered over attempts: the answer may come when the call is only a name.
    pub(super) fn keep_plan_ask(&mut self, ask: &AskId, out: &mut Out) {
        if self.plan.asks.insert(ask.clone()) {
            out.push(Effect::KeepPlan(self.plan.clone()));
        }
    }

    /// Lets go of one call without a person: it is told to ask again.
    pub(super) fn refuse(&mut self, ask: AskId, out: &mut Out) {
        self.held.remove(&ask);
        self.refused.insert(ask.clone());
        if self.raised.remove(&ask) {
            let why = "nobody answered in time; the agent will ask again".to_owned();
            out.record(Report::AskTakenBack { id: ask.clone(), why });
        }
        let message = Some("Not answered yet, ask again.".to_owned());
        let answer = Answer::Decide { decide: Decision::Deny, message };
        out.push(Effect::Tell(Word::Answer { ask, answer }));
    }

    pub(super) fn taken_back(&mut self, ask: AskId, why: String, out: &mut Out) {
        self.held.remove(&ask);
        if self.raised.remove(&ask) {
            out.record(Report::AskTakenBack { id: ask, why });
        }
    }

    /// Held for long enough: the first time in a turn the calls are deferred, later ones are refused.
    pub(super) fn hold_over(&mut self, out: &mut Out) {
        if !self.hears() {
            return;
        }
        let over: Vec<AskId> =
            self.held.iter().filter(|(_, at)| **at <= out.now).map(|(a, _)| a.clone()).collect();
        if over.is_empty() {
            return;
        }
        if self.deferred {
            for ask in over {
                self.refuse(ask, out);
            }
        } else {
            self.defer(out);
        }
    }

    pub(super) fn defer(&mut self, out: &mut Out) {
        self.deferred = true;
        self.held.clear();
        out.push(Effect::Tell(Word::DeferAll));
    }

    /// Hands an answer over. It counts as applied when the adapter saw the agent go on with it, never before: until
    /// then it comes again with every attach.
    pub(super) fn answer(&mut self, command: Command, out: &mut Out) {
        let CommandBody::Answer { ask, answer } = command.body else { return };
        let allowed = matches!(answer, Answer::Decide { decide: Decision::Allow, .. });
        self.held.remove(&ask);
        self.busy = true;
        self.quiet = false;
        if allowed && self.plan.asks.contains(&ask) && !self.plan.approved {
            self.plan.approved = true;
            out.push(Effect::KeepPlan(self.plan.clone()));
            self.enter(Phase::Execute, out);
        }
        out.push(Effect::Tell(Word::Answer { ask, answer }));
    }

    /// The calls that wait for an answer we have are not coming back.
    pub(super) fn nothing_comes(&mut self, out: &mut Out) {
        if self.comes_back.take_if(|at| *at <= out.now).is_some() && self.hears() {
            out.push(Effect::Tell(Word::NothingComes));
        }
    }

    pub(super) fn applied(&mut self, id: AskId, out: &mut Out) {
        self.raised.remove(&id);
        if !self.refused.contains(&id) && self.recall.applied.insert(id.clone()) {
            out.record(Report::AnswerApplied { id });
        }
    }
}
