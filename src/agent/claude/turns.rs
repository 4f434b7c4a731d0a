//! Turns: begun by a user line, ended by a result, over when the agent says that it is idle.
//!
//! A `result` alone is not the end: the news of a task in the background starts another turn at once, without being
//! counted anywhere. So the outcome waits for `idle`; where the agent never speaks of its state, the result must do.
//! Knows results, states and the words written; must not know what a held call is.

use serde_json::Value;
use uuid::Uuid;

use super::views::{self, view};
use super::{Claude, answers, asks, outcome, probe, speak};
use crate::agent::Signal;
use crate::domain::AskId;
use crate::domain::report::{TurnOutcome, Usage};

/// A result that waits for `idle`.
#[derive(Debug)]
pub(super) struct Ended {
    pub outcome: TurnOutcome,
    usage: Usage,
    queued: u32,
}

impl Claude {
    pub(super) fn say(&mut self, uuid: Uuid, text: String) -> Vec<Signal> {
        // The answer that waits comes first, if its call does not.
        if !self.ready || (self.quiet && self.asks.has_early()) {
            self.waiting.push((uuid, text));
            return Vec::new();
        }
        self.quiet = false;
        self.said.insert(uuid);
        self.running = true;
        vec![Signal::Write(speak::user(uuid, &text))]
    }

    /// The agent has taken our hooks, or has not.
    pub(super) fn replied(&mut self, value: &Value) -> Vec<Signal> {
        let reply = view::<views::Replied>(value).response;
        if reply.request_id != super::INITIALIZE || self.ready {
            return Vec::new();
        }
        if reply.subtype != "success" || reply.response.hooks_applied == Some(false) {
            let cause = format!("the agent did not take our approval hooks: {}", reply.error);
            return vec![Signal::Broken { cause: super::policy::cut(&cause, 1_000) }];
        }
        if let Some(broken) = refused_version(&reply.response.claude_code_version) {
            return vec![broken];
        }
        self.ready = true;
        self.running = reply.response.session_state.as_deref().is_some_and(|state| state != "idle");
        // The agent takes a turn up again before this reply or just after it: both orders were seen.
        self.quiet = self.start.resume && !self.running && reply.response.session_state.is_some();
        let mut signals = if reply.response.session_state.is_some() { self.hand_over() } else { Vec::new() };
        signals.extend(self.say_waiting());
        signals
    }

    /// Nothing came back by itself: whatever waited for that is said.
    pub(super) fn speaks_up(&mut self) -> Vec<Signal> {
        self.quiet = false;
        let mut signals = self.hand_over();
        signals.extend(self.say_waiting());
        signals
    }

