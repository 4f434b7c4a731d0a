//! The shapes of the lines the agent writes, as the real one writes them.
//!
//! Pure; must not know when they are due.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::desk::Desk;

pub(super) const REJECTED: &str = "The user doesn't want to proceed with this tool use. The tool use was rejected \
    (eg. if it was a file edit, the new_string was NOT written to the file). STOP what you are doing and wait for \
    the user to tell you how to proceed.";

/// Behind [`REJECTED`] where the call was already running.
pub(super) const STOPPED: &str = " Correction to the text above: this call was stopped while running, not refused \
    before it ran. It may have run in part or in full, and its changes may have been written. No permission prompt \
    was involved. Work it started elsewhere (a remote command, a background process) may still be running, so check \
    before starting the same work again. The instruction to stop and wait still stands.";

/// A line of a kind: its body, our uuid, the session's id.
pub(super) fn line(kind: &str, body: Value, uuid: Uuid, session: Uuid) -> Value {
    let mut all = Map::new();
    all.insert("type".into(), kind.into());
    if let Value::Object(body) = body {
        all.extend(body);
    }
    all.insert("session_id".into(), session.to_string().into());
    all.entry("uuid").or_insert_with(|| uuid.to_string().into());
    Value::Object(all)
}

pub(super) fn reply(request: &Value, response: &Value) -> Value {
    json!({ "type": "control_response", "response":
        { "subtype": "success", "request_id": request, "response": response } })
}

pub(super) fn refusal(request: &Value, why: &str, code: &str) -> Value {
    json!({ "type": "control_response", "response":
        { "subtype": "error", "request_id": request, "error": why, "error_code": code } })
}

pub(super) fn cancel(request: &str) -> Value {
    json!({ "type": "control_cancel_request", "request_id": request })
}

fn tools(can_ask: bool) -> Vec<&'static str> {
    let asking: &[&str] = if can_ask { &["AskUserQuestion", "EnterPlanMode", "ExitPlanMode"] } else { &[] };
    ["Bash", "Edit", "Read", "Write"].iter().chain(asking).copied().collect()
}

/// `system/init`, written at the start of every turn.
pub(super) fn init(desk: &Desk, uuids: &[Uuid]) -> Value {
    let mut body = json!({
        "subtype": "init",
        "cwd": desk.at.cwd,
        "tools": tools(desk.flags.can_ask()),
        "mcp_servers": [],
        "model": desk.flags.model(),
        "permissionMode": desk.look(|s| s.mode.clone()),
        "slash_commands": [],
        "apiKeySource": "none",
        "claude_code_version": version_number(desk.at.version()),
        "output_style": "default",
        "agents": [],
        "skills": [],
        "plugins": [],
        "capabilities": ["interrupt_receipt_v1", "interrupt_cancel_queued_v1", "msg_lifecycle_v1"],
    });
    if let (Value::Object(body), false) = (&mut body, uuids.is_empty()) {
        body.insert("user_message_uuids".into(), json!(uuids));
    }
    desk.line("system", body)
}

pub(super) fn initialized(desk: &Desk, request: &Value, hooks: bool) -> Value {
    let (mode, open, state) = desk.look(|s| {
        let open: Vec<Value> =
            s.open.values().filter(|l| l["request"]["subtype"] == "can_use_tool").cloned().collect();
        let state = match (s.asking, s.busy) {
            (true, _) => "requires_action",
            (_, true) => "running",
            _ => "idle",
        };
        (s.mode.clone(), open, state)
    });
    let mut response = json!({
        "commands": [],
        "agents": [],
        "output_style": "default",
        "available_output_styles": ["default"],
        "models": [{ "value": "default", "displayName": "Scripted", "description": "Plays its script" }],
        "account": { "tokenSource": "none", "apiKeySource": "none" },
        "pid": desk.at.pid,
        "claude_code_version": version_number(desk.at.version()),
        "current_permission_mode": mode,
        "session_state": state,
        "capabilities": [],
    });
    if hooks {
        response["hooks_applied"] = true.into();
    }
    json!({ "type": "control_response", "response": {
        "subtype": "success", "request_id": request, "response": response,
        "pending_permission_requests": open, "pending_user_dialog_requests": [],
    } })
}

fn version_number(version: &str) -> &str {
    version.split_whitespace().next().unwrap_or(version)
}

/// The message inside an assistant line.
pub(super) fn message(id: &str, model: &str, block: &Value, usage: &Value) -> Value {
    json!({
        "id": id, "type": "message", "role": "assistant", "model": model, "content": [block],
        "stop_reason": null, "stop_sequence": null, "usage": usage, "context_management": null,
    })
}

pub(super) fn tool_result(id: &str, text: &str, is_error: bool) -> Value {
    let mut block = json!({ "type": "tool_result", "content": text, "tool_use_id": id });
    if is_error {
        block["is_error"] = true.into();
    }
    json!({ "role": "user", "content": [block] })
}
