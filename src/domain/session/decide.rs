//! Which events an input causes, or why it is refused.
//!
//! The only place that decides about a status. Reads no clock: `now` is handed in.

use uuid::Uuid;

use super::super::ask::{Answer, Ask, AskState, AskWhat, Decision};
use super::super::command::{Command, CommandBody, MessageMode, uuid_of};
use super::super::event::{Body, Event, Queued};
use super::super::limits::seconds;
use super::super::report::{Ending, Retry};
use super::super::{Actor, AskId, Attempt, Time};
use super::{Ended, Hold, Input, NewSession, PullRequest, Refusal, Session, Status, Verb};

const MAX_MESSAGE_CHARS: usize = 50_000;
const MAX_UNREAD: usize = 100;
/// Tries of a pull request before the session fails for it.
const MAX_PUBLISH_TRIES: u32 = 8;

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
            Input::Node { lease } => {
                let key = lease.key.to_string();
                self.push(Body::NodeChanged { key, state: lease.state, detail: lease.detail });
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

    fn stale(&self) -> Refusal {
        Refusal::Stale { session: self.session.id(), status: self.session.status }
    }

    // --- people ---

    fn pause(&mut self, by: Actor, reason: Option<String>) -> Result<(), Refusal> {
        if !self.session.is_legal(Verb::Pause) {
            return Err(self.session.illegal(Verb::Pause));
        }
        self.hold(Hold::Person, by, reason);
        Ok(())
    }

    fn resume(&mut self, by: Actor) -> Result<(), Refusal> {
        if !self.session.holds.contains(&Hold::Person) {
            return Err(self.session.illegal(Verb::Resume));
        }
        self.lift(Hold::Person, by);
        Ok(())
    }

    fn grant(&mut self, by: Actor) -> Result<(), Refusal> {
        if !self.session.holds.contains(&Hold::Budget) {
            return Err(self.session.illegal(Verb::Resume));
        }
        self.push(Body::Granted { by: by.clone() });
        self.lift(Hold::Budget, by);
        Ok(())
    }

    fn cancel(&mut self, by: Actor, reason: Option<String>) {
        self.withdraw_open("the session was cancelled");
        self.push(Body::Cancelled { by, reason });
    }

    fn message(&mut self, by: Actor, text: String, mode: MessageMode) -> Result<(), Refusal> {
        let text = Self::readable(text)?;
        if self.session.commands.len() >= MAX_UNREAD {
            return Err(Refusal::TooManyMessages { session: self.session.id(), limit: MAX_UNREAD });
        }
        self.command(CommandBody::Message { text, mode, from: by });
        Ok(())
    }

    fn answer(&mut self, by: Actor, id: &AskId, answer: Answer) -> Result<(), Refusal> {
        match self.session.asks.iter().find(|a| a.id == *id) {
            Some(ask) if ask.is_open() => ask.check(&answer)?,
            _ => return Err(self.settled_ask(id)),
        }
        self.push(Body::AskAnswered { id: id.clone(), by: by.clone(), answer: answer.clone() });
        self.command(CommandBody::Answer { ask: id.clone(), answer });
        self.asks_settled(by);
        Ok(())
    }

    fn follow_up(&mut self, by: Actor, text: String) -> Result<(), Refusal> {
        if !matches!(self.session.status, Status::Done | Status::Failed) {
            return Err(self.session.illegal(Verb::Message));
        }
        let text = Self::readable(text)?;
        self.push(Body::FollowedUp { by: by.clone() });
        self.command(CommandBody::Message { text, mode: MessageMode::Queue, from: by });
        self.push(Body::Queued { why: Queued::FollowUp, not_before: None, front: true });
        Ok(())
    }

    fn rerun(&mut self, by: Actor) -> Result<(), Refusal> {
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

    // --- the dispatcher and its attempts ---

    fn admit(&mut self, attempt: Attempt) -> Result<(), Refusal> {
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

    fn hello(&mut self, attempt: Attempt) -> Result<(), Refusal> {
        if attempt != self.session.attempt || !self.session.attempt_lives() {
            return Err(Refusal::Fenced { session: self.session.id(), attempt });
        }
        if self.session.status == Status::Provisioning {
            self.push(Body::Running);
        }
        Ok(())
    }

    fn lost(&mut self, attempt: Attempt, cause: String, transient: bool) -> Result<(), Refusal> {
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

    fn go_on(&mut self, how: &Ending) {
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

    fn published(&mut self, pull_request: Option<PullRequest>) -> Result<(), Refusal> {
        if !(self.session.status == Status::Running && self.session.finished()) {
            return Err(self.stale());
        }
        if let Some(pull_request) = pull_request {
            self.push(Body::Published { pull_request });
        }
        self.push(Body::Done);
        Ok(())
    }

    fn publish_failed(&mut self, cause: String, not_before: Option<Time>) -> Result<(), Refusal> {
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

    // --- deadlines ---

    fn ask_due(&mut self, id: &AskId) -> Result<(), Refusal> {
        let now = self.now;
        let due = self.session.asks.iter().find(|a| a.id == *id && a.overdue(now));
        let Some(decide) = due.and_then(|a| a.default) else { return Err(self.settled_ask(id)) };
        let message = (decide == Decision::Agent)
            .then(|| "Nobody answered in time. Choose sensible defaults and note them.".to_owned());
        let answer = Answer::Decide { decide, message };
        self.push(Body::AskDefaulted { id: id.clone(), answer: answer.clone() });
        self.command(CommandBody::Answer { ask: id.clone(), answer });
        self.asks_settled(Actor::Control);
        Ok(())
    }

    fn time_up(&mut self, attempt: Attempt) -> Result<(), Refusal> {
        let lives = self.session.status == Status::Running && self.session.attempt_lives();
        if attempt != self.session.attempt || !lives || self.session.holds.contains(&Hold::Budget) {
            return Err(self.stale());
        }
        let span = self.session.limits().max_task_duration / 60;
        self.hold(Hold::Budget, Actor::Control, Some(format!("one attempt has run for {span} minutes")));
        Ok(())
    }

    fn forgotten(&mut self) -> Result<(), Refusal> {
        let over = seconds(self.session.limits().paused_max);
        let due = self.session.paused_at.is_some_and(|at| self.now >= at + over);
        if self.session.status != Status::Paused || !due {
            return Err(self.stale());
        }
        self.cancel(Actor::Control, Some("it was paused for too long; the branch is kept".to_owned()));
        Ok(())
    }

    // --- building blocks ---

    pub(super) fn command(&mut self, body: CommandBody) {
        let c = self.session.last_command + 1;
        let uuid: Uuid = uuid_of(self.session.new.mark, c);
        self.push(Body::CommandIssued { command: Command { c, uuid, body } });
    }

    fn set_hold(&mut self, hold: Hold, by: Actor, reason: Option<String>) {
        if !self.session.holds.contains(&hold) {
            self.push(Body::Held { hold, by, reason });
        }
    }

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

    fn lift(&mut self, hold: Hold, by: Actor) {
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

    fn asks_settled(&mut self, by: Actor) {
        let open = self.session.open_asks().next().is_some();
        if !open && self.session.holds.contains(&Hold::Ask) {
            self.lift(Hold::Ask, by);
        }
    }

    fn withdraw_open(&mut self, why: &str) {
        let open: Vec<AskId> = self.session.open_asks().map(|a| a.id.clone()).collect();
        for id in open {
            self.push(Body::AskWithdrawn { id, why: why.to_owned() });
        }
    }

    fn settled_ask(&self, id: &AskId) -> Refusal {
        let Some(ask) = self.session.asks.iter().find(|a| a.id == *id) else {
            return Refusal::UnknownAsk { session: self.session.id(), ask: id.clone() };
        };
        let (what, by, at, answer) = match &ask.state {
            AskState::Answered { by, at, answer, .. } => {
                (format!("{} answered it", by.name()), Some(by.clone()), *at, Some(answer.clone()))
            }
            AskState::Defaulted { at, answer, .. } => {
                ("nobody answered in time and its default stands".to_owned(), None, *at, Some(answer.clone()))
            }
            AskState::Withdrawn { at, why } => (format!("it was withdrawn: {why}"), None, *at, None),
            AskState::Open => ("its time has not come".to_owned(), None, ask.opened_at, None),
        };
        Refusal::AskSettled { ask: id.clone(), what, by, at, answer }
    }

    /// Opens an ask as the session's limits say.
    pub(super) fn open_ask(&mut self, id: AskId, what: AskWhat, at: Time) {
        let limits = self.session.limits();
        let questions = matches!(what, AskWhat::Questions { .. });
        // Only questions have a harmless default; nobody's silence is an approval.
        let default = (limits.ask_default && questions).then_some(Decision::Agent);
        let expires_at = at + seconds(limits.ask_expiry);
        let ask = Ask { id, what, opened_at: at, expires_at, default, state: AskState::Open, command: None };
        self.push(Body::AskOpened { ask });
    }
}
