//! Calls that wait for a person: held, answered, put aside, taken back.
//!
//! ```text
//!   hook ──► held ── Answer ──► told ──(the agent's output shows it)──► applied
//!              │ ── DeferAll ─► put aside (the last one)  │ the others: denied, taken back
//!              └ ── cancel, end of turn ─► taken back
//!   Answer without a call ──► early ── its call comes ──► told
//!                               └──── the agent is idle and stays so ─► handed over as a user line, applied
//! ```
//! Knows the laws measured on the real agent: at most one call of a turn is deferred, denials first, never inside a
//! subagent. Must not know turns' outcomes or when a hold is over.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::answers::{self, Verdict};
use super::speak;
use crate::agent::{Line, Signal};
use crate::domain::AskId;
use crate::domain::ask::{Answer, AskWhat};
use crate::domain::report::Report;

/// Calls held at once; a peer that asks more is told to wait.
const MAX_HELD: usize = 64;

const ASK_AGAIN: &str = "Nobody has answered this yet. It was not refused: do nothing in its place, and ask again (make \
                         the same call) after the other open call of this turn has been answered.";
const NOT_IN_SUBAGENT: &str = "Nobody can answer this now. Do not work around it: go on without it where you can, and say \
                               in your final report which question is open, so that the main agent can ask it.";
const TOO_MANY: &str = "Too many questions wait already. Ask again when they have been answered.";

#[derive(Debug, Default)]
pub(super) struct Asks {
    /// In order of arrival.
    pub held: Vec<Held>,
    told: BTreeMap<AskId, Told>,
    early: BTreeMap<AskId, Answer>,
    /// Said in words already. Should the call come after all, it is answered the same.
    handed: BTreeMap<AskId, Answer>,
    /// Deferred in this turn; until it ends no other call may be.
    deferring: Option<AskId>,
    /// Deferred by an ended turn: they come back with the next process, not with this one.
    aside: BTreeSet<AskId>,
    /// Words that came with a yes and have no room in it.
    beside: Vec<(AskId, String)>,
}

#[derive(Debug)]
pub(super) struct Held {
    pub call: Call,
    what: AskWhat,
    ways: Vec<Way>,
}

/// One tool call that needs a person.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub ask: AskId,
    pub input: Value,
    pub subagent: bool,
}

/// How the agent waits for the answer. One call can wait in both ways: the re-ask of a resume races with our hooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Hook(String),
    Permission(String),
}

#[derive(Debug)]
struct Told {
    what: AskWhat,
    verdict: Verdict,
    applied: bool,
}

impl Asks {
    /// A call arrives, or arrives again by another way.
    pub(super) fn arrive(&mut self, call: Call, what: AskWhat, way: Way) -> Vec<Signal> {
        if let Some(told) = self.told.get(&call.ask) {
            return vec![Signal::Write(written(&told.verdict, &what, &call.input, &way))];
        }
        if let Some(answer) = self.early.remove(&call.ask) {
            return self.reply(Held { call, what, ways: vec![way] }, &answer);
        }
        if let Some(answer) = self.handed.remove(&call.ask) {
            let ask = call.ask.clone();
            let signals = self.reply(Held { call, what, ways: vec![way] }, &answer);
            self.told.entry(ask).and_modify(|told| told.applied = true);
            return signals;
        }
        if let Some(held) = self.held.iter_mut().find(|h| h.call.ask == call.ask) {
            held.ways.push(way);
            return Vec::new();
        }
        let refusal = match &self.deferring {
            Some(_) if call.subagent => Some(NOT_IN_SUBAGENT),
            Some(_) => Some(ASK_AGAIN),
            None if self.held.len() >= MAX_HELD => Some(TOO_MANY),
            None => None,
        };
        if let Some(refusal) = refusal {
            return vec![Signal::Write(denied(&way, refusal))];
        }
        let signal = Signal::Held { ask: call.ask.clone(), what: what.clone() };
        self.held.push(Held { call, what, ways: vec![way] });
        vec![signal]
    }

    /// A person's answer. One whose call is not here is kept for when it comes.
    pub(super) fn answer(&mut self, ask: AskId, answer: Answer) -> Vec<Signal> {
        if self.told.contains_key(&ask) || self.handed.contains_key(&ask) {
            return Vec::new();
        }
        if let Some(at) = self.held.iter().position(|h| h.call.ask == ask) {
            let held = self.held.remove(at);
            return self.reply(held, &answer);
        }
        self.early.insert(ask, answer);
        Vec::new()
    }

    fn reply(&mut self, held: Held, answer: &Answer) -> Vec<Signal> {
        let verdict = answers::verdict(&held.what, &held.call.input, answer);
        self.beside.extend(answers::beside_yes(&held.what, answer).map(|text| (held.call.ask.clone(), text)));
        let lines = held.ways.iter().map(|way| written(&verdict, &held.what, &held.call.input, way));
        let signals = lines.map(Signal::Write).collect();
        self.told.insert(held.call.ask, Told { what: held.what, verdict, applied: false });
        signals
    }

