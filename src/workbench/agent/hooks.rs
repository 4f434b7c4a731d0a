//! Hooks, and any other request to the host: asked, waited for, taken back.
//!
//! Knows what a hook's output means; must not know what becomes of the call.

use std::time::Duration;

use serde_json::{Value, json};

use super::desk::{Abort, Desk, Gone};
use super::ending::Stop;
use super::lines;

/// How often the real agent says that a hook is still waited for.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// What the hooks said of a call.
pub(super) enum Hooked {
    Nothing,
    Allow(Option<Value>),
    Deny(String),
    Ask,
    Defer,
    /// Nobody is left who could say.
    Cut,
}

pub(super) enum Unheard {
    Gone,
    Aborted(Abort),
    /// The input ended: nobody can answer any more.
    Eof,
}

impl From<Gone> for Unheard {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<Unheard> for Stop {
    fn from(unheard: Unheard) -> Self {
        match unheard {
            Unheard::Gone => Self::Gone,
            Unheard::Aborted(Abort::Now(end)) => Self::Now(end),
            Unheard::Aborted(Abort::Interrupt) | Unheard::Eof => Self::Aborted { tools: true },
        }
    }
}

/// Asks every hook that matches; of several the strictest counts.
pub(super) async fn hooks_say(desk: &Desk, call: &Value) -> Result<Hooked, Unheard> {
    let name = call["name"].as_str().unwrap_or_default();
    let hooks = desk.look(|s| s.hooks.clone());
    let mut strictest = Hooked::Nothing;
    for hook in hooks.iter().filter(|h| matches(&h.matcher, name)) {
        let input = json!({
            "session_id": desk.session, "transcript_path": transcript_path(desk), "cwd": desk.at.cwd,
            "permission_mode": desk.look(|s| s.mode.clone()), "hook_event_name": "PreToolUse",
            "tool_name": name, "tool_input": call["input"], "tool_use_id": call["id"],
        });
        let request = json!({
            "subtype": "hook_callback", "callback_id": hook.id, "input": input, "tool_use_id": call["id"],
        });
        let said = match request_host(desk, request, call["id"].as_str()).await {
            Ok(Ok(output)) => meaning(name, &output),
            Ok(Err(why)) => Hooked::Deny(format!("PreToolUse:{name} hook error: {why}")),
            Err(Unheard::Eof) => Hooked::Cut,
            Err(unheard) => return Err(unheard),
        };
        if weight(&said) > weight(&strictest) {
            strictest = said;
        }
    }
    Ok(strictest)
}

fn transcript_path(desk: &Desk) -> std::path::PathBuf {
    super::transcript::Transcript::new(&desk.at.config_dir(), &desk.at.cwd, desk.session).path
}

fn weight(said: &Hooked) -> u8 {
    match said {
        Hooked::Nothing => 0,
        Hooked::Allow(_) => 1,
        Hooked::Ask => 2,
        Hooked::Defer | Hooked::Cut => 3,
        Hooked::Deny(_) => 4,
    }
}

fn matches(matcher: &str, name: &str) -> bool {
    matches!(matcher, "" | "*" | ".*") || matcher.split('|').any(|m| m == name)
}

fn meaning(tool: &str, output: &Value) -> Hooked {
    let own = &output["hookSpecificOutput"];
    let reason =
        own["permissionDecisionReason"].as_str().or(output["reason"].as_str()).unwrap_or("Blocked by hook");
    match own["permissionDecision"].as_str() {
        Some("allow") => Hooked::Allow(own.get("updatedInput").filter(|i| i.is_object()).cloned()),
        Some("deny") => Hooked::Deny(format!("PreToolUse:{tool} hook error: {reason}")),
        Some("ask") => Hooked::Ask,
        Some("defer") => Hooked::Defer,
        _ if output["decision"] == "block" => Hooked::Deny(format!("PreToolUse:{tool} hook error: {reason}")),
        _ => Hooked::Nothing,
    }
}

/// A request to the host and its answer. `held`: a hook on this call, of which heartbeats tell.
pub(super) async fn request_host(
    desk: &Desk,
    request: Value,
    held: Option<&str>,
) -> Result<Result<Value, String>, Unheard> {
    let id = desk.id().to_string();
    let line = json!({ "type": "control_request", "request_id": id, "request": &request });
    desk.write_with(|state| {
        state.open.insert(id.clone(), line.clone());
        vec![line]
    })
    .await?;
    let mut beats = 0;
    loop {
        let heard = desk.until(|state| match (state.answers.remove(&id), state.abort) {
            (Some(answer), _) => Some(Ok(answer)),
            (None, Some(abort)) => Some(Err(Unheard::Aborted(abort))),
            (None, None) => state.eof.then_some(Err(Unheard::Eof)),
        });
        match (tokio::time::timeout(HEARTBEAT, heard).await, held) {
            (Ok(Ok(answer)), _) => return Ok(answer),
            (Ok(Err(unheard)), _) => {
                let question = request["tool_name"] == "AskUserQuestion";
                if desk.change(|s| s.open.remove(&id)).is_some()
                    && question
                    && matches!(unheard, Unheard::Eof)
                {
                    desk.write(lines::cancel(&id)).await?;
                }
                return Err(unheard);
            }
            (Err(_), Some(call)) => {
                let body = json!({
                    "tool_use_id": format!("hook-PreToolUse-{call}-heartbeat-{beats}"), "tool_name": "PreToolUse",
                    "parent_tool_use_id": call, "elapsed_time_seconds": (beats + 1) * HEARTBEAT.as_secs(),
                    "heartbeat": true,
                });
                beats += 1;
                desk.write(desk.line("tool_progress", body)).await?;
            }
            (Err(_), None) => {}
        }
    }
}
