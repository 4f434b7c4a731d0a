//! Which events an input causes, or why it is refused: the one door, behind which each kind of input has its file.
//!
//! ```text
//!   step ─► people    what a person asks for          holds     what keeps a session from running
//!           attempts  admission, endings, publishing   asks      questions and their answers
//!           records   the supervisor's journal
//! ```
//! The only place that decides about a status. Reads no clock: `now` is handed in.

use uuid::Uuid;

use super::super::command::{Command, CommandBody, uuid_of};
use super::super::event::{Body, Event, Queued};
use super::super::{Attempt, Time};
use super::{Input, NewSession, Refusal, Session, Verb};

/// A step that was legal: the session after it and the events that say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub session: Session,
    pub events: Vec<Event>,
    /// Pieces of the agent's own transcript, to be kept beside the log.
    pub transcript: Vec<TranscriptPiece>,
}

/// A line of the agent's transcript: with all of them another node can resume the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptPiece {
    /// The record it came with: the same piece is kept once.
    pub attempt: Attempt,
    pub n: u64,
    pub path: String,
    pub line: Vec<u8>,
}

/// A new session, queued, with its first command issued.
pub fn create(mut new: NewSession, now: Time) -> Result<Change, Refusal> {
    new.brief = new.brief.accept()?;
    let first =
        Event { seq: 1, at: now, attempt: Attempt(0), body: Body::Created(Box::new(new.clone())), raw: None };
    let mut draft =
        Draft { session: Session::born(new, now), events: vec![first], transcript: Vec::new(), now };
    draft.command(CommandBody::Begin);
    draft.push(Body::Queued { why: Queued::New, not_before: None, front: false });
    Ok(draft.done())
}

/// The one transition function.
pub fn step(session: &Session, input: Input, now: Time) -> Result<Change, Refusal> {
    let mut draft = Draft { session: session.clone(), events: Vec::new(), transcript: Vec::new(), now };
    match input {
        Input::FollowUp { by, text } => draft.follow_up(by, text)?,
        Input::Rerun { by } => draft.rerun(by)?,
        other => draft.unsettled(other)?,
    }
    Ok(draft.done())
}

/// A session on its way through one step.
pub(super) struct Draft {
    pub(super) session: Session,
    pub(super) events: Vec<Event>,
    pub(super) transcript: Vec<TranscriptPiece>,
    pub(super) now: Time,
}

impl Draft {
    fn done(self) -> Change {
        Change { session: self.session, events: self.events, transcript: self.transcript }
    }

    pub(super) fn push(&mut self, body: Body) {
        self.push_raw(body, self.now, None);
    }

    pub(super) fn push_raw(&mut self, body: Body, at: Time, raw: Option<Vec<u8>>) {
        let event = Event { seq: self.session.head + 1, at, attempt: self.session.attempt, body, raw };
        self.session.evolve(&event);
        self.events.push(event);
    }

    /// Inputs that a settled session refuses without effect.
    fn unsettled(&mut self, input: Input) -> Result<(), Refusal> {
        if self.session.status.is_settled() {
            return Err(self.refuse_settled(&input));
        }
        match input {
            Input::Pause { by, reason } => self.pause(by, reason),
            Input::Resume { by } => self.resume(by),
            Input::Cancel { by, reason } => {
                self.cancel(by, reason);
                Ok(())
            }
            Input::Message { by, text, mode } => self.message(by, text, mode),
            Input::Answer { by, ask, answer } => self.answer(by, &ask, answer),
            Input::Grant { by } => self.grant(by),
            Input::Admit { attempt } => self.admit(attempt),
            Input::Hello { attempt } => self.hello(attempt),
            Input::Records { attempt, records } => self.records(attempt, records),
            Input::Lost { attempt, cause, transient } => self.lost(attempt, cause, transient),
            Input::Published { pull_request } => self.published(pull_request),
            Input::PublishFailed { cause, not_before } => self.publish_failed(cause, not_before),
            Input::AskDue { ask } => self.ask_due(&ask),
            Input::TimeUp { attempt } => self.time_up(attempt),
            Input::Forgotten => self.forgotten(),
            Input::Node { lease, notice } => {
                let key = lease.key.to_string();
                self.push(Body::NodeChanged { key, state: lease.state, detail: lease.detail, notice });
                Ok(())
            }
            Input::FollowUp { .. } | Input::Rerun { .. } => Err(self.stale()),
        }
    }

    fn refuse_settled(&self, input: &Input) -> Refusal {
        let session = self.session.id();
        match input {
            Input::Pause { .. } => self.session.illegal(Verb::Pause),
            Input::Resume { .. } | Input::Grant { .. } => self.session.illegal(Verb::Resume),
            Input::Cancel { .. } => self.session.illegal(Verb::Cancel),
            Input::Message { .. } => self.session.illegal(Verb::Message),
            Input::Answer { ask, .. } => self.settled_ask(ask),
            Input::Hello { attempt } | Input::Records { attempt, .. } | Input::Lost { attempt, .. } => {
                Refusal::Fenced { session, attempt: *attempt }
            }
            _ => self.stale(),
        }
    }

    pub(super) fn stale(&self) -> Refusal {
        Refusal::Stale { session: self.session.id(), status: self.session.status }
    }

    pub(super) fn command(&mut self, body: CommandBody) {
        let c = self.session.last_command + 1;
        let uuid: Uuid = uuid_of(self.session.new.mark, c);
        self.push(Body::CommandIssued { command: Command { c, uuid, body } });
    }
}
