//! The supervisor's journal on its way into the log: each record becomes 0..k events, each record once.
//!
//! Knows what a record means for the session; must not know how it was carried.

use super::super::Attempt;
use super::super::ask::AskState;
use super::super::event::Body;
use super::super::report::{Ending, Record, Report};
use super::decide::{Draft, TranscriptPiece};
use super::{Hold, Refusal};
use crate::domain::{Actor, Time};

impl Draft {
    /// Takes records from `ingested + 1` on; ones that were taken before are dropped, a gap is refused.
    pub(super) fn records(&mut self, attempt: Attempt, records: Vec<Record>) -> Result<(), Refusal> {
        let session = self.session.id();
        if attempt != self.session.attempt || self.session.live.is_none() {
            return Err(Refusal::Fenced { session, attempt });
        }
        for record in records {
            let expected = self.session.ingested + 1;
            if record.n < expected {
                continue;
            }
            if !self.session.attempt_lives() {
                return Err(Refusal::Fenced { session, attempt });
            }
            if record.n > expected {
                return Err(Refusal::Gap { session, expected });
            }
            self.session.ingested = record.n;
            self.record(record);
        }
        Ok(())
    }

    fn record(&mut self, record: Record) {
        let Record { n, at, report, raw } = record;
        match report {
            // Kept as a transcript by the store; nothing for people to read.
            Report::Transcript { path } => {
                let attempt = self.session.attempt;
                let line = raw.unwrap_or_default();
                self.transcript.push(TranscriptPiece { attempt, n, path, line });
            }
            Report::AskRaised { id, what } => {
                // A deferred call asks again with the same id: the first opening stands.
                let known = self.session.asks.iter().any(|a| a.id == id && !is_withdrawn(&a.state));
                if !known {
                    self.open_ask(id, what, at);
                }
            }
            Report::AskTakenBack { id, why } => {
                if self.session.open_asks().any(|a| a.id == id) {
                    self.push_raw(Body::AskWithdrawn { id, why }, at, raw);
                }
            }
            Report::Ended { how } => self.ended(&how, at),
            turn @ Report::TurnEnded { .. } => {
                self.push_raw(Body::Report(turn), at, raw);
                self.check_budget();
            }
            other => self.push_raw(Body::Report(other), at, raw),
        }
    }

    fn ended(&mut self, how: &Ending, at: Time) {
        self.push_raw(Body::Report(Report::Ended { how: how.clone() }), at, None);
        self.after_attempt(how);
    }

    fn check_budget(&mut self) {
        let limit = self.session.limits().max_cost_micro_usd;
        let granted = limit.saturating_mul(u64::from(self.session.grants) + 1);
        let spent = self.session.usage.cost_micro_usd;
        if limit > 0 && spent >= granted && !self.session.holds.contains(&Hold::Budget) {
            let dollars = format!("{}.{:02}", spent / 1_000_000, spent % 1_000_000 / 10_000);
            self.hold(Hold::Budget, Actor::Control, Some(format!("it has spent ${dollars}")));
        }
    }
}

fn is_withdrawn(state: &AskState) -> bool {
    matches!(state, AskState::Withdrawn { .. })
}
