//! Which step a request asks for, and the answer it becomes.
//!
//! Pure but for the ids; must not know sockets. A model turn is one step, or several `say` steps with the one behind
//! them. Steps only the scripted agent can play are said as text.

use serde_json::{Value, json};

use crate::clock::Clock;
use crate::workbench::script::{OVER, Script, Step};

/// The model turn of a script that a request asks for.
pub(super) struct Part {
    pub(super) steps: Vec<Step>,
    pub(super) number: usize,
}

/// An answer, ready to be sent whole or streamed.
pub(super) struct Answer {
    pub(super) message: Value,
    pub(super) blocks: Vec<Value>,
    pub(super) stop_reason: String,
    pub(super) usage: Value,
    pub(super) manner: Step,
}

impl Answer {
    pub(super) fn whole(&self) -> Value {
        let mut message = self.message.clone();
        message["content"] = json!(self.blocks);
        message["stop_reason"] = json!(self.stop_reason);
        message["usage"] = self.usage.clone();
        message
    }
}

/// The newest script of the conversation and how far it is played. Requests without tools (titles, summaries) play
/// no script.
pub(super) fn pick(request: &Value) -> Option<Part> {
    let tools = request["tools"].as_array().is_some_and(|t| !t.is_empty());
    let messages = request["messages"].as_array().filter(|_| tools)?;
    let mut script: Option<Script> = None;
    let (mut round, mut step, mut number, mut speaking) = (0, 0, 0, false);
    for message in messages {
        let is_turn = message["role"] == "assistant";
        if is_turn && !speaking {
            step += 1;
            number += 1;
        }
        speaking = is_turn;
        let text = if message["role"] == "user" { text_of(&message["content"]) } else { String::new() };
        if text.is_empty() {
            continue;
        }
        if let Some(found) = Script::find(&text) {
            (script, round, step, number) = (Some(found), 0, 0, 0);
        } else if let Some(steps) = script.as_ref().and_then(|s| s.rounds.get(round))
            && step >= turns(steps).len()
            && !text.trim_start().starts_with("<system-reminder>")
        {
            (round, step) = (round + 1, 0);
        }
    }
    let script = script?;
    let turn = script
        .rounds
        .get(round)
        .map(|steps| turns(steps))
        .and_then(|turns| turns.get(step).map(|t| t.to_vec()));
    Some(Part { steps: turn.unwrap_or_else(|| vec![Step::text(OVER)]), number })
}

/// Groups a round's steps into model turns.
fn turns(steps: &[Step]) -> Vec<&[Step]> {
    let only_says =
        |s: &Step| s.say.is_some() && s.text.is_none() && s.plan.is_none() && s.calls().is_empty();
    steps.split_inclusive(|s| !only_says(s)).collect()
}

pub(super) fn side_answer() -> Vec<Step> {
    vec![Step::text("ok")]
}

/// The text a person wrote: tool results are no part of it.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            blocks.iter().filter_map(|b| b["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

pub(super) fn answer(request: &Value, steps: &[Step], bytes: usize, clock: &Clock) -> Answer {
    let mut blocks = Vec::new();
    for step in steps {
        blocks.extend(
            step.thinking.iter().map(|t| json!({ "type": "thinking", "thinking": t, "signature": "sim" })),
        );
        for text in [&step.say, &step.text].into_iter().flatten() {
            let text = filled(text, request).repeat(step.repeat.unwrap_or(1));
            blocks.push(json!({ "type": "text", "text": text }));
        }
        let plan = step.plan.iter().map(|plan| json!({ "name": "ExitPlanMode", "input": { "plan": plan } }));
        let calls = step.calls().into_iter().map(|c| json!({ "id": c.id, "name": c.name, "input": c.input }));
        for call in plan.chain(calls) {
            let id = call["id"]
                .as_str()
                .map_or_else(|| format!("toolu_sim_{}", clock.random_id().simple()), Into::into);
            blocks
                .push(json!({ "type": "tool_use", "id": id, "name": call["name"], "input": call["input"] }));
        }
    }
    if blocks.is_empty() {
        let text = if steps.iter().any(|s| s.error.is_some()) {
            "(recovered)"
        } else {
            "(a step for the scripted agent)"
        };
        blocks.push(json!({ "type": "text", "text": text }));
    }
    let manner = steps.last().cloned().unwrap_or_default();
    let calls = blocks.iter().any(|b| b["type"] == "tool_use");
    let stop_reason =
        manner.stop_reason.clone().unwrap_or_else(|| if calls { "tool_use" } else { "end_turn" }.into());
    let mut usage = json!({
        "input_tokens": (bytes / 4).max(1), "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "output_tokens": (json!(blocks).to_string().len() / 4).max(1),
    });
    if let (Value::Object(usage), Some(said)) = (&mut usage, manner.usage.clone()) {
        usage.extend(said);
    }
    let message = json!({
        "id": format!("msg_sim_{}", clock.random_id().simple()), "type": "message", "role": "assistant",
        "model": request["model"], "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    Answer { message, blocks, stop_reason, usage, manner }
}

fn filled(text: &str, request: &Value) -> String {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut results = messages.iter().flat_map(|m| m["content"].as_array().into_iter().flatten());
    let last = results.rfind(|b| b["type"] == "tool_result").map(|b| text_of(&b["content"]));
    text.replace("{{last_tool_result}}", &last.unwrap_or_default())
        .replace("{{n}}", &messages.len().to_string())
}

pub(super) fn error_kind(status: u16) -> &'static str {
    match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}
