//! Laws of the language that no recording shows: calls held together, answers out of order, hostile lines.

mod asks;
mod begin;
mod words;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::AskId;
use crate::domain::ask::{Answer, AskWhat, Decision};
use crate::domain::report::Retry;

fn start() -> Start {
    Start {
        command: vec!["claude".to_owned()],
        conversation: Uuid::from_u128(7),
        resume: false,
        model: None,
        effort: None,
        plan: false,
        require_approval_for: vec!["Bash".to_owned()],
        config_dir: "/agent".into(),
    }
}

/// An adapter whose agent has taken the hooks and says it is `state`.
fn ready(start: Start, state: &str) -> (Claude, Vec<Signal>) {
    let mut claude = Claude::new(start);
    claude.open();
    let reply = json!({"session_state": state, "claude_code_version": "2.1.329", "hooks_applied": true});
    let signals = hear(
        &mut claude,
        &json!({"type": "control_response", "response": {
            "subtype": "success", "request_id": INITIALIZE, "response": reply}}),
    );
    (claude, signals)
}

fn running() -> Claude {
    let (mut claude, _) = ready(start(), "idle");
    claude.tell(Word::Say { uuid: Uuid::from_u128(1), text: "go".to_owned() });
    claude
}

fn resumed(state: &str) -> (Claude, Vec<Signal>) {
    ready(Start { resume: true, ..start() }, state)
}

fn hear(claude: &mut Claude, line: &Value) -> Vec<Signal> {
    claude.heard(line.to_string().into_bytes())
}

fn hook(claude: &mut Claude, id: &str, tool: &str, input: &Value, agent: Option<&str>) -> Vec<Signal> {
    let input = json!({"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input, "tool_use_id": id, "agent_id": agent});
    let request =
        json!({"subtype": "hook_callback", "callback_id": "devtask", "input": input, "tool_use_id": id});
    hear(claude, &json!({"type": "control_request", "request_id": format!("r-{id}"), "request": request}))
}

fn ask(claude: &mut Claude, id: &str) -> Vec<Signal> {
    let options = json!([{"label": "SQLite", "description": "a file"}, {"label": "Postgres", "description": "a server"}]);
    let question = json!({"question": "Which?", "header": "DB", "multiSelect": false, "options": options});
    hook(claude, id, "AskUserQuestion", &json!({"questions": [question]}), None)
}

fn answer(claude: &mut Claude, id: &str) -> Vec<Signal> {
    let answers = [("Which?".to_owned(), "SQLite".to_owned())].into();
    claude.tell(Word::Answer { ask: AskId(id.to_owned()), answer: Answer::Answers { answers } })
}

fn decide(claude: &mut Claude, id: &str, decide: Decision, message: Option<&str>) -> Vec<Signal> {
    let answer = Answer::Decide { decide, message: message.map(str::to_owned) };
    claude.tell(Word::Answer { ask: AskId(id.to_owned()), answer })
}

fn tool_result(claude: &mut Claude, id: &str) -> Vec<Signal> {
    let block = json!({"type": "tool_result", "tool_use_id": id, "content": "ok"});
    hear(claude, &json!({"type": "user", "message": {"role": "user", "content": [block]}}))
}

fn idle(claude: &mut Claude) -> Vec<Signal> {
    hear(claude, &json!({"type": "system", "subtype": "session_state_changed", "state": "idle"}))
}

fn result(claude: &mut Claude, fields: &Value) -> Vec<Signal> {
    let mut line = json!({"type": "result", "subtype": "success", "is_error": false, "terminal_reason": "completed", "result": "ok"});
    for (key, value) in fields.as_object().unwrap() {
        line[key] = value.clone();
    }
    hear(claude, &json!({"type": "system", "subtype": "session_state_changed", "state": "running"}));
    hear(claude, &line)
}

/// Signals as short words: what is written, held, taken back, applied, ended.
fn told(signals: &[Signal]) -> Vec<String> {
    signals.iter().filter_map(word).collect()
}

fn word(signal: &Signal) -> Option<String> {
    Some(match signal {
        Signal::Write(line) => {
            let line: Value = serde_json::from_slice(line).unwrap();
            let response = &line["response"];
            let hook = &response["response"]["hookSpecificOutput"]["permissionDecision"];
            let kind = match line["type"].as_str().unwrap() {
                "user" => return Some(format!("say {}", line["message"]["content"].as_str().unwrap())),
                "control_request" => {
                    return Some(format!("request {}", line["request"]["subtype"].as_str().unwrap()));
                }
                _ if response["subtype"] == "error" => "error",
                _ => hook.as_str().or(response["response"]["behavior"].as_str()).unwrap_or("pass"),
            };
            format!("{kind} {}", response["request_id"].as_str().unwrap())
        }
        Signal::Held { ask, .. } => format!("held {ask}"),
        Signal::TakenBack { ask, .. } => format!("taken back {ask}"),
        Signal::Consumed { uuid } => format!("consumed {}", uuid.as_u128()),
        Signal::Report { report: Report::AnswerApplied { id }, .. } => format!("applied {id}"),
        Signal::TurnBegan => "began".to_owned(),
        Signal::MayComeBack => "may come back".to_owned(),
        Signal::TurnEnded { outcome, queued, .. } => {
            let how = match outcome {
                TurnOutcome::Completed { .. } => "done",
                TurnOutcome::Deferred { .. } => "deferred",
                TurnOutcome::Interrupted => "interrupted",
                TurnOutcome::Failed { .. } => "failed",
            };
            format!("ended {how} {queued}")
        }
        Signal::Broken { .. } => "broken".to_owned(),
        Signal::Report { .. } | Signal::Live(_) => return None,
    })
}

/// The last written line.
fn written(signals: &[Signal]) -> Value {
    let mut lines =
        signals.iter().filter_map(|s| if let Signal::Write(line) = s { Some(line) } else { None });
    serde_json::from_slice(lines.next_back().unwrap()).unwrap()
}
