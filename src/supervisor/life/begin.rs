//! Getting going: from the first attach to an agent that listens, also in the middle of an attempt that began before.
//!
//! Must not know how a workspace is made or a process started.

use crate::domain::report::{Ending, Phase, Report, TurnOutcome};

use super::super::prompt;
use super::{Effect, Life, Out, Process, Ready, Stage, Trouble};

impl Life {
    pub(super) fn secrets(&mut self, out: &mut Out) {
        if self.stage == Stage::Waiting {
            self.stage = Stage::Preparing;
            out.push(Effect::Prepare);
        }
    }

    pub(super) fn prepared(&mut self, outcome: Result<Ready, Trouble>, out: &mut Out) {
        if self.stage != Stage::Preparing {
            return;
        }
        match outcome {
            Err(trouble) => self.fail(trouble, out),
            Ok(ready) => {
                let Ready { base, base_sha, branch } = ready.clone();
                out.record(Report::WorkspaceReady { base, base_sha, branch });
                self.ready = Some(ready);
                self.begin(out);
            }
        }
    }

    /// The workspace stands: go on where the journal says that this attempt was.
    fn begin(&mut self, out: &mut Out) {
        self.stage = Stage::Talking;
        let unread = self.has_words();
        match self.recall.turn.take() {
            Some(TurnOutcome::Completed { text }) if !unread => {
                self.summary = text;
                self.review(out);
            }
            Some(TurnOutcome::Failed { message, retry }) if !unread => {
                self.fail(Trouble { cause: message, retry }, out);
            }
            _ if !unread && !self.recall.asks.is_empty() => self.leave(Ending::Deferred, out),
            _ => {
                if self.recall.conversed && !unread {
                    self.say_own("again", prompt::go_on("the supervisor was restarted"));
                }
                self.launch(out);
            }
        }
    }

    pub(super) fn launch(&mut self, out: &mut Out) {
        if self.process != Process::None {
            return;
        }
        self.process = Process::Starting;
        self.busy = false;
        self.lingers = None;
        self.spoke = false;
        self.quiet = self.resume;
        self.comes_back = None;
        self.deferred = false;
        self.reported = false;
        let plan = self.run.new.plan && !self.plan.approved;
        let phase = if plan { Phase::Plan } else { Phase::Execute };
        self.enter(phase, out);
        out.push(Effect::Launch { resume: self.resume, plan });
    }

    pub(super) fn launched(&mut self, outcome: Result<(), Trouble>, out: &mut Out) {
        let leaving = self.stage == Stage::Leaving;
        self.process = if outcome.is_ok() { Process::Alive } else { Process::None };
        match outcome {
            Err(_) if leaving => self.gone(out),
            Err(trouble) => self.fail(trouble, out),
            Ok(()) if leaving => self.close(out),
            Ok(()) => self.pump(out),
        }
    }
}
