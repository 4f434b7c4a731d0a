//! After a completed turn: secure the tree, run the checks, send failures back, publish.
//!
//! Must not know how a checkpoint is made, a check run or a branch pushed.

use uuid::Uuid;

use crate::domain::report::{Ending, Evidence, Phase, Pushed, Report, Retry};
use crate::wire::link::Level;

use super::super::checks::Round;
use super::super::prompt;
use super::{Effect, Life, Out, Stage, Trouble, Verdict};

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

    pub(super) fn checked(&mut self, outcome: Result<Verdict, Trouble>, out: &mut Out) {
        if self.stage != Stage::Checking {
            return;
        }
        match outcome {
            Err(trouble) => self.fail(trouble, out),
            Ok(Verdict::Unready { wants }) => self.back_to_agent(&wants, out),
            Ok(Verdict::Round { round, rounds }) if !round.passed() => self.red(&round, rounds, out),
            Ok(_) if self.has_words() => self.talk(out),
            Ok(Verdict::Nothing) => self.finish(None, out),
            Ok(Verdict::Round { round, .. }) => {
                self.progress.take(&round);
                self.unready = 0;
                self.evidence = round.evidence;
                self.tree = round.tree;
                self.stage = Stage::Publishing;
                self.enter(Phase::Publish, out);
                out.push(Effect::Publish);
            }
        }
    }

    fn red(&mut self, round: &Round, rounds: u32, out: &mut Out) {
        let moved = self.progress.take(round);
        let failing = failing(&round.evidence, round.wants.as_deref());
        let cause = if self.progress.failures >= rounds.max(1) {
            Some(format!("the checks still fail after {} rounds: {failing}", self.progress.failures))
        } else if !moved && !self.has_words() {
            Some(format!("the checks fail and the agent changes nothing any more: {failing}"))
        } else {
            None
        };
        if let Some(cause) = cause {
            return self.fail(Trouble { cause, retry: Retry::No }, out);
        }
        let fence = Uuid::new_v5(&self.run.new.mark, round.signature().as_bytes()).simple().to_string();
        self.feed_back(round.feedback(&fence), out);
    }

    /// The agent can mend it, and is told how often.
    fn back_to_agent(&mut self, wants: &str, out: &mut Out) {
        self.unready += 1;
        if self.unready > self.run.new.limits.max_consecutive_failures.max(1) {
            let cause = format!("the work could not be taken over: {wants}");
            return self.fail(Trouble { cause, retry: Retry::No }, out);
        }
        self.feed_back(prompt::unready(wants), out);
    }

    fn feed_back(&mut self, text: String, out: &mut Out) {
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
                } else if pushed.tree != self.tree && self.level == Level::Run {
                    // What ran in the background committed after the checks: what was pushed is not what passed.
                    self.review(out);
                } else {
                    self.finish(Some(pushed), out);
                }
            }
        }
    }

    pub(super) fn unpushed(&mut self, wants: &str, out: &mut Out) {
        match self.stage {
            Stage::Publishing if self.level == Level::Run => self.back_to_agent(wants, out),
            Stage::Publishing => self.leave(self.asked_ending(), out),
            _ => {}
        }
    }

    fn finish(&mut self, pushed: Option<Pushed>, out: &mut Out) {
        let evidence = if pushed.is_some() { std::mem::take(&mut self.evidence) } else { Vec::new() };
        let summary = super::super::text::clip(&self.summary, 64 * 1024);
        self.leave(Ending::Finished { pushed, evidence, summary }, out);
    }
}

fn failing(evidence: &[Evidence], wants: Option<&str>) -> String {
    let failed = evidence.iter().filter(|e| !e.passed()).map(|e| format!("`{}` ({})", e.command, how(e)));
    let all: Vec<String> = failed.chain(wants.map(str::to_owned)).collect();
    all.join(", ")
}

fn how(evidence: &Evidence) -> String {
    match evidence.exit_code {
        Some(code) => format!("exit {code}"),
        None if evidence.timed_out => format!("no end after {} s", evidence.duration_ms / 1000),
        None => "killed".to_owned(),
    }
}
