//! Holds: what they stop, what goes on when the last is lifted, and the deadlines that set one or end the wait.
//!
//! Every input removes only its own hold. Must not know why somebody holds a session.

use super::super::event::{Body, Queued};
use super::super::limits::seconds;
use super::super::report::Ending;
use super::super::{Actor, Attempt};
use super::decide::Draft;
use super::{Ended, Hold, Refusal, Status};

impl Draft {
    /// Sets a hold and lets go of whatever runs.
    pub(super) fn hold(&mut self, hold: Hold, by: Actor, reason: Option<String>) {
        self.set_hold(hold, by, reason);
        match self.session.status {
            Status::Provisioning | Status::Running if self.session.attempt_lives() => {
                let asked = self.session.live.as_ref().is_some_and(|l| l.stopping_at.is_some());
                if !asked {
                    self.push(Body::Stopping);
                }
            }
            // Running without an attempt: its pull request is under way, and that waits too.
            Status::Queued | Status::Running => self.push(Body::Paused),
            _ => {}
        }
    }

    pub(super) fn set_hold(&mut self, hold: Hold, by: Actor, reason: Option<String>) {
        if !self.session.holds.contains(&hold) {
            self.push(Body::Held { hold, by, reason });
        }
    }

    pub(super) fn lift(&mut self, hold: Hold, by: Actor) {
        self.push(Body::Lifted { hold, by });
        if self.session.status == Status::Paused && self.session.holds.is_empty() {
            self.leave_pause();
        }
    }

    fn leave_pause(&mut self) {
        let ended = self.session.live.as_ref().and_then(|l| l.ended.clone());
        match ended {
            Some(Ended::How(how @ Ending::Finished { .. })) if self.session.commands.is_empty() => {
                self.go_on(&how);
            }
            _ => self.push(Body::Queued { why: Queued::Resumed, not_before: None, front: true }),
        }
    }

    pub(super) fn time_up(&mut self, attempt: Attempt) -> Result<(), Refusal> {
        let lives = self.session.status == Status::Running && self.session.attempt_lives();
        if attempt != self.session.attempt || !lives || self.session.holds.contains(&Hold::Budget) {
            return Err(self.stale());
        }
        let span = self.session.limits().max_task_duration / 60;
        self.hold(Hold::Budget, Actor::Control, Some(format!("one attempt has run for {span} minutes")));
        Ok(())
    }

    pub(super) fn forgotten(&mut self) -> Result<(), Refusal> {
        let over = seconds(self.session.limits().paused_max);
        let due = self.session.paused_at.is_some_and(|at| self.now >= at + over);
        if self.session.status != Status::Paused || !due {
            return Err(self.stale());
        }
        self.cancel(Actor::Control, Some("it was paused for too long; the branch is kept".to_owned()));
        Ok(())
    }
}
