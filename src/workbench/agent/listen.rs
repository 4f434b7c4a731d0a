//! The listening half: every line of standard input is taken up at once, also while a turn runs.
//!
//! Knows what the host may say and what is refused; must not know how a turn is played.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::desk::{Abort, Desk, Gone, Hook, Said};
use super::{End, Signal, lines};

/// Bytes of one line; what a host cuts off in the middle is no JSON and ends the process.
const MOST: u64 = 64 << 20;

/// Reads until the input ends or is refused. A line that is not ours ends the process, as the real agent does.
pub(super) async fn listen(desk: Desk, input: Box<dyn AsyncRead + Send + Unpin>) {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut input).take(MOST).read_until(b'\n', &mut line).await {
        let text = line.trim_ascii();
        let heard = if text.is_empty() { Ok(()) } else { hear(&desk, text).await };
        if let Err(why) = heard {
            if let Refused::Because(why) = why {
                desk.complain(&why).await;
            }
            return desk.change(|s| s.abort = Some(Abort::Now(End::Code(1))));
        }
        line.clear();
    }
    desk.change(|s| s.eof = true);
}

/// Turns signals into what they do; SIGINT ends the turn with a result and the process with 0.
pub(super) async fn mind_signals(desk: Desk, mut signals: mpsc::Receiver<Signal>) {
    while let Some(signal) = signals.recv().await {
        desk.change(|s| match signal {
            Signal::Terminate if s.deaf_to_sigterm => {}
            Signal::Terminate => s.abort = Some(Abort::Now(End::Code(143))),
            Signal::HangUp => s.abort = Some(Abort::Now(End::Code(129))),
            Signal::Interrupt if s.busy => {
                (s.ending, s.interrupted, s.abort) = (true, true, Some(Abort::Interrupt));
            }
            Signal::Interrupt => s.abort = Some(Abort::Now(End::Code(0))),
        });
    }
}

enum Refused {
    Because(String),
    NobodyReads,
}

impl From<Gone> for Refused {
    fn from(_: Gone) -> Self {
        Self::NobodyReads
    }
}

async fn hear(desk: &Desk, text: &[u8]) -> Result<(), Refused> {
    let Ok(line) = serde_json::from_slice::<Value>(text) else {
        let why =
            format!("Error parsing streaming input line (type=unknown, {} chars): SyntaxError", text.len());
        return Err(Refused::Because(why));
    };
    match line["type"].as_str() {
        Some("control_request") => Ok(asked(desk, &line["request_id"], &line["request"]).await?),
        Some("control_response") => {
            answered(desk, &line["response"]);
            Ok(())
        }
        Some("user") if line["message"]["role"] == "user" => Ok(told(desk, &line).await?),
        Some("user") => Err(Refused::Because(format!(
            "Error: Expected message role 'user', got '{}'",
            line["message"]["role"].as_str().unwrap_or("undefined")
        ))),
        Some("keep_alive") => Ok(()),
        other => Err(Refused::Because(format!(
            "Error: Expected message type 'user' or 'control', got '{}'",
            other.unwrap_or("undefined")
        ))),
    }
}

/// A user message: once per uuid, also across restarts.
async fn told(desk: &Desk, line: &Value) -> Result<(), Gone> {
    let uuid = line["uuid"].as_str().and_then(|u| Uuid::parse_str(u).ok()).unwrap_or_else(|| desk.id());
    let said = Said { uuid, message: line["message"].clone() };
    desk.write_with(|state| {
        if !state.heard.insert(uuid) {
            return repeated(desk, &said, state.told_before.contains(&uuid), state.busy);
        }
        state.queue.push_back(said);
        let was_busy = std::mem::replace(&mut state.busy, true);
        let running = if was_busy { None } else { desk.state_line("running") };
        running.into_iter().chain([desk.lifecycle(uuid, "queued")]).collect()
    })
    .await
}

/// What the real agent shows of a second delivery: no turn and no result.
fn repeated(desk: &Desk, said: &Said, told_before: bool, busy: bool) -> Vec<Value> {
    let replay = desk.flags.has("--replay-user-messages").then(|| replayed(desk, said));
    let done = told_before.then(|| desk.lifecycle(said.uuid, "completed"));
    let idle = if busy { None } else { desk.state_line("idle") };
    replay.into_iter().chain(done).chain(idle).collect()
}

