//! What each event changes: the only place where a session's fields are written.
//!
//! Decides nothing: by the time an event is here it has happened.

use std::collections::BTreeSet;

use super::super::ask::{Ask, AskState};
use super::super::command::{CommandBody, CommandNo};
use super::super::event::{Body, Event, Queued};
use super::super::report::{Ending, Phase, Report, TurnOutcome, Usage};
use super::super::{Actor, AskId, Attempt, Time};
use super::{Ended, Hold, InQueue, Live, NewSession, Publish, Session, Status};

/// Settled asks that the session's row remembers.
const KEPT_ASKS: usize = 16;

/// The session its log tells of; `None` where the log does not begin with its creation.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Session> {
    let mut events = events.into_iter();
    let mut session = match events.next() {
        Some(Event { body: Body::Created(new), at, seq: 1, .. }) => Session::born((**new).clone(), *at),
        _ => return None,
    };
    for event in events {
        session.evolve(event);
    }
    Some(session)
}

impl Session {
    /// As its first event leaves it.
    pub(super) fn born(new: NewSession, at: Time) -> Self {
        Self {
            new,
            created_at: at,
            updated_at: at,
            status: Status::Queued,
            phase: Phase::Brief,
            holds: BTreeSet::new(),
            attempt: Attempt(0),
            live: None,
            queued: None,
            served_at: None,
            paused_at: None,
            settled_at: None,
            cancelled_by: None,
            retries: 0,
            grants: 0,
            asks: Vec::new(),
            commands: Vec::new(),
            last_command: 0,
            conversed: false,
            agent_version: None,
            model: None,
            base: None,
            base_sha: None,
            branch: None,
            pushed: None,
            pull_request: None,
            evidence: Vec::new(),
            checks_from: None,
            usage: Usage::default(),
            summary: None,
            failure: None,
            publish: Publish::default(),
            rev: 1,
            head: 1,
            ingested: 0,
        }
    }

    /// Takes one more event of the log. Ones that were taken before are ignored.
    pub fn evolve(&mut self, event: &Event) {
        if event.seq <= self.head {
            return;
        }
        self.head = event.seq;
        self.updated_at = event.at;
        if self.apply(&event.body, event.at) {
            self.rev += 1;
        }
    }

    /// Whether status, holds or open asks changed.
    fn apply(&mut self, body: &Body, at: Time) -> bool {
        match body {
            Body::Report(report) => {
                self.apply_report(report, at);
                return false;
            }
            Body::Held { hold, .. } => return self.holds.insert(*hold),
            Body::Lifted { hold, by } => {
                self.forgiven_by(by);
                return self.holds.remove(hold);
            }
            Body::Granted { by } => {
                self.forgiven_by(by);
                self.grants += 1;
            }
            Body::CommandIssued { command } => {
                self.commands.push(command.c);
                self.last_command = command.c;
                match &command.body {
                    CommandBody::Message { from, .. } => self.forgiven_by(from),
                    CommandBody::Answer { ask, .. } => self.answers_by(ask, command.c),
                    CommandBody::Begin | CommandBody::GoOn { .. } => {}
                }
                return false;
            }
            Body::NodeChanged { .. } | Body::Created(_) => return false,
            Body::PublishFailed { cause, tries, not_before } => {
                self.failure = Some(cause.clone());
                self.publish = Publish { tries: *tries, not_before: Some(*not_before) };
                return false;
            }
            Body::AskOpened { .. }
            | Body::AskAnswered { .. }
            | Body::AskDefaulted { .. }
            | Body::AskWithdrawn { .. } => self.apply_ask(body, at),
            _ => self.apply_status(body, at),
        }
        true
    }

    fn apply_status(&mut self, body: &Body, at: Time) {
        match body {
            Body::Queued { why, not_before, front } => self.enqueue(*why, *not_before, *front, at),
            Body::Admitted { attempt } => self.admit(*attempt, at),
            Body::Running => {
                self.status = Status::Running;
                self.with_live(|live| live.hello_at = Some(at));
            }
            Body::Stopping => self.with_live(|live| live.stopping_at = Some(at)),
            Body::Paused => {
                self.status = Status::Paused;
                self.queued = None;
                self.paused_at = Some(at);
            }
            Body::Publishing => {
                self.status = Status::Running;
                self.phase = Phase::Publish;
                self.paused_at = None;
                self.publish = Publish::default();
            }
            Body::Published { pull_request } => self.pull_request = Some(pull_request.clone()),
            Body::AttemptLost { cause } => {
                self.failure = Some(cause.clone());
                self.with_live(|live| live.ended = Some(Ended::Lost));
            }
            Body::Done => {
                self.phase = Phase::Review;
                self.settle(Status::Done, at);
            }
            Body::Failed { cause } => {
                self.failure = Some(cause.clone());
                self.settle(Status::Failed, at);
            }
            Body::Cancelled { by, .. } => {
                self.cancelled_by = Some(by.clone());
                self.settle(Status::Cancelled, at);
            }
            Body::FollowedUp { .. } | Body::Rerun { .. } => self.reopen(),
            _ => {}
        }
    }

