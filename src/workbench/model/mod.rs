//! `workbench::model`: a scripted Anthropic Messages API on loopback, for the real agent.
//!
//! Keeps no conversation: which step to play is read off the request, so one model serves many agents, resumed ones
//! too. Every call is held against the API's laws first (`laws`) and answered with 400 and the reason if it breaks
//! one. Knows the API's shapes; must not know agents or sessions.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value indexed by name gives null where nothing is; only objects made here are assigned to"
)]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::Clock;

mod laws;
mod play;
mod stream;
#[cfg(test)]
mod tests;

/// Calls remembered; older ones are only counted.
const REMEMBERED: usize = 10_000;
/// A request the API itself would refuse as too large.
const MOST_BYTES: usize = 32 << 20;

/// One call to `/v1/messages` and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `X-Claude-Code-Session-Id`, empty if absent.
    pub session: String,
    pub model: String,
    pub messages: usize,
    /// The model turn of the script that was played; `None` for a side request.
    pub step: Option<usize>,
    pub status: u16,
    /// The law it broke.
    pub broken: Option<String>,
}

/// A running model. Stops when dropped.
pub struct Model {
    at: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    clock: Clock,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    calls: VecDeque<Call>,
    total: u64,
    /// Tries of a failing step, by session, script and step.
    tries: BTreeMap<String, u32>,
}

impl Model {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let at = listener.local_addr()?;
        let shared = Arc::new(Shared { clock: Clock::system(), seen: Mutex::default() });
        let app = router(shared.clone());
        let task = tokio::spawn(async move {
            if let Err(e) = axum::serve(listener, app).await {
                tracing::error!(error = %e, "the scripted model stopped serving");
            }
        });
        Ok(Self { at, shared, task })
    }

    /// For `ANTHROPIC_BASE_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The calls so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.seen().calls.iter().cloned().collect()
    }

    /// How many calls there were.
    pub fn total(&self) -> u64 {
        self.shared.seen().total
    }

    /// The laws that were broken; a test that ends with one in here has found a bug.
    pub fn broken(&self) -> Vec<String> {
        self.calls().into_iter().filter_map(|call| call.broken).collect()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves until the task is dropped: the model as a role of its own.
pub async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let shared = Arc::new(Shared { clock: Clock::system(), seen: Mutex::default() });
    axum::serve(listener, router(shared)).await
}

impl Shared {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, call: Call) {
        let mut seen = self.seen();
        seen.total += 1;
        if seen.calls.len() == REMEMBERED {
            seen.calls.pop_front();
        }
        seen.calls.push_back(call);
    }

    /// Counts a try of a failing step, from 1.
    fn try_of(&self, key: String) -> u32 {
        let mut seen = self.seen();
        let tries = seen.tries.entry(key).or_default();
        *tries += 1;
        *tries
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(|| async { Json(json!({})) }))
        .route("/v1/models", get(models))
        .route("/v1/messages", post(messages))
        .route("/v1/messages/count_tokens", post(count_tokens))
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "not_found_error", "no such route", None) })
        .layer(axum::extract::DefaultBodyLimit::max(MOST_BYTES))
        .with_state(shared)
}

async fn models() -> Json<Value> {
    let ids = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"];
    let data: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z" }))
        .collect();
    Json(json!({ "data": data, "has_more": false }))
}

async fn count_tokens(body: Bytes) -> Json<Value> {
    Json(json!({ "input_tokens": body.len() / 4 }))
}

async fn messages(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let session = header(&headers, "x-claude-code-session-id").to_owned();
    let request = match laws::check(&headers, &body) {
        Ok(request) => request,
        Err(broken) => {
            let messages = broken.messages;
            shared.note(Call {
                session,
                model: String::new(),
                messages,
                step: None,
                status: broken.status.as_u16(),
                broken: Some(broken.why.clone()),
            });
            return refusal(broken.status, broken.kind, &broken.why, None);
        }
    };
    let part = play::pick(&request);
    let mut call = Call {
        session,
        model: request["model"].as_str().unwrap_or_default().to_owned(),
        messages: request["messages"].as_array().map_or(0, Vec::len),
        step: part.as_ref().map(|p| p.number),
        status: 200,
        broken: None,
    };
    let steps = part.map_or_else(play::side_answer, |p| p.steps);
    if let Some(delay) = steps.iter().find_map(|s| s.delay) {
        tokio::time::sleep(std::time::Duration::try_from_secs_f64(delay).unwrap_or_default()).await;
    }
    if let Some((step, status)) = steps.iter().find_map(|s| s.error.or(s.api_error).map(|e| (s, e))) {
        let key = format!("{}/{:?}/{:?}", call.session, call.step, steps);
        if shared.try_of(key) <= step.times.unwrap_or(u32::MAX) {
            call.status = status;
            shared.note(call);
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let kind = step.error_type.clone().unwrap_or_else(|| play::error_kind(status.as_u16()).into());
            let said = step.message.clone().unwrap_or_else(|| kind.replace('_', " "));
            return refusal(status, &kind, &said, step.retry_after);
        }
    }
    shared.note(call);
    let answer = play::answer(&request, &steps, body.len(), &shared.clock);
    if request["stream"] != true {
        return (StatusCode::OK, Json(answer.whole())).into_response();
    }
    let stream = stream::of(&answer);
    let mut response = Response::new(Body::from_stream(stream));
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert("cache-control", HeaderValue::from_static("no-cache"));
    if let Ok(id) = HeaderValue::from_str(&format!("req_sim_{}", shared.clock.random_id().simple())) {
        headers.insert("request-id", id);
    }
    response
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

fn refusal(status: StatusCode, kind: &str, message: &str, retry_after: Option<u64>) -> Response {
    let body = json!({ "type": "error", "error": { "type": kind, "message": message } });
    let mut response = (status, Json(body)).into_response();
    if let Some(seconds) = retry_after.and_then(|s| HeaderValue::from_str(&s.to_string()).ok()) {
        response.headers_mut().insert("retry-after", seconds);
    }
    response
}
