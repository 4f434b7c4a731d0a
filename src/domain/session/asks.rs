//! Asks: opened by the agent, settled by a person, by their deadline or by the session's end; the first answer wins.
//!
//! Knows what an ask's end means for the session; must not know how an answer reaches the agent.

use super::super::ask::{Answer, Ask, AskState, AskWhat, Decision};
use super::super::command::CommandBody;
use super::super::event::Body;
use super::super::limits::seconds;
use super::super::{Actor, AskId, Time};
use super::decide::Draft;
use super::{Hold, Refusal};

impl Draft {
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

    pub(super) fn answer(&mut self, by: Actor, id: &AskId, answer: Answer) -> Result<(), Refusal> {
        match self.session.asks.iter().find(|a| a.id == *id) {
            Some(ask) if ask.is_open() => ask.check(&answer)?,
            _ => return Err(self.settled_ask(id)),
        }
        self.push(Body::AskAnswered { id: id.clone(), by: by.clone(), answer: answer.clone() });
        self.command(CommandBody::Answer { ask: id.clone(), answer });
        self.asks_settled(by);
        Ok(())
    }

    pub(super) fn ask_due(&mut self, id: &AskId) -> Result<(), Refusal> {
        let now = self.now;
        let due = self.session.asks.iter().find(|a| a.id == *id && a.overdue(now));
        let Some(decide) = due.and_then(|a| a.default) else { return Err(self.settled_ask(id)) };
        // No words: nobody said any, and the agent would read them as a person's.
        let answer = Answer::Decide { decide, message: None };
        self.push(Body::AskDefaulted { id: id.clone(), answer: answer.clone() });
        self.command(CommandBody::Answer { ask: id.clone(), answer });
        self.asks_settled(Actor::Control);
        Ok(())
    }

    fn asks_settled(&mut self, by: Actor) {
        let open = self.session.open_asks().next().is_some();
        if !open && self.session.holds.contains(&Hold::Ask) {
            self.lift(Hold::Ask, by);
        }
    }

    pub(super) fn withdraw_open(&mut self, why: &str) {
        let open: Vec<AskId> = self.session.open_asks().map(|a| a.id.clone()).collect();
        for id in open {
            self.push(Body::AskWithdrawn { id, why: why.to_owned() });
        }
    }

    pub(super) fn settled_ask(&self, id: &AskId) -> Refusal {
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
}
