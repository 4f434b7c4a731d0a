//! A session's log as server-sent events: from where the reader left off, then live, until the session is settled.
//!
//! The stream is pulled by the connection: a reader who does not read costs the event in flight and one write
//! buffer, and loses nothing. Must not know what an event means.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde::Deserialize;

use super::Parts;
use super::extract::{Asked, Id};
use super::problem::Problem;
use crate::domain::Seq;
use crate::wire::view::EventView;

const RETRY: Duration = Duration::from_secs(2);
const COMMENT_EVERY: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    #[serde(default)]
    after: Option<Seq>,
}

pub(super) async fn events(
    State(at): State<Parts>,
    Id(id): Id,
    Asked(from): Asked<From>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let view = at.control.show(id).await?;
    let after = start(&headers, from.after).min(view.head);
    if view.status.is_settled() && after == view.head {
        // What stops an `EventSource` from coming back.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let told = at.control.events(id, after).await?.map(move |event| match event {
        Ok(view) => frame(&view),
        Err(refusal) => {
            tracing::warn!(session.id = %id, code = ?refusal.code, "an event stream broke off");
            Err(axum::Error::new(refusal))
        }
    });
    let hello = stream::once(async { Ok(Event::default().retry(RETRY)) });
    let frames = hello.chain(told).take_until(at.closing.cancelled_owned());
    let mut response = Sse::new(frames).keep_alive(KeepAlive::new().interval(COMMENT_EVERY)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// The header wins over the query: a browser that comes back sends the old query with it.
/// A word that is no number starts from the beginning: told twice is better than lost.
fn start(headers: &HeaderMap, after: Option<Seq>) -> Seq {
    match headers.get("last-event-id") {
        Some(value) => value.to_str().ok().and_then(|v| v.trim().parse().ok()).unwrap_or(0),
        None => after.unwrap_or(0),
    }
}

fn frame(view: &EventView) -> Result<Event, axum::Error> {
    let name = match view.stream.as_str() {
        known @ ("message" | "status" | "ask" | "check") => known,
        _ => "log",
    };
    let data = serde_json::to_string(view).map_err(axum::Error::new)?;
    Ok(Event::default().id(view.seq.to_string()).event(name).data(data))
}
