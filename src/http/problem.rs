//! Errors as problem+json (RFC 9457): every answer that is not a success has this one shape.
//!
//! Knows which status and type a refusal has; must not know why it was refused.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::session::Verb;
use crate::wire::api::{About, Code, Refusal};

/// Beginning of every `type`.
pub const TYPE: &str = "urn:devtask:problem:";

/// A refusal, or one of the door's own ways to say no.
#[derive(Debug)]
pub struct Problem {
    kind: Kind,
    refusal: Refusal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Refused(Code),
    /// No such route.
    NoRoute,
    /// The route has no such method.
    Method,
    /// `Host` is not one of ours.
    ForeignHost,
    /// `Origin` is not ours.
    ForeignOrigin,
    /// The body is no JSON.
    Syntax,
    /// The body's type is not `application/json`.
    MediaType,
    /// The body did not arrive in time.
    Slow,
}

/// Why something was not done.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct Body {
    /// `urn:devtask:problem:…`, stable.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What happened, to what.
    pub detail: String,
    pub code: Code,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What it is about, where each door has its own way to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// Verbs that are legal now, where one was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legal: Vec<Verb>,
}

impl Kind {
    /// Status, last part of the type, title. Public and stable.
    pub fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Refused(code) => code_parts(code),
            Self::NoRoute => (StatusCode::NOT_FOUND, "no-route", "There is no such route"),
            Self::Method => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The route has no such method")
            }
            Self::ForeignHost => {
                (StatusCode::MISDIRECTED_REQUEST, "foreign-host", "The request is for another host")
            }
            Self::ForeignOrigin => {
                (StatusCode::FORBIDDEN, "foreign-origin", "Other web pages may not call this server")
            }
            Self::Syntax => (StatusCode::BAD_REQUEST, "bad-json", "The body is no JSON"),
            Self::MediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "The body must be application/json")
            }
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "slow-body", "The body did not arrive in time"),
        }
    }

    /// The code a client sees for it.
    fn code(self) -> Code {
        match self {
            Self::Refused(code) => code,
            Self::NoRoute => Code::NotFound,
            Self::ForeignHost | Self::ForeignOrigin => Code::Forbidden,
            Self::Method | Self::Syntax | Self::MediaType | Self::Slow => Code::Invalid,
        }
    }
}

fn code_parts(code: Code) -> (StatusCode, &'static str, &'static str) {
    match code {
        Code::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request is not understood"),
        Code::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "A token is needed"),
        Code::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "This is not allowed"),
        Code::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
        Code::Illegal => (StatusCode::CONFLICT, "illegal", "Not possible in this state"),
        Code::Settled => (StatusCode::CONFLICT, "settled", "Somebody was first"),
        Code::KeyReused => {
            (StatusCode::UNPROCESSABLE_ENTITY, "key-reused", "The key was used for another request")
        }
        Code::Outdated => (StatusCode::PRECONDITION_FAILED, "outdated", "It has changed since it was read"),
        Code::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large"),
        Code::Busy => (StatusCode::TOO_MANY_REQUESTS, "busy", "Too much at once"),
        Code::Unreachable => (StatusCode::BAD_GATEWAY, "unreachable", "Another machine cannot be reached"),
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something broke on our side"),
    }
}

/// What to ask here.
fn way_on(about: About) -> String {
    let way = match about {
        About::Session => "`GET /sessions` lists them",
        About::Ask => "`GET /asks` lists the open ones",
        About::Machine => "the server's log says more",
    };
    way.to_owned()
}

impl Problem {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, refusal: Refusal::new(kind.code(), message) }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused(Code::Invalid), message)
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.refusal.hint = Some(hint.into());
        self
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self { kind: Kind::Refused(refusal.code), refusal }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, name, title) = self.kind.parts();
        let Refusal { code, message, hint, about, legal } = self.refusal;
        let hint = hint.or_else(|| about.map(way_on));
        let body = Body {
            kind: format!("{TYPE}{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: message,
            code,
            hint,
            about,
            legal,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