    fn say_waiting(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.waiting).into_iter().flat_map(|(uuid, text)| self.say(uuid, text)).collect()
    }

    pub(super) fn state(&mut self, value: &Value) -> Vec<Signal> {
        self.speaks_of_state = true;
        let before = std::mem::replace(&mut self.running, view::<views::StateChanged>(value).state != "idle");
        match (before, self.running) {
            (false, true) => {
                self.quiet = false;
                let mut signals = vec![Signal::TurnBegan];
                signals.extend(self.say_waiting());
                signals
            }
            (_, true) => Vec::new(),
            (_, false) => self.rest(),
        }
    }

    pub(super) fn lifecycle(&mut self, value: &Value) -> Vec<Signal> {
        let lifecycle: views::Lifecycle = view(value);
        let taken = matches!(lifecycle.state.as_str(), "started" | "completed");
        self.consumed(lifecycle.command_uuid.filter(|_| taken))
    }

    /// Each of our own lines once.
    pub(super) fn consumed(&mut self, uuids: impl IntoIterator<Item = Uuid>) -> Vec<Signal> {
        let ours = uuids.into_iter().filter(|uuid| self.said.remove(uuid));
        ours.map(|uuid| Signal::Consumed { uuid }).collect()
    }

    pub(super) fn result(&mut self, value: &Value) -> Vec<Signal> {
        let result: views::Outcome = view(value);
        let reasons = result.errors.join("\n");
        if let (true, Some(remedy)) = (result.is_error, outcome::remedy(&reasons)) {
            // It never started: the process exits, and `exited` tells how it went.
            self.remedy = Some(remedy);
            return Vec::new();
        }
        self.usage = outcome::usage(&result, self.usage);
        let outcome = outcome::outcome(&result, self.quota);
        if !matches!(outcome, TurnOutcome::Failed { .. }) {
            self.quota = None;
        }
        let mut signals: Vec<Signal> = self.ended.take().map(|e| e.signal(1)).into_iter().collect();
        signals.extend(self.consumed(result.user_message_uuids));
        let deferred = if let TurnOutcome::Deferred { ask } = &outcome { Some(ask) } else { None };
        signals.extend(self.asks.turn_ended(deferred));
        self.ended = Some(Ended { outcome, usage: self.usage, queued: result.queued_turn_count });
        if !self.speaks_of_state {
            self.running = result.queued_turn_count > 0;
            signals.extend(self.rest());
        }
        signals
    }

    /// The agent is idle: the turn is over, and nothing that has not come yet will come by itself.
    fn rest(&mut self) -> Vec<Signal> {
        let ended = self.ended.take();
        let deferred = ended.as_ref().is_some_and(|e| matches!(e.outcome, TurnOutcome::Deferred { .. }));
        // With a call put aside the process goes: what is left is handed over by the next one.
        let handed = if deferred { Vec::new() } else { self.hand_over() };
        let more = if handed.is_empty() { self.working() } else { self.working() + 1 };
        let mut signals: Vec<Signal> = ended.map(|e| e.signal(more)).into_iter().collect();
        signals.extend(handed);
        signals
    }

    fn working(&self) -> u32 {
        u32::try_from(self.tasks).unwrap_or(u32::MAX)
    }

    /// Says in words what was answered to calls that will not come any more, if the agent is idle.
    pub(super) fn hand_over(&mut self) -> Vec<Signal> {
        if !self.ready || self.running {
            return Vec::new();
        }
        if self.quiet {
            return self.asks.has_early().then_some(Signal::MayComeBack).into_iter().collect();
        }
        let mut signals = Vec::new();
        for (ask, answer) in self.asks.left_over() {
            signals.push(self.say_about(&ask, &answers::hand_over(&ask, &answer)));
            signals.push(asks::applied(ask));
        }
        signals
    }

    /// Adds the words that came with a yes.
    pub(super) fn say_beside(&mut self, signals: &mut Vec<Signal>) {
        for (ask, text) in self.asks.beside() {
            signals.push(self.say_about(&ask, &text));
        }
    }

    /// The uuid follows from the ask: said again after a crash, the agent drops the copy.
    fn say_about(&mut self, ask: &AskId, text: &str) -> Signal {
        self.running = true;
        let uuid = Uuid::new_v5(&self.start.conversation, format!("answer/{ask}").as_bytes());
        Signal::Write(speak::user(uuid, text))
    }
}

impl Ended {
    /// `more`: turns that will follow beside those the agent has queued. Only a turn that went well waits for what runs
    /// in the background.
    fn signal(self, more: u32) -> Signal {
        let more = if matches!(self.outcome, TurnOutcome::Completed { .. }) { more } else { 0 };
        Signal::TurnEnded {
            outcome: self.outcome,
            usage: self.usage,
            queued: self.queued.saturating_add(more),
        }
    }
}

/// What to signal about a version we do not know; one that is not told is let pass, the probe has seen it.
pub(super) fn refused_version(version: &str) -> Option<Signal> {
    let version = probe::Version::parse(version)?;
    let refused = probe::accept(version).err()?;
    Some(Signal::Broken { cause: refused.to_string() })
}