pub(super) fn replayed(desk: &Desk, said: &Said) -> Value {
    let body = json!({
        "message": said.message, "parent_tool_use_id": null, "isReplay": true, "uuid": said.uuid,
    });
    desk.line("user", body)
}

fn answered(desk: &Desk, response: &Value) {
    let Some(id) = response["request_id"].as_str() else { return };
    desk.change(|state| {
        // The second answer to a request, and one to a request never made, are ignored without a word.
        if state.open.remove(id).is_some() {
            let answer = match response["subtype"].as_str() {
                Some("success") => Ok(response["response"].clone()),
                _ => Err(response["error"].as_str().unwrap_or("unknown error").to_owned()),
            };
            state.answers.insert(id.to_owned(), answer);
        }
    });
}

async fn asked(desk: &Desk, id: &Value, request: &Value) -> Result<(), Gone> {
    match request["subtype"].as_str().unwrap_or_default() {
        "initialize" => initialize(desk, id, request).await,
        "interrupt" => interrupt(desk, id, request["cancel_queued"] == true).await,
        "end_session" => {
            desk.write_with(|s| {
                let open = std::mem::take(&mut s.open);
                open.keys().map(|o| lines::cancel(o)).chain([lines::reply(id, &json!({}))]).collect()
            })
            .await?;
            desk.change(|s| {
                s.ending = true;
                s.abort = s.busy.then_some(Abort::Interrupt).or(s.abort);
            });
            Ok(())
        }
        "set_permission_mode" => {
            let mode = request["mode"].as_str().unwrap_or("default").to_owned();
            desk.write_with(|state| {
                state.mode.clone_from(&mode);
                let status = json!({ "subtype": "status", "status": null, "permissionMode": mode });
                vec![lines::reply(id, &json!({ "mode": mode })), desk.line("system", status)]
            })
            .await
        }
        "set_model" => desk.write(lines::reply(id, &json!({ "model": request["model"] }))).await,
        "mcp_status" => desk.write(lines::reply(id, &json!({ "mcpServers": [] }))).await,
        other => {
            let why = format!("Unsupported control request subtype: {other}");
            desk.write(lines::refusal(id, &why, "unsupported_request")).await
        }
    }
}

async fn initialize(desk: &Desk, id: &Value, request: &Value) -> Result<(), Gone> {
    let hooks = hooks(&request["hooks"]["PreToolUse"]);
    let line = lines::initialized(desk, id, !hooks.is_empty());
    desk.write(line).await?;
    desk.change(|state| {
        state.hooks = hooks;
        state.initialized = true;
    });
    Ok(())
}

fn hooks(registered: &Value) -> Vec<Hook> {
    let groups = registered.as_array().into_iter().flatten();
    groups
        .flat_map(|group| {
            let matcher = group["matcher"].as_str().unwrap_or_default().to_owned();
            let ids = group["hookCallbackIds"].as_array().cloned().unwrap_or_default();
            ids.into_iter()
                .filter_map(move |id| Some(Hook { matcher: matcher.clone(), id: id.as_str()?.into() }))
        })
        .collect()
}

/// Takes back what is open, answers, then breaks the turn off, in this order.
async fn interrupt(desk: &Desk, id: &Value, cancel_queued: bool) -> Result<(), Gone> {
    desk.write_with(|state| {
        let open: BTreeSet<String> = std::mem::take(&mut state.open).into_keys().collect();
        let mut lines: Vec<Value> = open.iter().map(|o| lines::cancel(o)).collect();
        let queued: Vec<Uuid> = state.queue.iter().map(|said| said.uuid).collect();
        let reply = if cancel_queued {
            state.queue.clear();
            lines.extend(queued.iter().map(|uuid| desk.lifecycle(*uuid, "cancelled")));
            json!({ "still_queued": [], "cancelled": queued })
        } else {
            json!({ "still_queued": queued })
        };
        lines.push(lines::reply(id, &reply));
        if state.busy && state.abort.is_none() {
            state.abort = Some(Abort::Interrupt);
        }
        lines
    })
    .await
}
