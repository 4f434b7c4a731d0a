//! What handlers take out of a request: ids, bodies, the actor, `If-Match`, keys; each refusal is a problem.
//!
//! Knows HTTP's spelling of these things and its limits; must not know what a handler does with them.

use std::time::Duration;

use axum::RequestExt;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;

use super::problem::{Kind, Problem};
use crate::domain::{Actor, SessionId};
use crate::wire::api::Code;

/// Names the person behind a request; our own CLI sends the machine's user.
pub const ACTOR_HEADER: &str = "devtask-actor";
/// Longest body, in bytes.
pub const BODY_MAX: usize = 1024 * 1024;
/// A body must be here by then.
const BODY_TIME: Duration = Duration::from_secs(20);
const KEY_MAX: usize = 200;

/// The session of the path.
pub struct Id(pub SessionId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Segment(text) = Segment::from_request_parts(parts, state).await?;
        let not_found =
            |e: crate::domain::ids::BadSessionId| Problem::new(Kind::Refused(Code::NotFound), e.to_string());
        text.parse().map(Self).map_err(not_found)
    }
}

/// The one variable segment of the path.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let bad = |_| Problem::new(Kind::NoRoute, "the path is not understood");
        path.map(|Path(text)| Self(text)).map_err(bad)
    }
}

/// The query, every name of it known.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|Query(value)| Self(value))
            .map_err(|e| Problem::invalid(format!("the query: {}", root(&e))))
    }
}

/// A JSON body.
pub struct Sent<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = read(request).await?;
        if !json {
            return Err(Problem::new(Kind::MediaType, "the body's type is not `application/json`")
                .hint("send `Content-Type: application/json`"));
        }
        parse(&bytes).map(Self)
    }
}

/// A JSON body that may be left out.
pub struct Maybe<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for Maybe<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        use hyper::body::Body as _;
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        Sent::<T>::from_request(request, state).await.map(|Sent(value)| Self(value))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// The whole body, within size and time.
async fn read(request: Request) -> Result<hyper::body::Bytes, Problem> {
    let body = Limited::new(request.with_limited_body().into_body(), BODY_MAX);
    match tokio::time::timeout(BODY_TIME, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(e)) if e.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::invalid("the body broke off")),
        Err(_) => Err(Problem::new(Kind::Slow, "the body did not arrive in time")),
    }
}

fn too_large() -> Problem {
    let text = format!("the body is longer than {BODY_MAX} bytes");
    Problem::new(Kind::Refused(Code::TooLarge), text)
        .hint("put long texts into a file of the repository and name it")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|e| {
        if e.is_data() { Problem::invalid(e.to_string()) } else { Problem::new(Kind::Syntax, e.to_string()) }
    })
}

/// Who asks: a person of this installation.
pub struct By(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(ACTOR_HEADER) else {
            return Ok(Self(Actor::Person("local/owner".to_owned())));
        };
        match value.to_str().ok().filter(|name| is_actor_name(name)) {
            Some(name) => Ok(Self(Actor::Person(format!("local/{name}")))),
            None => Err(Problem::invalid(format!("`{ACTOR_HEADER}` is no name"))
                .hint("1 to 64 letters, digits, `-`, `_` or `.`")),
        }
    }
}

/// Whether a person may be called so: it ends up in logs, commits and Slack.
pub fn is_actor_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 64 && name.chars().all(plain) && !name.starts_with(['-', '.'])
}

/// The reading a request was decided on.
pub struct IfMatch(pub Option<u64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let rev = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).and_then(|t| t.parse().ok());
        match rev {
            Some(rev) => Ok(Self(Some(rev))),
            None => Err(Problem::invalid("`If-Match` takes the ETag of one session, like `\"12\"`")),
        }
    }
}

/// `Idempotency-Key`.
pub struct Key(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        match value.to_str().ok().map(str::trim).filter(|k| !k.is_empty() && k.len() <= KEY_MAX) {
            Some(key) => Ok(Self(Some(key.to_owned()))),
            None => {
                Err(Problem::invalid(format!("`Idempotency-Key` takes 1 to {KEY_MAX} printable characters")))
            }
        }
    }
}

/// The innermost cause: what the outer layers say of it is about the program, not about the request.
fn root(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}
