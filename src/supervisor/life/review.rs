//! After a completed turn: secure the tree, run the checks, send failures back, publish.
//!
//! Must not know how a checkpoint is made, a check run or a branch pushed.

use uuid::Uuid;

use crate::domain::report::{Ending, Evidence, Phase, Pushed, Report, Retry};
use crate::wire::link::Level;

use super::super::prompt;
use super::{Effect, Life, Out, Round, Stage, Trouble};

impl Life {
    pub(super) fn review(&mut self, out: &mut Out) {
        self.stage = Stage::Checkpointing;
        out.push(Effect::Checkpoint);
    }

    pub(super) fn checkpointed(&mut self, outcome: Result<Option<String>, String>, out: &mut Out) {
        match outcome {
            Ok(Some(sha)) => out.record(Report::Checkpoint { sha }),
            Ok(None) => {}
            Err(why) => out.record(Report::Note { text: format!("The work could not be secured: {why}") }),
        }
        match self.stage {
            Stage::Checkpointing if self.level != Level::Run => self.leave(self.asked_ending(), out),
            Stage::Checkpointing if self.has_words() => self.talk(out),
            Stage::Checkpointing => {
                self.stage = Stage::Checking;
                self.round += 1;
                self.enter(Phase::Validate, out);
                out.push(Effect::Check { round: self.round });
            }
            Stage::Securing => self.over(out),
            _ => {}
        }
    }

    pub(super) fn checked(&mut self, outcome: Result<Round, Trouble>, out: &mut Out) {
        if self.stage != Stage::Checking {
            return;
        }
        match outcome {
            Err(trouble) => self.fail(trouble, out),
            Ok(Round::Red { tree, evidence, wants }) => self.red(tree, evidence, wants.as_deref(), out),
            Ok(_) if self.has_words() => self.talk(out),
            Ok(Round::Nothing) => self.finish(None, out),
            Ok(Round::Green { evidence }) => {
                self.evidence = evidence;
                self.failures = 0;
                self.last_tree = None;
                self.stage = Stage::Publishing;
                self.enter(Phase::Publish, out);
                out.push(Effect::Publish);
            }
        }
    }

    fn red(&mut self, tree: String, evidence: Vec<Evidence>, wants: Option<&str>, out: &mut Out) {
        let rounds = self.run.new.limits.max_consecutive_failures.max(1);
        let failing = failing(&evidence, wants);
        let stuck = self.last_tree.as_deref() == Some(tree.as_str());
        self.failures += 1;
        if self.failures >= rounds {
            let cause = format!("the checks still fail after {} rounds: {failing}", self.failures);
            return self.fail(Trouble { cause, retry: Retry::No }, out);
        }
        if stuck && !self.has_words() {
            let cause = format!("the checks fail and the agent changes nothing any more: {failing}");
            return self.fail(Trouble { cause, retry: Retry::No }, out);
        }
        self.last_tree = Some(tree);
        let text = prompt::feedback(&self.run.new.mark, &evidence, wants, self.failures, rounds);
        let name = format!("round/{}/{}", self.run.attempt, self.round);
        self.own.push_back((Uuid::new_v5(&self.run.new.mark, name.as_bytes()), text));
        self.talk(out);
    }

    pub(super) fn published(&mut self, outcome: Result<Pushed, Trouble>, out: &mut Out) {
        if self.stage != Stage::Publishing {
            return;
        }
        match outcome {
            Err(trouble) => self.fail(trouble, out),
            Ok(pushed) => {
                out.record(Report::Pushed(pushed.clone()));
                // Something was said meanwhile: the work is safe, and goes on.
                if self.has_words() && self.level == Level::Run {
                    self.talk(out);
                } else {
                    self.finish(Some(pushed), out);
                }
            }
        }
    }

    fn finish(&mut self, pushed: Option<Pushed>, out: &mut Out) {
        let evidence = if pushed.is_some() { std::mem::take(&mut self.evidence) } else { Vec::new() };
        let summary = super::super::text::clip(&self.summary, 64 * 1024);
        self.leave(Ending::Finished { pushed, evidence, summary }, out);
    }
}

fn failing(evidence: &[Evidence], wants: Option<&str>) -> String {
    let failed = evidence.iter().filter(|e| !e.passed()).map(|e| format!("`{}`", e.command));
    let all: Vec<String> = failed.chain(wants.map(str::to_owned)).collect();
    all.join(", ")
}
