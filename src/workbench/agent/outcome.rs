//! The result line of a turn.
//!
//! Knows the fields of every ending; must not know how a turn came to its end.

use serde_json::{Value, json};

use super::ending::Stop;
use super::turn::Turn;

impl Turn<'_> {
    pub(super) fn result(&self, stop: Option<&Stop>) -> Value {
        let took = (self.desk.at.clock.now() - self.began).num_milliseconds().max(0);
        let queued = self.desk.look(|s| s.queue.len());
        let mut all = json!({
            "duration_ms": took, "duration_api_ms": took, "num_turns": self.model_turns.max(1),
            "total_cost_usd": self.talk.cost,
            "usage": { "input_tokens": 100 * self.model_turns, "output_tokens": self.tokens,
                "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0 },
            "modelUsage": { self.desk.flags.model(): { "inputTokens": 100 * self.model_turns,
                "outputTokens": self.tokens, "costUSD": self.talk.cost } },
            "permission_denials": self.denials, "queued_turn_count": queued, "result_index": self.index,
        });
        let ending = self.ending(stop);
        if let (Value::Object(all), Value::Object(ending)) = (&mut all, ending) {
            all.extend(ending);
            if let Some(first) = self.uuids.first() {
                all.insert("user_message_uuid".into(), json!(first));
                all.insert("user_message_uuids".into(), json!(self.uuids));
            }
        }
        all
    }

    fn ending(&self, stop: Option<&Stop>) -> Value {
        match stop {
            Some(Stop::Deferred(call)) => json!({
                "subtype": "success", "is_error": false, "terminal_reason": "tool_deferred",
                "stop_reason": "tool_deferred", "result": "", "deferred_tool_use": call,
            }),
            Some(Stop::Aborted { tools }) => json!({
                "subtype": "error_during_execution", "is_error": true, "queued_turn_count": 0,
                "terminal_reason": if *tools { "aborted_tools" } else { "aborted_streaming" },
                "stop_reason": if *tools { json!("tool_use") } else { Value::Null },
                "errors": ["[ede_diagnostic] result_type=user last_content_type=n/a"],
            }),
            Some(Stop::Api { status, kind, text }) => json!({
                "subtype": "success", "is_error": true, "terminal_reason": "api_error",
                "stop_reason": "stop_sequence", "api_error_status": status, "api_error_type": kind, "result": text,
            }),
            Some(Stop::Limit { subtype, terminal, text }) => json!({
                "subtype": subtype, "is_error": true, "terminal_reason": terminal, "stop_reason": "tool_use",
                "errors": [text],
            }),
            _ => json!({
                "subtype": "success", "is_error": false, "terminal_reason": "completed",
                "stop_reason": "end_turn", "api_error_status": null, "result": self.said,
            }),
        }
    }
}
