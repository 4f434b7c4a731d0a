//! Ending an attempt: the process step by step, then whatever is left of it, then the last checkpoint.
//!
//! Must not know signals' numbers or how leftovers are found.

use crate::agent::Word;
use crate::domain::report::{Ending, Report, TurnOutcome};
use crate::wire::link::Level;

use super::{Closing, Effect, Life, Out, Process, Stage, Trouble};

/// Seconds for the turn to end after an interrupt or a deferral.
const FOR_TURN: u32 = 5;
/// Seconds for an idle process to go after its input is closed.
const FOR_CLOSE: u32 = 3;
const FOR_TERM: u32 = 3;
const FOR_KILL: u32 = 5;
/// Seconds until leftovers that did not go are looked for again.
const SWEEP_AGAIN: u32 = 5;

impl Life {
    pub(super) fn fail(&mut self, trouble: Trouble, out: &mut Out) {
        let Trouble { cause, retry } = trouble;
        let cause = super::super::text::clip(&cause, 16 * 1024);
        self.leave(Ending::Failed { cause, retry }, out);
    }

    /// Heads for the end; the first reason stands.
    pub(super) fn leave(&mut self, ending: Ending, out: &mut Out) {
        if matches!(self.stage, Stage::Leaving | Stage::Sweeping | Stage::Securing | Stage::Over) {
            return;
        }
        self.stage = Stage::Leaving;
        if self.lingers.take().is_some() {
            self.busy = false;
        }
        self.ending = Some(ending);
        self.close(out);
    }

    /// The first step of ending the process, as gentle as the level allows.
    pub(super) fn close(&mut self, out: &mut Out) {
        let asked = matches!(self.ending, Some(Ending::Drained));
        match self.process {
            Process::None => self.gone(out),
            // Its start reports in a moment.
            Process::Starting => {}
            Process::Alive if self.level == Level::Stop => self.terminate(out),
            Process::Alive if asked && (self.busy || self.quiet) => self.end_turn(out),
            Process::Alive => self.shut(out),
        }
    }

    fn end_turn(&mut self, out: &mut Out) {
        if !self.held.is_empty() && !self.deferred {
            self.defer(out);
        } else if self.busy {
            out.push(Effect::Tell(Word::Interrupt));
        }
        // Else it was only just resumed: a deferred call that comes back by itself must not be lost.
        self.closing = Some((Closing::Asked, out.after(FOR_TURN)));
    }

    /// The turn ended while the process is being ended.
    pub(super) fn turn_over(&mut self, outcome: &TurnOutcome, out: &mut Out) {
        if matches!((outcome, &self.ending), (TurnOutcome::Deferred { .. }, Some(Ending::Drained))) {
            self.ending = Some(Ending::Deferred);
        }
        if matches!(self.closing, Some((Closing::Asked, _))) {
            self.shut(out);
        }
    }

    fn shut(&mut self, out: &mut Out) {
        out.push(Effect::CloseStdin);
        self.closing = Some((Closing::Closed, out.after(FOR_CLOSE)));
    }

    fn terminate(&mut self, out: &mut Out) {
        out.push(Effect::CloseStdin);
        out.push(Effect::Terminate);
        self.closing = Some((Closing::Terminated, out.after(FOR_TERM)));
    }

    /// The wish to end became stronger.
    pub(super) fn hurry(&mut self, out: &mut Out) {
        if self.level != Level::Stop {
            return;
        }
        if matches!(self.ending, Some(Ending::Drained | Ending::Deferred)) {
            self.ending = Some(Ending::Stopped);
        }
        if matches!(self.closing, Some((Closing::Asked | Closing::Closed, _))) {
            self.terminate(out);
        }
    }

    pub(super) fn close_further(&mut self, out: &mut Out) {
        let Some((step, at)) = self.closing else { return };
        if out.now < at {
            return;
        }
        match step {
            Closing::Asked => self.shut(out),
            Closing::Closed => self.terminate(out),
            Closing::Terminated | Closing::Killed => {
                out.push(Effect::Kill);
                self.closing = Some((Closing::Killed, out.after(FOR_KILL)));
            }
        }
    }

    /// The process is gone, or there never was one.
    pub(super) fn gone(&mut self, out: &mut Out) {
        self.closing = None;
        self.stage = Stage::Sweeping;
        out.push(Effect::Sweep);
    }

    pub(super) fn swept(&mut self, clean: bool, out: &mut Out) {
        if self.stage != Stage::Sweeping {
            return;
        }
        if !clean {
            // The end is said only when it is true.
            self.retry_at = Some(out.after(SWEEP_AGAIN));
            return;
        }
        let published = matches!(self.ending, Some(Ending::Finished { .. }));
        if self.ready.is_some() && !published {
            self.stage = Stage::Securing;
            out.push(Effect::Checkpoint);
        } else {
            self.over(out);
        }
    }

    pub(super) fn over(&mut self, out: &mut Out) {
        self.stage = Stage::Over;
        if let Some(how) = self.ending.take() {
            out.record(Report::Ended { how });
        }
        out.push(Effect::Over);
    }
}
