//! The lines we write to the agent.
//!
//! Knows their shapes; must not know when they are due. Every line is built from JSON values, so that nothing a person
//! says can end the line early: a line that is not JSON kills the agent.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::agent::Line;

/// The one hook callback we register.
pub(super) const CALLBACK: &str = "devtask";

/// A user's words; the agent drops a second line with the same uuid.
pub(super) fn user(uuid: Uuid, text: &str) -> Line {
    line(&json!({
        "type": "user",
        "message": {"role": "user", "content": text},
        "parent_tool_use_id": null,
        "uuid": uuid,
    }))
}

pub(super) fn request(request_id: &str, request: &Value) -> Line {
    line(&json!({"type": "control_request", "request_id": request_id, "request": request}))
}

pub(super) fn reply(request_id: &str, response: &Value) -> Line {
    let response = json!({"subtype": "success", "request_id": request_id, "response": response});
    line(&json!({"type": "control_response", "response": response}))
}

pub(super) fn refuse(request_id: &str, error: &str) -> Line {
    let response = json!({"subtype": "error", "request_id": request_id, "error": error});
    line(&json!({"type": "control_response", "response": response}))
}

/// A hook's output. `input` replaces the tool's own.
pub(super) fn hook_allow(request_id: &str, input: Option<&Value>) -> Line {
    let mut output = json!({"hookEventName": "PreToolUse", "permissionDecision": "allow"});
    if let (Some(input), Some(fields)) = (input, output.as_object_mut()) {
        fields.insert("updatedInput".to_owned(), input.clone());
    }
    reply(request_id, &json!({"hookSpecificOutput": output}))
}

pub(super) fn hook_deny(request_id: &str, reason: &str) -> Line {
    hook(request_id, "deny", reason)
}

pub(super) fn hook_defer(request_id: &str) -> Line {
    hook(request_id, "defer", "waiting for a person")
}

/// The hook has no opinion: the call goes on as if there were none.
pub(super) fn hook_pass(request_id: &str) -> Line {
    reply(request_id, &json!({}))
}

fn hook(request_id: &str, decision: &str, reason: &str) -> Line {
    reply(
        request_id,
        &json!({"hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": decision,
            "permissionDecisionReason": reason,
        }}),
    )
}

/// `plan`: leaving plan mode, edits need no further word.
pub(super) fn permission_allow(request_id: &str, input: &Value, plan: bool) -> Line {
    let mut response = json!({"behavior": "allow", "updatedInput": input});
    if let (true, Some(fields)) = (plan, response.as_object_mut()) {
        let mode = json!([{"type": "setMode", "mode": "acceptEdits", "destination": "session"}]);
        fields.insert("updatedPermissions".to_owned(), mode);
    }
    reply(request_id, &response)
}

pub(super) fn permission_deny(request_id: &str, message: &str) -> Line {
    reply(request_id, &json!({"behavior": "deny", "message": message}))
}

fn line(value: &Value) -> Line {
    value.to_string().into_bytes()
}
