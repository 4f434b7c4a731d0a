//! How Slack says no: a word in `error`, sometimes with reasons, seldom with a status other than 200.
//!
//! Knows the spellings that clients read. Must not know why something is refused.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// A refused call; it changed nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: StatusCode,
    /// As Slack names it: `channel_not_found`.
    pub error: String,
    /// Why, line by line, as in `response_metadata.messages`.
    pub reasons: Vec<String>,
    /// What else the body says: `needed`, `provided`, `req_method`.
    pub more: Map<String, Value>,
    /// For 429: whole seconds.
    pub retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn new(error: impl Into<String>) -> Self {
        Self {
            status: StatusCode::OK,
            error: error.into(),
            reasons: Vec::new(),
            more: Map::new(),
            retry_after: None,
        }
    }

    #[must_use]
    pub(super) fn because(self, reasons: Vec<String>) -> Self {
        Self { reasons, ..self }
    }

    #[must_use]
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    #[must_use]
    pub(super) fn saying(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.more.insert(key.to_owned(), value.into());
        self
    }

    /// An argument is missing or of the wrong kind; `pointer` as `/text`, or a field's name.
    pub(super) fn arguments(reason: impl Into<String>) -> Self {
        Self::new("invalid_arguments").because(vec![reason.into()])
    }

    pub(super) fn missing(field: &str) -> Self {
        Self::arguments(format!("[ERROR] missing required field: {field}"))
    }

    pub(super) fn rate_limited(seconds: u64) -> Self {
        let refusal = Self::new("ratelimited").with_status(StatusCode::TOO_MANY_REQUESTS);
        Self { retry_after: Some(seconds.max(1)), ..refusal }
    }

    pub(super) fn body(&self) -> Value {
        let mut body = json!({ "ok": false, "error": self.error });
        if let Some(map) = body.as_object_mut() {
            map.extend(self.more.clone());
            if !self.reasons.is_empty() {
                map.insert("response_metadata".into(), json!({ "messages": self.reasons }));
            }
        }
        body
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.error)?;
        self.reasons.iter().try_for_each(|reason| write!(f, "; {reason}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
