//! What people ask of a session: to wait, to go on, to hear something, to be begun again.
//!
//! Knows which wish is legal when; must not know who a person is.

use super::super::Actor;
use super::super::command::{CommandBody, MessageMode};
use super::super::event::{Body, Queued};
use super::decide::Draft;
use super::{Hold, Refusal, Status, Verb};

const MAX_MESSAGE_CHARS: usize = 50_000;
const MAX_UNREAD: usize = 100;

impl Draft {
    pub(super) fn pause(&mut self, by: Actor, reason: Option<String>) -> Result<(), Refusal> {
        if !self.session.is_legal(Verb::Pause) {
            return Err(self.session.illegal(Verb::Pause));
        }
        self.hold(Hold::Person, by, reason);
        Ok(())
    }

    pub(super) fn resume(&mut self, by: Actor) -> Result<(), Refusal> {
        if !self.session.holds.contains(&Hold::Person) {
            return Err(self.session.illegal(Verb::Resume));
        }
        self.lift(Hold::Person, by);
        Ok(())
    }

    pub(super) fn grant(&mut self, by: Actor) -> Result<(), Refusal> {
        if !self.session.holds.contains(&Hold::Budget) {
            return Err(self.session.illegal(Verb::Resume));
        }
        self.push(Body::Granted { by: by.clone() });
        self.lift(Hold::Budget, by);
        Ok(())
    }

    pub(super) fn cancel(&mut self, by: Actor, reason: Option<String>) {
        self.withdraw_open("the session was cancelled");
        self.push(Body::Cancelled { by, reason });
    }

    pub(super) fn message(&mut self, by: Actor, text: String, mode: MessageMode) -> Result<(), Refusal> {
        let text = Self::readable(text)?;
        if self.session.commands.len() >= MAX_UNREAD {
            return Err(Refusal::TooManyMessages { session: self.session.id(), limit: MAX_UNREAD });
        }
        self.command(CommandBody::Message { text, mode, from: by });
        Ok(())
    }

    pub(super) fn follow_up(&mut self, by: Actor, text: String) -> Result<(), Refusal> {
        if !matches!(self.session.status, Status::Done | Status::Failed) {
            return Err(self.session.illegal(Verb::Message));
        }
        let text = Self::readable(text)?;
        self.push(Body::FollowedUp { by: by.clone() });
        self.command(CommandBody::Message { text, mode: MessageMode::Queue, from: by });
        self.push(Body::Queued { why: Queued::FollowUp, not_before: None, front: true });
        Ok(())
    }

    pub(super) fn rerun(&mut self, by: Actor) -> Result<(), Refusal> {
        if !self.session.status.is_settled() {
            return Err(self.session.illegal(Verb::Rerun));
        }
        self.push(Body::Rerun { by });
        self.push(Body::Queued { why: Queued::Rerun, not_before: None, front: false });
        Ok(())
    }

    fn readable(text: String) -> Result<String, Refusal> {
        let chars = text.chars().count();
        if text.trim().is_empty() {
            return Err(Refusal::EmptyMessage);
        }
        if chars > MAX_MESSAGE_CHARS {
            return Err(Refusal::LongMessage { chars, limit: MAX_MESSAGE_CHARS });
        }
        Ok(text)
    }
}
