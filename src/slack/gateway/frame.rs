//! A text frame of Socket Mode: only what is needed to keep it and to ack it.
//!
//! Lenient, for what is not understood here is still somebody's words. Must not know what a payload says.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Slack is ready to deliver.
    Hello,
    /// Slack will close this connection, or wants it closed.
    Disconnect(String),
    Envelope(Envelope),
    /// No JSON, or nothing that could be acked.
    Unreadable,
}

/// What is delivered, to be acked under its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// `events_api`, `slash_commands`, `interactive`, or whatever comes next.
    pub kind: String,
    pub id: String,
    /// JSON.
    pub payload: String,
    /// Whether an ack may have a body.
    pub takes_body: bool,
    /// How often it was sent before.
    pub retry: u32,
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    envelope_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    accepts_response_payload: Option<Value>,
    retry_attempt: Option<Value>,
    retry_reason: Option<Value>,
    /// Of a `disconnect`.
    reason: Option<Value>,
}

impl Frame {
    pub fn read(text: &str) -> Self {
        let Ok(raw) = serde_json::from_str::<Raw>(text) else { return Self::Unreadable };
        match (&*raw.kind, &raw.envelope_id) {
            ("hello", None) => Self::Hello,
            ("disconnect", None) => {
                let reason = raw.reason.as_ref().and_then(Value::as_str).unwrap_or("unknown");
                Self::Disconnect(reason.chars().take(60).collect())
            }
            (_, Some(id)) if !id.is_empty() => Self::Envelope(envelope(&raw, id)),
            _ => Self::Unreadable,
        }
    }
}

fn envelope(raw: &Raw, id: &str) -> Envelope {
    let retry = raw.retry_attempt.as_ref().and_then(Value::as_u64).unwrap_or_default();
    if let Some(reason) = raw.retry_reason.as_ref().and_then(Value::as_str) {
        tracing::debug!(retry, reason, "Slack sends an envelope again");
    }
    Envelope {
        kind: raw.kind.clone().into_owned(),
        id: id.to_owned(),
        payload: raw.payload.map_or("null", RawValue::get).to_owned(),
        takes_body: raw.accepts_response_payload.as_ref().and_then(Value::as_bool).unwrap_or_default(),
        retry: u32::try_from(retry).unwrap_or(u32::MAX),
    }
}

impl Envelope {
    /// The frame that acks it.
    pub fn ack(id: &str, body: Option<Value>) -> String {
        let mut ack = serde_json::Map::from_iter([("envelope_id".to_owned(), Value::from(id))]);
        if let Some(body) = body {
            ack.insert("payload".to_owned(), body);
        }
        Value::Object(ack).to_string()
    }
}