    fn apply_ask(&mut self, body: &Body, at: Time) {
        match body {
            Body::AskOpened { ask } => {
                self.asks.retain(|a| a.id != ask.id);
                self.asks.push(ask.clone());
            }
            Body::AskAnswered { id, by, answer } => {
                self.forgiven_by(by);
                let (by, answer) = (by.clone(), answer.clone());
                self.set_ask(id, AskState::Answered { by, at, answer, applied: false });
            }
            Body::AskDefaulted { id, answer } => {
                self.set_ask(id, AskState::Defaulted { at, answer: answer.clone(), applied: false });
            }
            Body::AskWithdrawn { id, why } => {
                self.set_ask(id, AskState::Withdrawn { at, why: why.clone() });
            }
            _ => {}
        }
    }

    fn apply_report(&mut self, report: &Report, at: Time) {
        match report {
            Report::WorkspaceReady { base, base_sha, branch } => {
                self.base = Some(base.clone());
                self.base_sha = Some(base_sha.clone());
                self.branch = Some(branch.clone());
            }
            Report::Phase { phase } => self.phase = *phase,
            Report::AgentStarted { version, model, .. } => {
                self.conversed = true;
                self.agent_version = Some(version.clone());
                self.model.clone_from(model);
            }
            Report::TurnEnded { usage, outcome } => {
                self.usage = *usage;
                if let TurnOutcome::Completed { text } = outcome {
                    self.summary = Some(text.clone());
                }
            }
            Report::AnswerApplied { id } => self.applied(id),
            Report::CommandConsumed { c } => self.commands.retain(|open| open != c),
            Report::ChecksPlanned { source, .. } => {
                self.checks_from = Some(source.clone());
                self.evidence.clear();
            }
            Report::CheckEnded { evidence, .. } => {
                self.evidence.retain(|e| e.command != evidence.command);
                self.evidence.push(evidence.clone());
            }
            Report::Pushed(pushed) => self.pushed = Some(pushed.clone()),
            Report::Ended { how } => self.end(how, at),
            _ => {}
        }
    }

    fn end(&mut self, how: &Ending, at: Time) {
        if let Ending::Finished { pushed, evidence, summary } = how {
            if pushed.is_some() {
                self.pushed.clone_from(pushed);
            }
            self.evidence.clone_from(evidence);
            if !summary.is_empty() {
                self.summary = Some(summary.clone());
            }
        }
        if let Ending::Failed { cause, .. } = how {
            self.failure = Some(cause.clone());
        }
        self.updated_at = at;
        self.with_live(|live| live.ended = Some(Ended::How(how.clone())));
    }

    fn enqueue(&mut self, why: Queued, not_before: Option<Time>, front: bool, at: Time) {
        if why == Queued::Retry {
            self.retries += 1;
        }
        self.status = Status::Queued;
        self.paused_at = None;
        // A place kept over a changed waiting time is the same place.
        let since = self.queued.as_ref().map_or(at, |q| q.since);
        self.queued = Some(InQueue { why, since, not_before, front });
    }

    fn admit(&mut self, attempt: Attempt, at: Time) {
        self.status = Status::Provisioning;
        self.attempt = attempt;
        self.queued = None;
        self.served_at = Some(at);
        self.failure = None;
        self.ingested = 0;
        self.live = Some(Live { admitted_at: at, hello_at: None, stopping_at: None, ended: None });
    }

    fn settle(&mut self, status: Status, at: Time) {
        if status != Status::Failed {
            self.failure = None;
        }
        self.status = status;
        self.settled_at = Some(at);
        self.queued = None;
        self.paused_at = None;
        self.holds.clear();
        // Whatever still runs does not count any more.
        self.with_live(|live| live.ended = live.ended.take().or(Some(Ended::Lost)));
    }

    fn reopen(&mut self) {
        self.settled_at = None;
        self.cancelled_by = None;
        self.failure = None;
        self.retries = 0;
        self.phase = Phase::Brief;
        self.publish = Publish::default();
    }

    fn set_ask(&mut self, id: &AskId, state: AskState) {
        if let Some(ask) = self.asks.iter_mut().find(|a| a.id == *id) {
            ask.state = state;
        }
        self.forget_old_asks();
    }

    fn answers_by(&mut self, id: &AskId, c: CommandNo) {
        if let Some(ask) = self.asks.iter_mut().find(|a| a.id == *id) {
            ask.command = Some(c);
        }
    }

    /// The agent went on with the answer: its command is over, and no later attempt is told it again.
    fn applied(&mut self, id: &AskId) {
        let Some(ask) = self.asks.iter_mut().find(|a| a.id == *id) else { return };
        match &mut ask.state {
            AskState::Answered { applied, .. } | AskState::Defaulted { applied, .. } => *applied = true,
            AskState::Open | AskState::Withdrawn { .. } => return,
        }
        let command = ask.command;
        self.commands.retain(|open| Some(*open) != command);
    }

    /// Settled asks stay for a while, so that a late answer can be told what stands; the log keeps them all.
    fn forget_old_asks(&mut self) {
        let over = |a: &Ask| !a.is_open() && a.unapplied_answer().is_none();
        let mut surplus = self.asks.iter().filter(|a| over(a)).count().saturating_sub(KEPT_ASKS);
        self.asks.retain(|a| {
            let goes = surplus > 0 && over(a);
            surplus -= usize::from(goes);
            !goes
        });
    }

    fn with_live(&mut self, change: impl FnOnce(&mut Live)) {
        if let Some(live) = self.live.as_mut() {
            change(live);
        }
    }

    /// A person's word forgives the attempts that failed before it.
    pub(super) fn forgiven_by(&mut self, by: &Actor) {
        if by.is_person() {
            self.retries = 0;
        }
    }
}

impl Hold {
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Ask => "ask",
            Self::Budget => "budget",
        }
    }
}
