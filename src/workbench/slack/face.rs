//! The model's own JSON, under `/_slack`: what one person sees, what that person does, calls, faults.
//!
//! For the page, for tests and for whoever wants to look; Slack has nothing like it.
//!
//! ```text
//! GET  /_slack/people                      { team: {id,name}, bot: {user,name}, users: [User] }
//! GET  /_slack/state?as=U…&since=N&wait=MS State as that user sees it; with `since` it waits (≤ 25 s) for a later version
//! GET  /_slack/changes                     SSE; `data: {"version":N}` at every change
//! POST /_slack/act                         { "as": "U…", "do": "…", … } → Receipt, or 409 { "error": "why not" }
//! GET  /_slack/deliveries[?id=…]           [Delivery]: what was sent to the app, and what became of it
//! GET  /_slack/transcript?channel=C…[&as=U…] text/plain; `&modal=true&as=U…` is that user's modal instead
//! GET  /_slack/calls                       every Web API call counted
//! POST /_slack/faults · DELETE …           see `faults.rs`
//!
//! User      { id, name, realName, kind: "member"|"admin"|"guest"|"bot"|"stranger", team }
//! State     { version, now, me: User, channels: [Channel], modal: Modal|null, home: view|null, commands: ["/devtask"],
//!             shortcuts: [{name, callbackId}], connections: n }
//! Channel   { id, name, kind: "public"|"private"|"dm", with: "U…"|null, member, botIn, topic, members: ["U…"],
//!             messages: [Message] }                     oldest first, replies among them (group by `thread`)
//! Message   { ts, at, user, name, bot, text, blocks: [raw Block Kit], thread: ts|null, replies: n, edited, onlyYou,
//!             joined, deleted, reactions: [{name, users}], files: [{id, name, size, url}],
//!             broadcast, state: { block_id: { action_id: Slack's state value } } }
//! Modal     { id, title, view: raw view, depth, busy, errors: { block_id: text }, trouble: text|null, state }
//! Receipt   { ts: "…"|null, delivery: "…"|null }        `delivery`: look for what became of it at /_slack/deliveries
//! Delivery  { id, kind: "events_api"|"slash_commands"|"interactive", what, attempts, outcome: "waiting"|"sent"|
//!             "acked"|"failed", reason, answer: the ack's payload|null }
//!
//! do: say      { channel, text, thread?, file? {name, text} }  plain text, as typed: `@name` and `#channel` become
//!                                             mentions, a first `/` makes it a command
//!     click    { at, block, action, value? }  a button; a menu, checkboxes or radio buttons outside of inputs.
//!                                             `value`: option's value, or a list of them for checkboxes and multi-selects.
//!                                             `gone: element`: it is no longer there, but was on the person's screen
//!     fill     { at, block, action, value }   an input: a text, an option's value, a list of them; null empties it
//!     suggest  { at, block, action, value }   what is typed into an external select; its options are in the answer
//!     submit   {} · close {}                  the modal on top
//!     shortcut { callback, channel?, ts? }    a message's shortcut, or a global one without them
//!     edit     { channel, ts, text } · delete { channel, ts }   (admins may delete others' messages)
//!     react    { channel, ts, name }
//!     invite   { channel, user } · home {} · dm {}            `dm` opens the talk with the app; its id is in `ts`
//! at: { channel, ts } of a message, or { view: "V…" } of a modal or the home tab
//! ```

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::Fault;
use super::hub::Hub;
use super::person::{self, Deed};
use super::transcript::{self, Detail};
use super::{seen, view_of};

/// How long a state may be waited for.
const LONGEST_WAIT: u64 = 25_000;

pub(super) fn routes() -> Router<Arc<Hub>> {
    Router::new()
        .route("/_slack/people", get(people))
        .route("/_slack/state", get(state))
        .route("/_slack/changes", get(changes))
        .route("/_slack/act", post(act))
        .route("/_slack/deliveries", get(deliveries))
        .route("/_slack/transcript", get(text))
        .route("/_slack/calls", get(calls))
        .route("/_slack/faults", post(fault).delete(clear))
}

async fn people(State(hub): State<Arc<Hub>>) -> Json<Value> {
    Json(hub.read(seen::people))
}

#[derive(Deserialize)]
struct Look {
    #[serde(rename = "as")]
    who: String,
    since: Option<u64>,
    wait: Option<u64>,
}

async fn state(State(hub): State<Arc<Hub>>, Query(look): Query<Look>) -> Response {
    if let Some(since) = look.since {
        let wait = Duration::from_millis(look.wait.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT));
        let mut versions = hub.watch();
        let later = versions.wait_for(|version| *version > since);
        // Who waited long enough gets what there is.
        drop(tokio::time::timeout(wait, later).await);
    }
    let now = hub.clock.now();
    match hub.read(|model| seen::state(model, &look.who, now)) {
        Some(state) => Json(state).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "there is no such person" }))).into_response(),
    }
}

async fn changes(State(hub): State<Arc<Hub>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let versions = hub.watch();
    let first = hub.read(|model| model.version);
    let stream =
        futures_util::stream::unfold((versions, Some(first), 0), |(mut versions, first, told)| async move {
            let version = match first {
                Some(version) => version,
                None => *versions.wait_for(|version| *version > told).await.ok()?,
            };
            let event = Event::default().data(json!({ "version": version }).to_string());
            Some((Ok(event), (versions, None, version)))
        });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

async fn act(State(hub): State<Arc<Hub>>, Json(deed): Json<Deed>) -> Response {
    let now = hub.clock.now();
    let done = hub.with(|model| person::act(model, deed, now));
    match done {
        Ok(receipt) => Json(receipt).into_response(),
        Err(why) => (StatusCode::CONFLICT, Json(json!({ "error": why.to_string() }))).into_response(),
    }
}

#[derive(Deserialize)]
struct Which {
    id: Option<String>,
}

async fn deliveries(State(hub): State<Arc<Hub>>, Query(which): Query<Which>) -> Json<Value> {
    let wanted = |id: &str| which.id.as_deref().is_none_or(|wanted| wanted == id);
    Json(hub.read(|model| {
        model
            .deliveries
            .all()
            .filter(|d| wanted(&d.id))
            .map(super::model::deliveries::Delivery::json)
            .collect()
    }))
}

#[derive(Deserialize)]
struct Read {
    channel: String,
    #[serde(rename = "as")]
    reader: Option<String>,
    #[serde(default)]
    modal: bool,
}

async fn text(State(hub): State<Arc<Hub>>, Query(read): Query<Read>) -> Response {
    let detail = Detail { reader: read.reader.clone(), ..Detail::default() };
    let found = hub.read(|model| {
        if read.modal {
            return read.reader.as_deref().and_then(|user| view_of(model, user));
        }
        model.channels.get(&read.channel).map(|room| transcript::channel(model, room, &detail))
    });
    found.map_or_else(|| StatusCode::NOT_FOUND.into_response(), IntoResponse::into_response)
}

async fn calls(State(hub): State<Arc<Hub>>) -> Response {
    let calls = hub.calls().clone();
    Json(calls).into_response()
}

async fn fault(State(hub): State<Arc<Hub>>, Json(fault): Json<Fault>) -> StatusCode {
    if hub.fault(fault) { StatusCode::NO_CONTENT } else { StatusCode::CONFLICT }
}

async fn clear(State(hub): State<Arc<Hub>>) -> StatusCode {
    hub.clear_faults();
    StatusCode::NO_CONTENT
}
