//! The signed HTTP endpoints: the same deliveries as over sockets, for who has a public address.
//!
//! Nothing is looked at before the signature over the raw body is right and young. Must not know what a delivery says.

mod answer;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Json, RequestExt, Router};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use slack_morphism::SlackSigningSecret;
use slack_morphism::signature_verifier::{
    SlackEventSignatureVerifier as Verifier, SlackEventSignatureVerifierError as BadSignature,
};

use crate::clock::Clock;
use crate::domain::Time;
use crate::slack::deliveries::{Arrival, COMMAND, Deliveries, EVENT, INTERACTION, Taken, sha256};

/// Longest body, in bytes.
pub const BODY_MAX: usize = 1024 * 1024;
/// A body must be here by then: Slack waits 3 s for all of it.
const BODY_TIME: Duration = Duration::from_secs(2);
/// How far Slack's clock and ours may be apart; older requests may be replayed ones.
const AGE_MAX: u64 = 5 * 60;
const RETRY: &str = "x-slack-retry-num";

#[derive(Clone)]
struct Door(Arc<Inner>);

struct Inner {
    verifier: Verifier,
    deliveries: Deliveries,
    clock: Clock,
}

/// A request whose signature is right.
struct Signed {
    body: String,
    /// As it was signed.
    timestamp: String,
    retry: u32,
    at: Time,
}

/// `POST /slack/events`, `/slack/commands`, `/slack/interactions`. To be mounted where no other proof is asked for.
pub fn routes(secret: &SecretString, deliveries: Deliveries, clock: Clock) -> Router {
    let verifier = Verifier::new(&SlackSigningSecret(secret.expose_secret().to_owned()));
    Router::new()
        .route("/slack/events", post(events))
        .route("/slack/commands", post(commands))
        .route("/slack/interactions", post(interactions))
        .with_state(Door(Arc::new(Inner { verifier, deliveries, clock })))
}

async fn events(State(door): State<Door>, request: Request) -> Result<Response, StatusCode> {
    let signed = door.signed(request).await?;
    let payload: Value = serde_json::from_str(&signed.body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let kind = payload.get("type").and_then(Value::as_str).ok_or(StatusCode::BAD_REQUEST)?;
    if kind == "url_verification" {
        let challenge = payload.get("challenge").and_then(Value::as_str).ok_or(StatusCode::BAD_REQUEST)?;
        return Ok(Json(json!({ "challenge": challenge })).into_response());
    }
    let payload = signed.body.clone();
    door.take(EVENT, signed, payload).await
}

/// A form, handed on as the object that a socket would have brought.
async fn commands(State(door): State<Door>, request: Request) -> Result<Response, StatusCode> {
    let signed = door.signed(request).await?;
    let fields = form(signed.body.clone()).await?;
    if fields.contains_key("ssl_check") {
        return Ok(StatusCode::OK.into_response());
    }
    if !fields.contains_key("command") {
        return Err(StatusCode::BAD_REQUEST);
    }
    door.take(COMMAND, signed, Value::Object(fields).to_string()).await
}

/// A form with one field, which is JSON.
async fn interactions(State(door): State<Door>, request: Request) -> Result<Response, StatusCode> {
    let signed = door.signed(request).await?;
    let fields = form(signed.body.clone()).await?;
    if fields.contains_key("ssl_check") {
        return Ok(StatusCode::OK.into_response());
    }
    let payload = fields.get("payload").and_then(Value::as_str).ok_or(StatusCode::BAD_REQUEST)?;
    serde_json::from_str::<Map<String, Value>>(payload).map_err(|_| StatusCode::BAD_REQUEST)?;
    let payload = payload.to_owned();
    door.take(INTERACTION, signed, payload).await
}

impl Door {
    /// 413 a long body, 408 a slow one, 401 whatever is not Slack's of the last minutes.
    async fn signed(&self, request: Request) -> Result<Signed, StatusCode> {
        let at = self.0.clock.now();
        let headers = request.headers().clone();
        let body = read(request).await?;
        let timestamp = one(&headers, Verifier::SLACK_SIGNED_TIMESTAMP).ok_or(StatusCode::UNAUTHORIZED)?;
        let signature = one(&headers, Verifier::SLACK_SIGNED_HASH_HEADER).ok_or(StatusCode::UNAUTHORIZED)?;
        let body = String::from_utf8(body).map_err(|_| StatusCode::UNAUTHORIZED)?;
        // Ours comes first: the verifier asks the machine's own clock, and counts with what it is given.
        let young = is_young(timestamp, at);
        if !young || !self.is_signed(signature, &body, timestamp) {
            tracing::warn!(slack.young = young, "a request that is not Slack's was refused");
            return Err(StatusCode::UNAUTHORIZED);
        }
        let retry = one(&headers, RETRY).and_then(|n| n.parse().ok()).unwrap_or_default();
        Ok(Signed { timestamp: timestamp.to_owned(), body, retry, at })
    }

    /// The verifier looks at the signature first, so its word on the age comes only with a right one.
    fn is_signed(&self, signature: &str, body: &str, timestamp: &str) -> bool {
        matches!(
            self.0.verifier.verify(signature, body, timestamp),
            Ok(()) | Err(BadSignature::IncorrectOrExpiredTimestampError(_))
        )
    }

    async fn take(&self, kind: &str, signed: Signed, payload: String) -> Result<Response, StatusCode> {
        let Signed { body, timestamp, retry, at } = signed;
        // The same body under the same signature is the same request, replayed.
        let name = sha256(&[&timestamp, &body]);
        let arrival = Arrival::new(kind.to_owned(), &name, payload, retry, at);
        let deliveries = self.0.deliveries.clone();
        // In a task of its own: who hangs up ends this one, and what is on disk by then is to be worked at once.
        let taken = tokio::spawn(async move { deliveries.take(arrival).await }).await;
        let (taken, then) = taken.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        let took = (self.0.clock.now() - at).as_seconds_f64();
        match taken {
            Taken::DoNotAck => Err(StatusCode::SERVICE_UNAVAILABLE),
            Taken::Ack(body) => {
                metrics::histogram!("devtask_slack_ack_seconds").record(took);
                Ok(answer::ack(body, then))
            }
        }
    }
}

async fn read(request: Request) -> Result<Vec<u8>, StatusCode> {
    let body = Limited::new(request.with_limited_body().into_body(), BODY_MAX);
    match tokio::time::timeout(BODY_TIME, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes().to_vec()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// The only value of a header; two of a kind are as good as none.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let one = all.next()?;
    if all.next().is_some() { None } else { one.to_str().ok() }
}

fn is_young(timestamp: &str, now: Time) -> bool {
    timestamp.parse::<i64>().is_ok_and(|at| at.abs_diff(now.timestamp()) <= AGE_MAX)
}

/// The fields of a form; of two with one name the first counts.
async fn form(body: String) -> Result<Map<String, Value>, StatusCode> {
    let request = Request::post("/").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.body(Body::from(body)).map_err(|_| StatusCode::BAD_REQUEST)?;
    let fields = Form::<Vec<(String, String)>>::from_request(request, &()).await;
    let Form(fields) = fields.map_err(|_| StatusCode::BAD_REQUEST)?;
    let mut object = Map::new();
    for (name, value) in fields {
        object.entry(name).or_insert(Value::String(value));
    }
    Ok(object)
}