    /// The agent's output shows that it went on with this call. The plan it carries out from now, if it is one.
    pub(super) fn seen(&mut self, id: &str) -> (Vec<Signal>, bool) {
        let ask = AskId(id.to_owned());
        match self.told.get_mut(&ask) {
            Some(told) if !told.applied => {
                told.applied = true;
                let plan_approved = matches!(told.what, AskWhat::Plan { .. }) && told.verdict.allows();
                (vec![applied(ask)], plan_approved)
            }
            _ => (Vec::new(), false),
        }
    }

    /// Lets go of everything held: the last call of the main agent is deferred, all others are denied before it.
    pub(super) fn defer_all(&mut self) -> Vec<Signal> {
        let mut held = std::mem::take(&mut self.held);
        let last = if self.deferring.is_none() { held.iter().rposition(Held::can_defer) } else { None };
        let stays = last.map(|at| held.remove(at));
        let mut signals = Vec::new();
        for other in held {
            let why = if other.call.subagent { NOT_IN_SUBAGENT } else { ASK_AGAIN };
            signals.extend(other.ways.iter().map(|way| Signal::Write(denied(way, why))));
            signals.push(taken_back(other.call.ask, "not answered in time; the agent will ask again"));
        }
        if let Some(stays) = stays {
            signals.extend(stays.ways.iter().map(|way| match way {
                Way::Hook(id) => Signal::Write(speak::hook_defer(id)),
                Way::Permission(id) => Signal::Write(speak::permission_deny(id, ASK_AGAIN)),
            }));
            self.deferring = Some(stays.call.ask);
        }
        signals
    }

    /// The agent does not wait for this request any more.
    pub(super) fn cancelled(&mut self, request_id: &str) -> Vec<Signal> {
        let is_it = |way: &Way| matches!(way, Way::Hook(id) | Way::Permission(id) if id == request_id);
        let Some(at) = self.held.iter().position(|h| h.ways.iter().any(is_it)) else { return Vec::new() };
        let Some(held) = self.held.get_mut(at) else { return Vec::new() };
        held.ways.retain(|way| !is_it(way));
        if !held.ways.is_empty() {
            return Vec::new();
        }
        let held = self.held.remove(at);
        vec![taken_back(held.call.ask, "the agent was interrupted")]
    }

    /// The turn has its result; `deferred` is the call it names as put aside.
    pub(super) fn turn_ended(&mut self, deferred: Option<&AskId>) -> Vec<Signal> {
        let mut signals: Vec<Signal> = Vec::new();
        for (ask, told) in self.told.iter_mut().filter(|(_, told)| !told.applied) {
            told.applied = true;
            signals.push(applied(ask.clone()));
        }
        // A call inside a subagent in the background outlives the main agent's turn.
        let (stay, gone) = std::mem::take(&mut self.held).into_iter().partition(|h| h.call.subagent);
        self.held = stay;
        let gone: Vec<Held> = gone;
        let lost = gone.into_iter().map(|h| h.call.ask).chain(self.deferring.take());
        let lost = lost.filter(|ask| Some(ask) != deferred);
        signals.extend(lost.map(|ask| taken_back(ask, "the agent's turn ended without it")));
        self.aside.extend(deferred.cloned());
        signals
    }

    /// Words to be said beside the answers just given.
    pub(super) fn beside(&mut self) -> Vec<(AskId, String)> {
        std::mem::take(&mut self.beside)
    }

    /// Answers that wait for their calls.
    pub(super) fn has_early(&self) -> bool {
        !self.early.is_empty()
    }

    /// Early answers whose call will not come any more, now that the agent is idle: to be said in words.
    pub(super) fn left_over(&mut self) -> Vec<(AskId, Answer)> {
        let (wait, left): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.early).into_iter().partition(|(ask, _)| self.aside.contains(ask));
        self.early = wait;
        self.handed.extend(left.clone());
        left.into_iter().collect()
    }
}

impl Held {
    /// A permission request cannot be turned into a deferral, and a subagent's call would be lost.
    fn can_defer(&self) -> bool {
        !self.call.subagent && self.ways.iter().all(|way| matches!(way, Way::Hook(_)))
    }
}

pub(super) fn applied(id: AskId) -> Signal {
    Signal::Report { report: Report::AnswerApplied { id }, raw: None }
}

fn taken_back(ask: AskId, why: &str) -> Signal {
    Signal::TakenBack { ask, why: why.to_owned() }
}

pub(super) fn denied(way: &Way, reason: &str) -> Line {
    match way {
        Way::Hook(id) => speak::hook_deny(id, reason),
        Way::Permission(id) => speak::permission_deny(id, reason),
    }
}

fn written(verdict: &Verdict, what: &AskWhat, input: &Value, way: &Way) -> Line {
    let plan = matches!(what, AskWhat::Plan { .. });
    match (verdict, way) {
        (Verdict::Deny(reason), way) => denied(way, reason),
        // A bare yes to a plan makes the agent ask once more in the other way; one with an input is enough.
        (Verdict::Allow(None), Way::Hook(id)) if plan => speak::hook_allow(id, Some(&json!({}))),
        (Verdict::Allow(changed), Way::Hook(id)) => speak::hook_allow(id, changed.as_ref()),
        (Verdict::Allow(changed), Way::Permission(id)) => {
            speak::permission_allow(id, changed.as_ref().unwrap_or(input), plan)
        }
    }
}
