//! Laws of the workspace, asked through its faces.
//!
//! A workspace on a hand-turned clock, and clients that are as strict as they are small.

mod api;
mod face;
mod faults;
mod http;
mod limits;
mod morphism;
mod person;
mod sockets;
mod transcript;

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::TimeDelta;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::*;

pub(super) const WITHIN: Duration = Duration::from_secs(10);
pub(super) const DEV: &str = "C0DEV";
pub(super) const ANA: &str = "U0ANA";
pub(super) const BO: &str = "U0BO";

pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// `ok`, or Slack's word.
    pub fn word(&self) -> String {
        let json = self.json();
        if json["ok"] == true { "ok".into() } else { json["error"].as_str().unwrap().into() }
    }
}

pub(super) async fn world() -> Slack {
    world_with(Settings::default()).await
}

pub(super) async fn world_with(settings: Settings) -> Slack {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clock = Clock::by_hand("2026-03-01T09:00:00Z".parse().unwrap());
    Slack::start_with(listener, settings, clock).unwrap()
}

/// A workspace whose app is in `#dev`.
pub(super) async fn joined() -> Slack {
    let mut settings = Settings::default();
    settings.rooms[1].members.push("U0APP".into());
    world_with(settings).await
}

pub(super) fn at(view: &Value) -> Place {
    Place::View { view: view["modal"]["id"].as_str().unwrap().into() }
}

/// One request.
pub(super) async fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = Request::builder().method(method).uri(url);
    for (key, value) in headers {
        request = request.header(*key, *value);
    }
    let response = client.request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status, headers: head.headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

impl Slack {
    /// A call with the bot's token and a JSON body.
    pub(super) async fn call(&self, method: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {}", self.tokens().bot.expose_secret());
        let headers =
            [("authorization", bearer.as_str()), ("content-type", "application/json; charset=utf-8")];
        send("POST", &format!("{}/{method}", self.api_url()), &headers, body.to_string()).await
    }

    /// A call that reads, with its arguments in the query.
    pub(super) async fn get(&self, method: &str, query: &str) -> Answer {
        let bearer = format!("Bearer {}", self.tokens().bot.expose_secret());
        let url = format!("{}/{method}?{query}", self.api_url());
        send("GET", &url, &[("authorization", &bearer)], "").await
    }

    pub(super) async fn post(&self, text: &str) -> String {
        let answer = self.call("chat.postMessage", json!({ "channel": DEV, "text": text })).await;
        assert_eq!(answer.word(), "ok", "{}", answer.text);
        answer.json()["ts"].as_str().unwrap().into()
    }

    pub(super) async fn socket_url(&self) -> String {
        let bearer = format!("Bearer {}", self.tokens().app.expose_secret());
        let url = format!("{}/apps.connections.open", self.api_url());
        let answer = send("POST", &url, &[("authorization", &bearer)], "").await;
        answer.json()["url"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).into()
    }

    /// A connection that has read its hello.
    pub(super) async fn connect(&self) -> Socket {
        let mut socket = Socket::open(&self.socket_url().await).await;
        let hello = socket.next().await.unwrap();
        assert_eq!(hello["type"], "hello", "{hello}");
        socket
    }
}

/// The app's end of a socket.
pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn open(url: &str) -> Self {
        Self(tokio_tungstenite::connect_async(url).await.unwrap().0)
    }

    /// The next frame; `None` = the connection has ended.
    pub async fn next(&mut self) -> Option<Value> {
        tokio::time::timeout(WITHIN, self.read()).await.unwrap()
    }

    /// Whether nothing comes for a moment.
    pub async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(150), self.read()).await.is_err()
    }

    async fn read(&mut self) -> Option<Value> {
        loop {
            match self.0.next().await? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(text.as_str()).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next envelope, acknowledged.
    pub async fn take(&mut self, answer: Value) -> Value {
        let envelope = self.next().await.unwrap();
        self.ack(&envelope, answer).await;
        envelope
    }

    pub async fn ack(&mut self, envelope: &Value, answer: Value) {
        let mut ack = json!({ "envelope_id": envelope["envelope_id"] });
        if !answer.is_null() {
            ack["payload"] = answer;
        }
        self.0.send(Message::text(ack.to_string())).await.unwrap();
    }

    pub async fn close(mut self) {
        self.0.close(None).await.unwrap();
    }
}

/// Waits until the workspace shows it.
pub(super) async fn until(slack: &Slack, shown: impl Fn() -> bool) {
    let mut versions = slack.versions();
    let wait = async {
        while !shown() {
            versions.changed().await.unwrap();
        }
    };
    let done = tokio::time::timeout(WITHIN, wait).await;
    assert!(done.is_ok(), "never seen:\n{}", slack.transcript(DEV).unwrap());
}

pub(super) fn seconds(n: i64) -> TimeDelta {
    TimeDelta::seconds(n)
}

pub(super) fn button(text: &str) -> Value {
    json!({ "type": "button", "action_id": text, "value": "v", "text": { "type": "plain_text", "text": text } })
}

pub(super) fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

pub(super) fn form() -> Value {
    json!({
        "type": "modal", "title": { "type": "plain_text", "text": "New task" }, "private_metadata": "m",
        "submit": { "type": "plain_text", "text": "Start" }, "callback_id": "brief",
        "blocks": [{
            "type": "input", "block_id": "goal", "label": { "type": "plain_text", "text": "Goal" },
            "element": { "type": "plain_text_input", "action_id": "value" },
        }],
    })
}
