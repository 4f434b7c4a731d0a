//! The API's laws, checked on every call.
//!
//! Pure: headers and body in, the request or the law it breaks out. Must not know scripts.

use std::collections::HashSet;

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A refused call.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) why: String,
    pub(super) messages: usize,
}

pub(super) fn check(headers: &HeaderMap, body: &[u8]) -> Result<Value, Broken> {
    let refused = |status, kind, why: String, messages| Broken { status, kind, why, messages };
    let bad = |why: String| refused(StatusCode::BAD_REQUEST, "invalid_request_error", why, 0);
    if !headers.contains_key("x-api-key") && !headers.contains_key("authorization") {
        let why = "x-api-key header is required".into();
        return Err(refused(StatusCode::UNAUTHORIZED, "authentication_error", why, 0));
    }
    if !headers.contains_key("anthropic-version") {
        return Err(bad("anthropic-version: header is required".into()));
    }
    let request: Value =
        serde_json::from_slice(body).map_err(|e| bad(format!("The request body is not valid JSON: {e}")))?;
    let messages = request["messages"].as_array().cloned().unwrap_or_default();
    let law = whole(&request).and_then(|()| conversation(&messages));
    match law {
        Ok(()) => Ok(request),
        Err(why) => Err(refused(StatusCode::BAD_REQUEST, "invalid_request_error", why, messages.len())),
    }
}

fn whole(request: &Value) -> Result<(), String> {
    if request["model"].as_str().is_none_or(str::is_empty) {
        return Err("model: Field required".into());
    }
    if request["max_tokens"].as_u64().is_none_or(|n| n == 0) {
        return Err("max_tokens: Field required, and at least 1".into());
    }
    if request["messages"].as_array().is_none_or(Vec::is_empty) {
        return Err("messages: at least one message is required".into());
    }
    let mut names = HashSet::new();
    for tool in request["tools"].as_array().into_iter().flatten() {
        match tool["name"].as_str() {
            Some(name) if !names.insert(name) => {
                return Err(format!("tools: Tool names must be unique ({name})"));
            }
            Some(_) => {}
            None => return Err("tools: name: Field required".into()),
        }
    }
    Ok(())
}

/// Roles, and that every `tool_use` is answered by the message right behind it.
fn conversation(messages: &[Value]) -> Result<(), String> {
    let mut open: HashSet<&str> = HashSet::new();
    let mut called: HashSet<&str> = HashSet::new();
    let mut begun = false;
    for (n, message) in messages.iter().enumerate() {
        match message["role"].as_str() {
            Some("system") => continue,
            Some("user") => {
                user(n, message, &mut open)?;
                begun = true;
            }
            Some("assistant") if !begun => {
                return Err("messages: first message must use the \"user\" role".into());
            }
            Some("assistant") => {
                all_answered(n, &open)?;
                for block in blocks(message).filter(|b| b["type"] == "tool_use") {
                    let id = block["id"].as_str().filter(|id| !id.is_empty());
                    let id = id.ok_or_else(|| format!("messages.{n}: tool_use: id: Field required"))?;
                    if !called.insert(id) {
                        return Err(format!("messages.{n}: `tool_use` ids must be unique ({id})"));
                    }
                    open.insert(id);
                }
            }
            other => {
                return Err(format!(
                    "messages.{n}: role: Input should be 'user' or 'assistant', not {other:?}"
                ));
            }
        }
        if let Some(empty) = blocks(message).find(|b| b["type"] == "text" && b["text"] == "") {
            return Err(format!("messages.{n}: text content blocks must be non-empty ({empty})"));
        }
    }
    all_answered(messages.len(), &open)
}

fn user<'a>(n: usize, message: &'a Value, open: &mut HashSet<&'a str>) -> Result<(), String> {
    for block in blocks(message).filter(|b| b["type"] == "tool_result") {
        let id = block["tool_use_id"].as_str().unwrap_or_default();
        if !open.remove(id) {
            return Err(format!(
                "messages.{n}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` \
                 block must have a corresponding `tool_use` block in the previous message."
            ));
        }
    }
    all_answered(n, open)
}

fn all_answered(n: usize, open: &HashSet<&str>) -> Result<(), String> {
    if open.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = open.iter().copied().collect();
    Err(format!(
        "messages.{n}: `tool_use` ids were found without `tool_result` blocks immediately after: {}",
        ids.join(", ")
    ))
}

fn blocks(message: &Value) -> impl Iterator<Item = &Value> {
    message["content"].as_array().into_iter().flatten()
}
