//! The Web API: `/api/METHOD`, as every client calls it.
//!
//! One table of methods: whose token, which scope, how often, whether JSON. What a method does lies beside its name;
//! what is allowed, the model says.

pub mod args;
mod chat;
mod conversations;
pub mod hooks;
mod misc;
mod views;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};

use super::gate;
use super::hub::{Caller, Hub};
use super::limits::budget::Tier;
use super::model::Model;
use super::refusal::Refusal;
use crate::clock::Time;
use crate::workbench::serve::HangUp;
use args::{Args, Raw};

/// What is read of a body, in bytes.
pub(super) const LARGEST_BODY: usize = 1 << 20;

/// One call: what a method works with.
struct Call<'a> {
    model: &'a mut Model,
    args: &'a Args,
    now: Time,
}

type Answer = Result<Value, Refusal>;

struct Method {
    name: &'static str,
    caller: Option<Caller>,
    /// Any of these; none = no scope is needed.
    scopes: &'static [&'static str],
    tier: Tier,
    /// Methods that write take JSON bodies; those that only read do not.
    writes: bool,
    run: fn(&mut Call<'_>) -> Answer,
}

const HISTORY: &[&str] = &["channels:history", "groups:history", "im:history"];
const READ: &[&str] = &["channels:read", "groups:read", "im:read"];

const fn method(
    name: &'static str,
    scopes: &'static [&'static str],
    tier: Tier,
    writes: bool,
    run: fn(&mut Call<'_>) -> Answer,
) -> Method {
    Method { name, caller: Some(Caller::Bot), scopes, tier, writes, run }
}

const METHODS: &[Method] = &[
    Method { caller: None, ..method("api.test", &[], Tier::Special, true, misc::api_test) },
    Method { caller: None, ..method("auth.test", &[], Tier::Special, true, misc::auth_test) },
    Method {
        caller: Some(Caller::App),
        ..method("apps.connections.open", &[], Tier::One, true, misc::connections_open)
    },
    method("blocks.validate", &[], Tier::Three, true, misc::blocks_validate),
    method("bots.info", &["users:read"], Tier::Three, false, misc::bots_info),
    method("chat.delete", &["chat:write"], Tier::Three, true, chat::delete),
    method("chat.getPermalink", &[], Tier::Special, false, chat::permalink),
    method("chat.postEphemeral", &["chat:write"], Tier::Four, true, chat::post_ephemeral),
    method("chat.postMessage", &["chat:write"], Tier::Special, true, chat::post_message),
    method("chat.update", &["chat:write"], Tier::Three, true, chat::update),
    method("conversations.history", HISTORY, Tier::Three, false, conversations::history),
    method("conversations.info", READ, Tier::Three, false, conversations::info),
    method("conversations.join", &["channels:join"], Tier::Three, true, conversations::join),
    method("conversations.list", READ, Tier::Two, false, conversations::list),
    method("conversations.members", READ, Tier::Four, false, conversations::members),
    method("conversations.open", &["im:write"], Tier::Three, true, conversations::open),
    method("conversations.replies", HISTORY, Tier::Three, false, conversations::replies),
    method("files.info", &["files:read"], Tier::Four, false, misc::files_info),
    method("reactions.add", &["reactions:write"], Tier::Three, true, misc::reactions_add),
    method("reactions.remove", &["reactions:write"], Tier::Two, true, misc::reactions_remove),
    method("users.info", &["users:read"], Tier::Four, false, misc::users_info),
    method("users.list", &["users:read"], Tier::Two, false, misc::users_list),
    method("views.open", &[], Tier::Four, true, views::open),
    method("views.publish", &[], Tier::Four, true, views::publish),
    method("views.push", &[], Tier::Four, true, views::push),
    method("views.update", &[], Tier::Four, true, views::update),
];

/// `/api/METHOD`.
pub(super) async fn call(
    State(hub): State<Arc<Hub>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let n = hub.calls().begin(&name, hub.clock.now());
    let fault = hub.faults().call(&name);
    let mut lost = None;
    match fault {
        Some((what, true)) => lost = Some(what),
        Some((what, false)) => {
            if let Some(response) = gate::befall(what).await {
                return close(&hub, n, response);
            }
        }
        None => {}
    }
    let done = carry_out(&hub, n, &name, request).await;
    if let Some(what) = lost
        && let Some(response) = gate::befall(what).await
    {
        return close(&hub, n, response);
    }
    let (error, ts) = match &done {
        Ok(answer) => (None, answer.get("ts").and_then(Value::as_str)),
        Err(refusal) => (Some(refusal.error.as_str()), None),
    };
    let status = done.as_ref().err().map_or(200, |refusal| refusal.status.as_u16());
    hub.calls().end(n, status, error, ts);
    let mut response = match done {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => refusal.into_response(),
    };
    let scopes = hub.read(|model| HeaderValue::from_str(&model.app.scopes.join(",")));
    if let Ok(scopes) = scopes {
        response.headers_mut().insert("x-oauth-scopes", scopes);
    }
    response
}

