//! The same deliveries by signed HTTP: `/slack/events`, `/slack/commands`, `/slack/interactions` at a base URL.
//!
//! Knows headers, bodies and what an answer means. Which delivery goes when, the model says.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::hub::Hub;
use super::model::deliveries::{ACK_SECONDS, Kind, Outgoing};
use super::sign;

/// What is read of an answer.
const LONGEST_ANSWER: usize = 1 << 20;

pub(super) struct Endpoint {
    /// `http://127.0.0.1:PORT`.
    base: String,
    secret: SecretString,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("the app did not answer in time")]
    Late,
    #[error("the app could not be reached: {0}")]
    Unreachable(String),
    #[error("the app answered {0}")]
    Refused(StatusCode),
    #[error("the app did not repeat the challenge")]
    WrongChallenge,
}

impl Endpoint {
    pub(super) fn new(base: &str, secret: SecretString) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { base: base.trim_end_matches('/').to_owned(), secret, client }
    }

    /// Sends one delivery, and tells the model what became of it.
    pub(super) fn post(self: Arc<Self>, hub: Arc<Hub>, outgoing: Outgoing) {
        let over = hub.over.clone();
        let work = async move {
            let sent = self.send(&hub, &outgoing).await;
            let now = hub.clock.now();
            hub.with(|model| match sent {
                Ok(answer) if answer.status.is_success() => {
                    model.ack(&outgoing.envelope, answer.payload(), now);
                }
                Ok(answer) if answer.headers.contains_key("x-slack-no-retry") => {
                    model.given_up(&outgoing.envelope);
                }
                Ok(_) => model.failed(&outgoing.envelope, "http_error", now),
                Err(PostError::Late) => model.failed(&outgoing.envelope, "timeout", now),
                Err(_) => model.failed(&outgoing.envelope, "connection_failed", now),
            });
        };
        tokio::spawn(async move {
            tokio::select! { () = work => {} () = over.cancelled() => {} }
        });
    }

    async fn send(&self, hub: &Hub, outgoing: &Outgoing) -> Result<Answer, PostError> {
        let (path, sort, body) = match outgoing.kind {
            Kind::Event => ("events", "application/json", outgoing.payload.to_string()),
            Kind::Command => ("commands", FORM, form(&outgoing.payload)),
            Kind::Interactive => {
                ("interactions", FORM, form(&json!({ "payload": outgoing.payload.to_string() })))
            }
        };
        let retry = (outgoing.attempt > 0).then_some((outgoing.attempt, outgoing.reason));
        let request = self.signed(hub, path, sort, body, retry)?;
        let answer = self.in_time(request.clone()).await;
        if outgoing.twice {
            // The first answer counts; what a repeat is told is the app's affair.
            drop(self.in_time(request).await);
        }
        answer
    }

    fn signed(
        &self,
        hub: &Hub,
        path: &str,
        sort: &str,
        body: String,
        retry: Option<(u32, &str)>,
    ) -> Result<Request<Full<Bytes>>, PostError> {
        let timestamp = hub.clock.now().timestamp();
        let secret = self.secret.expose_secret().as_bytes();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/slack/{path}", self.base))
            .header(header::CONTENT_TYPE, sort)
            .header(header::USER_AGENT, "Slackbot 1.0 (+https://api.slack.com/robots)")
            .header("x-slack-request-timestamp", timestamp)
            .header("x-slack-signature", sign::signature(secret, timestamp, &body));
        if let Some((attempt, reason)) = retry {
            let reason = if reason == "timeout" { "http_timeout" } else { reason };
            request = request.header("x-slack-retry-num", attempt).header("x-slack-retry-reason", reason);
        }
        let request = request.body(Full::new(Bytes::from(body)));
        request.map_err(|e| PostError::Unreachable(e.to_string()))
    }

    async fn in_time(&self, request: Request<Full<Bytes>>) -> Result<Answer, PostError> {
        let seconds = Duration::from_secs(ACK_SECONDS.unsigned_abs());
        tokio::time::timeout(seconds, self.exchange(request)).await.map_err(|_| PostError::Late)?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, PostError> {
        let unreachable = |e: &dyn std::error::Error| PostError::Unreachable(e.to_string());
        let response = self.client.request(request).await.map_err(|e| unreachable(&e))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER).collect().await;
        let body = body.map_err(|e| PostError::Unreachable(e.to_string()))?.to_bytes();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    /// What Slack asks when somebody enters the address of the app: it must send the challenge back.
    pub(super) async fn verify(&self, hub: &Hub) -> Result<(), PostError> {
        let challenge = hub.clock.random_id().simple().to_string();
        let body = json!({ "token": "local", "challenge": challenge, "type": "url_verification" });
        let request = self.signed(hub, "events", "application/json", body.to_string(), None)?;
        let answer = self.in_time(request).await?;
        if !answer.status.is_success() {
            return Err(PostError::Refused(answer.status));
        }
        let json = serde_json::from_str::<Value>(&answer.body).ok();
        let said = json.as_ref().and_then(|j| j.get("challenge")).and_then(Value::as_str);
        let repeated = said == Some(&challenge) || answer.body.trim() == challenge;
        if repeated { Ok(()) } else { Err(PostError::WrongChallenge) }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

impl Answer {
    /// A body is an acknowledgement's payload; a plain text is its text.
    fn payload(&self) -> Option<Value> {
        if self.body.trim().is_empty() {
            return None;
        }
        let json = serde_json::from_str::<Value>(&self.body).ok().filter(Value::is_object);
        json.or_else(|| Some(json!({ "text": self.body })))
    }
}

/// A flat object as a form's body.
pub(super) fn form(fields: &Value) -> String {
    let pairs = fields.as_object().into_iter().flatten();
    let pairs = pairs.filter(|(_, value)| !value.is_null()).map(|(key, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{}={}", encoded(key), encoded(&text))
    });
    pairs.collect::<Vec<String>>().join("&")
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
