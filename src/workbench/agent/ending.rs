//! How a turn comes to its end: what can stop it, and the lines that close it.
//!
//! Knows the order of the last lines; what the result line itself says is `outcome`'s.

use serde_json::{Value, json};
use uuid::Uuid;

use super::End;
use super::desk::{Abort, Gone};
use super::turn::Turn;

pub(super) enum Ended {
    Turn { is_error: bool },
    Now(End),
}

/// Why a turn does not run to its end.
pub(super) enum Stop {
    Gone,
    Now(End),
    /// In the middle of tool calls, or between them.
    Aborted {
        tools: bool,
    },
    Deferred(Value),
    Api {
        status: u16,
        kind: &'static str,
        text: String,
    },
    Limit {
        subtype: &'static str,
        terminal: &'static str,
        text: String,
    },
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<Abort> for Stop {
    fn from(abort: Abort) -> Self {
        match abort {
            Abort::Interrupt => Self::Aborted { tools: false },
            Abort::Now(end) => Self::Now(end),
        }
    }
}

impl Turn<'_> {
    /// Closes the turn: what was broken off, what it cost, its result.
    pub(super) async fn finish(mut self, own: Uuid, played: Result<(), Stop>) -> Result<Ended, Gone> {
        let stop = match played {
            Ok(()) => None,
            Err(Stop::Gone) => return Err(Gone),
            Err(Stop::Now(end)) => return Ok(Ended::Now(end)),
            Err(stop) => Some(stop),
        };
        if let Some(Stop::Aborted { tools }) = stop {
            let text = if tools {
                "[Request interrupted by user for tool use]"
            } else {
                "[Request interrupted by user]"
            };
            let message = json!({ "role": "user", "content": [{ "type": "text", "text": text }] });
            self.desk
                .write(self.desk.line("user", json!({ "message": message, "parent_tool_use_id": null })))
                .await?;
        }
        let cost = json!({ "type": "cost-state", "totalCostUSD": self.talk.cost });
        if let Err(Stop::Gone | Stop::Now(_)) = self.record(vec![cost]).await {
            return Err(Gone);
        }
        for folded in self.uuids.iter().skip(1) {
            self.desk.write(self.desk.lifecycle(*folded, "completed")).await?;
        }
        let cancelled = matches!(
            stop,
            Some(Stop::Aborted { .. } | Stop::Api { .. } | Stop::Limit { terminal: "budget_exhausted", .. })
        );
        let result = self.result(stop.as_ref());
        let is_error = result["is_error"] == true;
        self.desk.write(self.desk.line("result", result)).await?;
        let state = if cancelled { "cancelled" } else { "completed" };
        self.desk.write(self.desk.lifecycle(own, state)).await?;
        Ok(Ended::Turn { is_error })
    }
}