fn close(hub: &Hub, n: u64, response: Response) -> Response {
    if response.extensions().get::<HangUp>().is_none() {
        hub.calls().end(n, response.status().as_u16(), Some("fault"), None);
    }
    response
}

async fn carry_out(hub: &Hub, n: u64, name: &str, request: Request) -> Answer {
    let unknown = || Refusal::new("unknown_method").saying("req_method", name);
    let method = METHODS.iter().find(|m| m.name == name);
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| args::too_large())?.to_bytes();
    let header = |key| head.headers.get(key).and_then(|v: &HeaderValue| v.to_str().ok()).unwrap_or_default();
    let args = Args::read(&Raw {
        query: head.uri.query().unwrap_or_default(),
        content_type: header(header::CONTENT_TYPE),
        body: &body,
        takes_json: method.is_none_or(|m| m.writes),
    })?;
    let channel = args.text("channel").ok().flatten();
    let ts = args.text("ts").ok().flatten();
    hub.calls().about(n, channel, ts);
    let method = method.ok_or_else(unknown)?;
    let caller = admit(hub, method, &head.headers, &args)?;
    let now = hub.clock.now();
    limit(hub, method, channel, now)?;
    let run = |model: &mut Model| match (method.name, caller) {
        ("auth.test", Caller::App) => Ok(misc::app_test(model)),
        _ => (method.run)(&mut Call { model, args: &args, now }),
    };
    let mut answer = hub.with(run)?;
    if let Some(map) = answer.as_object_mut() {
        map.insert("ok".into(), json!(true));
    }
    Ok(answer)
}

/// A token in the header or among the arguments, of the right kind, with one of the scopes.
fn admit(hub: &Hub, method: &Method, headers: &HeaderMap, args: &Args) -> Result<Caller, Refusal> {
    if method.name == "api.test" {
        return Ok(Caller::Bot);
    }
    let header = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let bearer = header.and_then(|v| v.strip_prefix("Bearer ")).map(str::trim);
    let token = bearer.or(args.token.as_deref()).ok_or_else(|| Refusal::new("not_authed"))?;
    let caller = hub.caller(token).ok_or_else(|| Refusal::new("invalid_auth"))?;
    if method.caller.is_some_and(|wanted| wanted != caller) {
        return Err(Refusal::new("not_allowed_token_type"));
    }
    hub.read(|model| {
        let has = |scope: &str| model.app.scopes.iter().any(|s| s == scope);
        if method.scopes.is_empty() || method.scopes.iter().any(|scope| has(scope)) {
            return Ok(caller);
        }
        let provided = model.app.scopes.join(",");
        let refusal = Refusal::new("missing_scope").saying("needed", method.scopes.join(","));
        Err(refusal.saying("provided", provided))
    })
}

fn limit(hub: &Hub, method: &Method, channel: Option<&str>, now: Time) -> Result<(), Refusal> {
    if !hub.rates {
        return Ok(());
    }
    let mut budgets = hub.budgets();
    budgets.take(method.name, method.tier, now).map_err(Refusal::rate_limited)?;
    match channel {
        Some(channel) if method.name == "chat.postMessage" => {
            budgets.post(channel, now).map_err(Refusal::rate_limited)
        }
        _ => Ok(()),
    }
}

/// A page of a list: `limit` at most, from where `cursor` says; and the cursor of the next page, or an empty one.
fn page<T>(list: Vec<T>, args: &Args, usual: usize) -> Result<(Vec<T>, String), Refusal> {
    let limit = args.number("limit")?.filter(|n| *n > 0).unwrap_or(usual).min(1_000);
    let start: usize = match args.text("cursor")?.filter(|c| !c.is_empty()) {
        None => 0,
        Some(cursor) => {
            let at = cursor.strip_prefix("next:").and_then(|n| n.parse().ok());
            at.ok_or_else(|| Refusal::new("invalid_cursor"))?
        }
    };
    let more = list.len() > start.saturating_add(limit);
    let next = if more { format!("next:{}", start + limit) } else { String::new() };
    Ok((list.into_iter().skip(start).take(limit).collect(), next))
}
