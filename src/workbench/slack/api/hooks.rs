//! `response_url`s, and the bytes of files: addresses Slack gave out itself.
//!
//! Must not know who was given them.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use super::LARGEST_BODY;
use super::args::{Args, Raw, too_large};
use crate::workbench::slack::gate;
use crate::workbench::slack::hub::{Caller, Hub};
use crate::workbench::slack::limits;
use crate::workbench::slack::model::hooks::Reply;
use crate::workbench::slack::refusal::Refusal;

/// A reply: the answer is the plain text `ok`, as Slack's is.
pub(in crate::workbench::slack) async fn respond(
    State(hub): State<Arc<Hub>>,
    Path((_team, id)): Path<(String, String)>,
    request: Request,
) -> Response {
    let n = hub.calls().begin("response_url", hub.clock.now());
    let fault = hub.faults().call("response_url");
    if let Some((what, false)) = &fault
        && let Some(response) = gate::befall(what.clone()).await
    {
        return super::close(&hub, n, response);
    }
    let done = carry_out(&hub, &id, request).await;
    if let Some((what, true)) = fault
        && let Some(response) = gate::befall(what).await
    {
        return super::close(&hub, n, response);
    }
    match done {
        Ok(()) => {
            hub.calls().end(n, 200, None, None);
            (StatusCode::OK, "ok").into_response()
        }
        Err(refusal) => {
            let status =
                if refusal.status == StatusCode::OK { StatusCode::NOT_FOUND } else { refusal.status };
            let refusal = refusal.with_status(status);
            hub.calls().end(n, status.as_u16(), Some(&refusal.error), None);
            refusal.into_response()
        }
    }
}

async fn carry_out(hub: &Hub, id: &str, request: Request) -> Result<(), Refusal> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| too_large())?.to_bytes();
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let raw = Raw {
        query: "",
        content_type: content_type.unwrap_or("application/json"),
        body: &body,
        takes_json: true,
    };
    let args = Args::read(&raw).map_err(|r| r.with_status(StatusCode::BAD_REQUEST))?;
    let reply = reply(&args).map_err(|r| r.with_status(StatusCode::BAD_REQUEST))?;
    hub.with(|model| model.respond(id, reply, hub.clock.now()))
}

fn reply(args: &Args) -> Result<Reply, Refusal> {
    let reply = Reply {
        text: args.text("text")?.unwrap_or_default().to_owned(),
        blocks: args.blocks()?.unwrap_or_default(),
        thread: args.text("thread_ts")?.map(str::to_owned),
        in_channel: args.text("response_type")? == Some("in_channel"),
        replace: args.flag("replace_original")?,
        delete: args.flag("delete_original")?,
    };
    if !reply.delete {
        limits::message(&reply.text, &reply.blocks)?;
    }
    Ok(reply)
}

/// A file's bytes, for who has the app's token; all others get a page to sign in, as from Slack.
pub(in crate::workbench::slack) async fn file(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let token = bearer.and_then(|v| v.strip_prefix("Bearer ")).unwrap_or_default();
    if hub.caller(token) != Some(Caller::Bot) {
        return ([(header::CONTENT_TYPE, "text/html")], "<html>Sign in</html>").into_response();
    }
    let found = hub.read(|model| {
        let shown = model.file_json(&id)?;
        let mime = shown.get("mimetype").and_then(Value::as_str).unwrap_or("text/plain").to_owned();
        Some((mime, model.files.get(&id)?.text.clone()))
    });
    match found {
        Some((mime, text)) => ([(header::CONTENT_TYPE, mime)], text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
