//! The routes of sessions: make, list, show, pause, resume, cancel, rerun, say something.
//!
//! Turns a request into one call of `Control` and its answer into JSON; must not decide anything.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Parts;
use super::extract::{Asked, By, Id, IfMatch, Key, Maybe, Sent};
use super::problem::Problem;
use crate::wire::api::{Act, Create, Filter, Message};
use crate::wire::view::SessionView;

/// Body of pause and cancel.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    #[serde(default)]
    reason: Option<String>,
}

/// A session with its reading as `ETag`.
pub(super) fn session(status: StatusCode, view: &SessionView) -> Response {
    let mut response = (status, Json(view)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", view.rev)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

pub(super) async fn create(
    State(at): State<Parts>,
    By(by): By,
    Key(key): Key,
    Sent(new): Sent<Create>,
) -> Result<Response, Problem> {
    let view = at.control.create(&by, new, key.as_deref()).await?;
    let mut response = session(StatusCode::CREATED, &view);
    if let Ok(place) = HeaderValue::from_str(&format!("/sessions/{}", view.id)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

pub(super) async fn list(State(at): State<Parts>, Asked(filter): Asked<Filter>) -> Result<Response, Problem> {
    if filter.limit.is_some_and(|n| n == 0 || n > 200) {
        return Err(Problem::invalid("`limit` goes from 1 to 200"));
    }
    Ok(Json(at.control.list(filter).await?).into_response())
}

pub(super) async fn show(State(at): State<Parts>, Id(id): Id) -> Result<Response, Problem> {
    Ok(session(StatusCode::OK, &at.control.show(id).await?))
}

/// The machines sessions run on, and strays.
pub(super) async fn nodes(State(at): State<Parts>) -> Result<Response, Problem> {
    Ok(Json(at.control.nodes().await?).into_response())
}

pub(super) async fn pause(
    at: State<Parts>,
    by: By,
    id: Id,
    rev: IfMatch,
    key: Key,
    Maybe(Reason { reason }): Maybe<Reason>,
) -> Result<Response, Problem> {
    act(at, by, id, (rev, key), Act::Pause { reason }).await
}

pub(super) async fn cancel(
    at: State<Parts>,
    by: By,
    id: Id,
    rev: IfMatch,
    key: Key,
    Maybe(Reason { reason }): Maybe<Reason>,
) -> Result<Response, Problem> {
    act(at, by, id, (rev, key), Act::Cancel { reason }).await
}

/// A reason is taken and dropped: nobody asks why something goes on.
pub(super) async fn resume(
    at: State<Parts>,
    by: By,
    id: Id,
    rev: IfMatch,
    key: Key,
    Maybe(_): Maybe<Reason>,
) -> Result<Response, Problem> {
    act(at, by, id, (rev, key), Act::Resume).await
}

pub(super) async fn rerun(
    at: State<Parts>,
    by: By,
    id: Id,
    rev: IfMatch,
    key: Key,
    Maybe(_): Maybe<Reason>,
) -> Result<Response, Problem> {
    act(at, by, id, (rev, key), Act::Rerun).await
}

async fn act(
    State(at): State<Parts>,
    By(by): By,
    Id(id): Id,
    (IfMatch(rev), Key(key)): (IfMatch, Key),
    what: Act,
) -> Result<Response, Problem> {
    Ok(session(StatusCode::OK, &at.control.act_once(&by, id, what, rev, key.as_deref()).await?))
}

pub(super) async fn message(
    State(at): State<Parts>,
    By(by): By,
    Id(id): Id,
    Sent(message): Sent<Message>,
) -> Result<Response, Problem> {
    Ok(session(StatusCode::ACCEPTED, &at.control.message(&by, id, message).await?))
}
