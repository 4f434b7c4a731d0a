//! Attempts, from admission to what follows when one is over: another, a pull request, the end.
//!
//! Knows what each ending means for the session; must not know what an attempt does on its node.

use super::super::command::CommandBody;
use super::super::event::{Body, Queued};
use super::super::report::{Ending, Retry};
use super::super::{Actor, Attempt, Time};
use super::decide::Draft;
use super::{Hold, PullRequest, Refusal, Status};

/// Tries of a pull request before the session fails for it.
const MAX_PUBLISH_TRIES: u32 = 8;

impl Draft {
    pub(super) fn admit(&mut self, attempt: Attempt) -> Result<(), Refusal> {
        let now = self.now;
        let waits = self.session.queued.as_ref().is_some_and(|q| q.not_before.is_none_or(|t| t <= now));
        let ready = self.session.status == Status::Queued && self.session.holds.is_empty() && waits;
        if !ready || attempt != self.session.attempt.next() {
            return Err(self.stale());
        }
        let why = self.session.queued.as_ref().map(|q| q.why);
        self.push(Body::Admitted { attempt });
        if self.session.conversed && self.nothing_to_say() {
            self.command(CommandBody::GoOn { why: go_on_words(why).to_owned() });
        }
        Ok(())
    }

    /// No unread word and no answer on its way: a resumed agent would sit still.
    fn nothing_to_say(&self) -> bool {
        self.session.commands.is_empty() && self.session.open_asks().next().is_none()
    }

    pub(super) fn hello(&mut self, attempt: Attempt) -> Result<(), Refusal> {
        if attempt != self.session.attempt || !self.session.attempt_lives() {
            return Err(Refusal::Fenced { session: self.session.id(), attempt });
        }
        if self.session.status == Status::Provisioning {
            self.push(Body::Running);
        }
        Ok(())
    }

    pub(super) fn lost(&mut self, attempt: Attempt, cause: String, transient: bool) -> Result<(), Refusal> {
        if attempt != self.session.attempt || !self.session.attempt_lives() {
            return Err(Refusal::Fenced { session: self.session.id(), attempt });
        }
        // Open asks stay open: a deferred call is asked again with the same id, and the answer to one that was
        // lost with its process is handed over as a message.
        self.push(Body::AttemptLost { cause: cause.clone() });
        let retry = if transient { Retry::Later } else { Retry::No };
        self.after_attempt(&Ending::Failed { cause, retry });
        Ok(())
    }

    /// What follows when the live attempt is over: a hold pauses, a finish publishes, a failure is tried again.
    pub(super) fn after_attempt(&mut self, how: &Ending) {
        let open = self.session.open_asks().next().is_some();
        if open && !matches!(how, Ending::Finished { .. }) {
            self.set_hold(Hold::Ask, Actor::Node, None);
        }
        if let Ending::Failed { cause, retry } = how
            && (*retry == Retry::No || self.retries_used_up(*retry))
        {
            self.fail(cause.clone());
        } else if !self.session.holds.is_empty() {
            self.push(Body::Paused);
        } else {
            self.go_on(how);
        }
    }

    fn retries_used_up(&self, retry: Retry) -> bool {
        retry == Retry::Later && self.session.retries >= self.session.limits().max_retries
    }

    pub(super) fn go_on(&mut self, how: &Ending) {
        match how {
            Ending::Finished { pushed, .. } => {
                if pushed.is_some() {
                    self.push(Body::Publishing);
                } else {
                    self.push(Body::Done);
                }
            }
            Ending::Failed { retry: Retry::Quota { until }, .. } => {
                self.push(Body::Queued { why: Queued::Quota, not_before: Some(*until), front: true });
            }
            Ending::Failed { .. } => {
                let wait = self.session.limits().backoff(self.session.retries + 1);
                self.push(Body::Queued {
                    why: Queued::Retry,
                    not_before: Some(self.now + wait),
                    front: true,
                });
            }
            Ending::Deferred => {
                self.push(Body::Queued { why: Queued::Resumed, not_before: None, front: true });
            }
            Ending::Drained | Ending::Stopped => {
                self.push(Body::Queued { why: Queued::Handover, not_before: None, front: true });
            }
        }
    }

    fn fail(&mut self, cause: String) {
        self.withdraw_open("the session failed");
        self.push(Body::Failed { cause });
    }

    pub(super) fn published(&mut self, pull_request: Option<PullRequest>) -> Result<(), Refusal> {
        if !(self.session.status == Status::Running && self.session.finished()) {
            return Err(self.stale());
        }
        if let Some(pull_request) = pull_request {
            self.push(Body::Published { pull_request });
        }
        self.push(Body::Done);
        Ok(())
    }

    pub(super) fn publish_failed(&mut self, cause: String, not_before: Option<Time>) -> Result<(), Refusal> {
        if !(self.session.status == Status::Running && self.session.finished()) {
            return Err(self.stale());
        }
        let tries = self.session.publish.tries + 1;
        match not_before {
            Some(not_before) if tries < MAX_PUBLISH_TRIES => {
                self.push(Body::PublishFailed { cause, tries, not_before });
            }
            _ => self.fail(cause),
        }
        Ok(())
    }
}

/// What a resumed agent without a new word is told.
fn go_on_words(why: Option<Queued>) -> &'static str {
    match why {
        Some(Queued::Resumed | Queued::Handover) => "The session was paused. Go on where you stopped.",
        Some(Queued::Rerun) => {
            "You are asked to do this again. Look at what is there already before you begin."
        }
        _ => "The last attempt ended early. Look at the work tree before you go on.",
    }
}
