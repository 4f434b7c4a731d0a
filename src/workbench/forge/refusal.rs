//! How GitHub says no: status and body, in its own shapes.
//!
//! Knows the spellings that clients read. Must not know why something is refused.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const DOCS: &str = "https://docs.github.com/rest";

/// A refused request; it changed nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: StatusCode,
    pub message: String,
    pub errors: Vec<Value>,
    /// A field of its own in the body.
    pub extra: Option<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn plain(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: Vec::new(), extra: None }
    }

    pub(super) fn not_found() -> Self {
        Self::plain(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(super) fn forbidden() -> Self {
        Self::plain(StatusCode::FORBIDDEN, "Resource not accessible by personal access token")
    }

    /// A devcontainer wants permissions; an engineer may give them at `url`, a program cannot.
    pub(super) fn permissions(url: &str) -> Self {
        let message =
            "You must authorize or deny additional permissions requested by this codespace before continuing";
        Self {
            extra: Some(("allow_permissions_url", url.into())),
            ..Self::plain(StatusCode::UNAUTHORIZED, message)
        }
    }

    pub(super) fn unauthenticated() -> Self {
        Self::plain(StatusCode::UNAUTHORIZED, "Requires authentication")
    }

    pub(super) fn internal(why: &str) -> Self {
        tracing::error!(forge.error = why, "the forge itself failed");
        Self::plain(StatusCode::INTERNAL_SERVER_ERROR, "Server Error")
    }

    /// The request does not have the documented shape.
    pub(super) fn shape(why: impl AsRef<str>) -> Self {
        Self::plain(StatusCode::UNPROCESSABLE_ENTITY, format!("Invalid request.\n\n{}", why.as_ref()))
    }

    /// A field holds what cannot be; `code` is GitHub's: `invalid`, `missing_field`.
    pub(super) fn field(resource: &str, field: &str, code: &str) -> Self {
        Self::invalid(json!({ "resource": resource, "field": field, "code": code }))
    }

    /// A law is broken, told in a sentence.
    pub(super) fn custom(resource: &str, message: impl Into<String>) -> Self {
        Self::invalid(json!({ "resource": resource, "code": "custom", "message": message.into() }))
    }

    fn invalid(error: Value) -> Self {
        let message = "Validation Failed".into();
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, message, errors: vec![error], extra: None }
    }

    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "message": self.message, "documentation_url": DOCS, "status": self.status.as_str(),
        });
        if let Some(map) = body.as_object_mut().filter(|_| !self.errors.is_empty()) {
            map.insert("errors".into(), Value::Array(self.errors.clone()));
        }
        if let (Some(map), Some((key, value))) = (body.as_object_mut(), &self.extra) {
            map.insert((*key).into(), value.as_str().into());
        }
        body
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}
