//! What a restarted supervisor must remember of its attempt: a fold over the records, kept when those are cut.
//!
//! Knows reports; must not know files or what is done with the memory. Its size is bounded: lists that grow with a
//! session hold small numbers and ids only.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::AskId;
use crate::domain::command::CommandNo;
use crate::domain::report::{Evidence, Phase, Pushed, Report, TurnOutcome};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recall {
    /// The conversation exists: resume it.
    pub conversed: bool,
    pub consumed: BTreeSet<CommandNo>,
    pub applied: BTreeSet<AskId>,
    /// Raised and neither answered nor taken back.
    pub asks: BTreeSet<AskId>,
    /// The newest turn's end; `None` while one runs or before the first.
    pub turn: Option<TurnOutcome>,
    pub phase: Phase,
    /// Rounds of checks begun.
    pub round: u32,
    /// Of the newest round.
    pub evidence: Vec<Evidence>,
    pub pushed: Option<Pushed>,
    pub ended: bool,
}

impl Recall {
    pub fn note(&mut self, report: &Report) {
        match report {
            Report::AgentStarted { .. } => self.conversed = true,
            Report::Message { .. } | Report::Tool { .. } => self.turn = None,
            Report::TurnEnded { outcome, .. } => {
                self.turn = Some(brief(outcome));
            }
            Report::CommandConsumed { c } => {
                self.consumed.insert(*c);
                self.turn = None;
            }
            Report::AskRaised { id, .. } => {
                self.asks.insert(id.clone());
            }
            Report::AskTakenBack { id, .. } => {
                self.asks.remove(id);
            }
            Report::AnswerApplied { id } => {
                self.asks.remove(id);
                self.applied.insert(id.clone());
            }
            Report::Phase { phase } => self.phase = *phase,
            Report::CheckStarted { round, .. } if *round > self.round => {
                self.round = *round;
                self.evidence.clear();
            }
            Report::CheckEnded { evidence, .. } => self.evidence.push(evidence.clone()),
            Report::Pushed(pushed) => self.pushed = Some(pushed.clone()),
            Report::Ended { .. } => self.ended = true,
            _ => {}
        }
    }
}

/// The outcome with its text cut: it goes into the journal's header.
fn brief(outcome: &TurnOutcome) -> TurnOutcome {
    match outcome {
        TurnOutcome::Completed { text } => {
            TurnOutcome::Completed { text: super::super::text::clip(text, 16 * 1024) }
        }
        other => other.clone(),
    }
}
