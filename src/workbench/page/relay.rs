//! Passes a request on to a far side and its answer back, so that the page speaks with one origin alone.
//!
//! Knows bodies and what is said when the far side is silent; must not know what is asked.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

/// A far side may hold a request for 25 s until something changes.
const PATIENCE: Duration = Duration::from_secs(40);

pub(super) struct Relay {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Default for Relay {
    fn default() -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http() }
    }
}

/// What is passed on of a request: no header but the kind of its body.
pub(super) struct Asked {
    method: Method,
    /// With its query, as it was sent.
    path: String,
    kind: Option<HeaderValue>,
    body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let method = request.method().clone();
        let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let body = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        Ok(Self { method, path, kind, body })
    }
}

impl Relay {
    /// `base`: `http://127.0.0.1:PORT`.
    pub(super) async fn pass(&self, base: &str, asked: Asked) -> Response {
        let mut request = Request::builder().method(asked.method).uri(format!("{base}{}", asked.path));
        if let Some(kind) = asked.kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let Ok(request) = request.body(Full::new(asked.body)) else {
            return trouble(StatusCode::BAD_REQUEST, "that cannot be asked");
        };
        match tokio::time::timeout(PATIENCE, self.client.request(request)).await {
            Ok(Ok(response)) => {
                let (head, body) = response.into_parts();
                let mut answer = Response::new(Body::new(body));
                *answer.status_mut() = head.status;
                if let Some(kind) = head.headers.get(header::CONTENT_TYPE) {
                    answer.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
                }
                answer
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a far side of the page cannot be reached");
                trouble(StatusCode::BAD_GATEWAY, "The workspace cannot be reached.")
            }
            Err(_) => trouble(StatusCode::GATEWAY_TIMEOUT, "The workspace does not answer."),
        }
    }
}

fn trouble(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}
