//! What operators and machines ask: is it alive, is it ready, how is it doing, what can it do.
//!
//! Must not know what the parts of the server are: whoever puts them together says how they are.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Parts;

/// Asked at every `/readyz` and every `/metrics`; must answer within seconds, whatever is broken.
pub type Health = Arc<dyn Fn() -> BoxFuture<'static, Vec<Part>> + Send + Sync>;

/// One part of the server and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Part {
    pub name: String,
    pub state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    /// Works with less: Slack is away, say. Still ready.
    Degraded,
    /// Nothing should be sent here.
    Down,
}

/// The answer of `/healthz`.
#[derive(Serialize, ToSchema)]
pub(super) struct Alive {
    state: State,
}

/// The answer of `/readyz`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    pub state: State,
    pub version: String,
    pub parts: Vec<Part>,
}

pub(super) async fn healthz() -> Response {
    Json(Alive { state: State::Ok }).into_response()
}

pub(super) async fn readyz(Shared(at): Shared<Parts>) -> Response {
    let parts = (at.health)().await;
    let state = parts.iter().map(|p| p.state).max().unwrap_or(State::Ok);
    let status = if state == State::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(Ready { state, version: env!("CARGO_PKG_VERSION").to_owned(), parts })).into_response()
}

pub(super) async fn metrics(Shared(at): Shared<Parts>) -> Response {
    // Some figures are of the moment: whoever asks how the parts are sets them.
    drop((at.health)().await);
    at.metrics.run_upkeep();
    let text = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, text)], at.metrics.render()).into_response()
}

pub(super) async fn openapi() -> Response {
    Json(super::document()).into_response()
}
