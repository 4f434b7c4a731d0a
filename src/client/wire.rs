//! One request, one connection: sent, answered, its problem read back as a `Refusal`.
//!
//! Knows HTTP; must not know which routes exist.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::target::Target;
use crate::domain::session::Verb;
use crate::wire::api::{Code, Refusal};

/// The head of an answer must be here by then.
const ANSWER: Duration = Duration::from_mins(1);
/// Longest answer that is read into memory.
const ANSWER_MAX: usize = 32 * 1024 * 1024;

/// A request before it has a connection.
pub(super) struct Call {
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Vec<u8>>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: Vec::new(), body: None }
    }

    pub(super) fn post(path: impl Into<String>, body: &impl serde::Serialize) -> Result<Self, Refusal> {
        let body = serde_json::to_vec(body).map_err(|e| strange(&e.to_string()))?;
        let headers = vec![("content-type", "application/json".to_owned())];
        Ok(Self { method: Method::POST, path: path.into(), headers, body: Some(body) })
    }

    #[must_use]
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn request(self, target: &Target, token: Option<&SecretString>) -> Result<Request<Full<Bytes>>, Refusal> {
        let bad =
            |e: &dyn std::fmt::Display| Refusal::new(Code::Invalid, format!("the request is no HTTP: {e}"));
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .header(header::HOST, target.host())
            .header(header::USER_AGENT, concat!("devtask/", env!("CARGO_PKG_VERSION")));
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).map_err(|e| bad(&e))?;
            request = request.header(HeaderName::from_static(name), value);
        }
        if let Some(token) = token {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| {
                    Refusal::new(Code::Unauthorized, "the token holds characters no header can carry")
                })?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        request.body(Full::new(Bytes::from(self.body.unwrap_or_default()))).map_err(|e| bad(&e))
    }
}

/// Sends and waits for the head. Whatever is no success is a refusal.
pub(super) async fn send(
    target: &Target,
    token: Option<&SecretString>,
    call: Call,
) -> Result<Response<Incoming>, Refusal> {
    let request = call.request(target, token)?;
    let io = target.connect().await.map_err(|e| unreachable(target, e.as_ref()))?;
    let (mut sender, connection) = http1::handshake(io).await.map_err(|e| unreachable(target, &e))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection broke off");
        }
    });
    let sent = tokio::time::timeout(ANSWER, sender.send_request(request)).await;
    let response = match sent {
        Ok(sent) => sent.map_err(|e| unreachable(target, &e))?,
        Err(late) => return Err(unreachable(target, &late)),
    };
    if response.status().is_success() { Ok(response) } else { Err(refusal(target, response).await) }
}

/// Sends and reads the whole answer.
pub(super) async fn fetch<T: DeserializeOwned>(
    target: &Target,
    token: Option<&SecretString>,
    call: Call,
) -> Result<T, Refusal> {
    let response = send(target, token, call).await?;
    let bytes = whole(target, response).await?;
    serde_json::from_slice(&bytes).map_err(|e| strange(&e.to_string()))
}

async fn whole(target: &Target, response: Response<Incoming>) -> Result<Bytes, Refusal> {
    let body = Limited::new(response.into_body(), ANSWER_MAX).collect();
    match tokio::time::timeout(ANSWER, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(e)) => Err(unreachable(target, e.as_ref())),
        Err(late) => Err(unreachable(target, &late)),
    }
}

/// The parts of a problem we need; all may be missing, a proxy may have written it. Words we do not know are a
/// newer server's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    detail: Option<String>,
    code: serde_json::Value,
    hint: Option<String>,
    about: serde_json::Value,
    legal: Vec<serde_json::Value>,
}

async fn refusal(target: &Target, response: Response<Incoming>) -> Refusal {
    let status = response.status();
    let body = whole(target, response).await.unwrap_or_default();
    let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
    let message = problem.detail.unwrap_or_else(|| format!("{target} answered {status}"));
    let code = serde_json::from_value(problem.code).unwrap_or_else(|_| code_of(status));
    let legal = problem.legal.into_iter().filter_map(|v| serde_json::from_value::<Verb>(v).ok()).collect();
    let about = serde_json::from_value(problem.about).unwrap_or_default();
    Refusal { code, message, hint: problem.hint, about, legal }
}

fn code_of(status: StatusCode) -> Code {
    match status.as_u16() {
        401 => Code::Unauthorized,
        403 | 421 => Code::Forbidden,
        404 => Code::NotFound,
        409 => Code::Illegal,
        412 => Code::Outdated,
        413 => Code::TooLarge,
        429 => Code::Busy,
        502..=504 => Code::Unreachable,
        400..=499 => Code::Invalid,
        _ => Code::Internal,
    }
}

pub(super) fn unreachable(target: &Target, cause: &dyn std::error::Error) -> Refusal {
    tracing::debug!(error = %cause, server = %target, "the server cannot be reached");
    Refusal::new(Code::Unreachable, format!("no DevTask answers at {target}"))
        .hint("start it with `devtask serve`")
}

fn strange(what: &str) -> Refusal {
    Refusal::new(Code::Internal, format!("the server's answer is not understood: {what}"))
        .hint("server and command line may be of different versions; compare `devtask --version`")
}

/// `text` as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}
