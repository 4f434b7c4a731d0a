//! What every call goes through: it is recorded, a fault may befall it, GitHub's headers are put on its answer.
//!
//! Must not know routes beyond "this is the API" and "this is git".

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use super::auth;
use super::faults::{Fault, What};
use super::refusal::Refusal;
use super::shop::Shop;
use crate::workbench::serve::HangUp;

/// GitHub's hourly budget of a token; shown, not enforced.
const BUDGET: u64 = 5_000;

/// On a request: git is to turn the push down.
#[derive(Clone, Copy)]
pub(super) struct TurnDown;

pub(super) async fn pass(State(shop): State<Arc<Shop>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    if path.starts_with("/_forge/") {
        return next.run(request).await;
    }
    let n = shop.calls().begin(&method, &path, request.uri().query());
    let fault = shop.faults().take(&method, &path);
    let is_api = path.starts_with("/api/v3/");
    let scopes = auth::caller(&shop.model(), request.headers()).ok().flatten().map(|c| c.scope.words());
    let mut response = match fault {
        Some(fault) => befall(&shop, fault, request, next).await,
        None if is_api && !request.headers().contains_key(header::USER_AGENT) => no_user_agent(),
        None => next.run(request).await,
    };
    if response.extensions().get::<HangUp>().is_none() {
        shop.calls().end(n, response.status().as_u16());
    }
    if is_api {
        add_headers(&shop, n, response.headers_mut());
        if let Some(Ok(words)) = scopes.map(HeaderValue::try_from) {
            response.headers_mut().insert("x-oauth-scopes", words);
        }
    }
    response
}

async fn befall(shop: &Shop, fault: Fault, mut request: Request, next: Next) -> Response {
    if let Some(delay) = fault.fault.delay() {
        tokio::time::sleep(delay).await;
        return next.run(request).await;
    }
    if fault.fault == What::RefusePush {
        request.extensions_mut().insert(TurnDown);
        return next.run(request).await;
    }
    if fault.after {
        // A streamed answer is produced while it is read: only a drained one has been carried out.
        let mut body = next.run(request).await.into_body().into_data_stream();
        while let Some(Ok(_)) = body.next().await {}
    }
    answer(shop, fault.fault).await
}

async fn answer(shop: &Shop, what: What) -> Response {
    match what {
        What::Status { status, message } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let message = message.unwrap_or_else(|| usual_message(status).to_owned());
            Refusal::plain(status, message).into_response()
        }
        What::RateLimited { seconds } => {
            let message = "API rate limit exceeded for user ID 1.";
            let mut response = Refusal::plain(StatusCode::FORBIDDEN, message).into_response();
            let reset = shop.clock.now().timestamp() + i64::from(seconds);
            response.headers_mut().insert("x-ratelimit-remaining", HeaderValue::from(0));
            response.headers_mut().insert("x-ratelimit-reset", HeaderValue::from(reset));
            response
        }
        What::SecondaryLimit { status, seconds } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
            let message =
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
            wait(Refusal::plain(status, message), seconds)
        }
        What::Unavailable { seconds } => {
            let refusal = Refusal::plain(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable");
            wait(refusal, seconds)
        }
        What::Hang => std::future::pending().await,
        What::Drop | What::Delay { .. } | What::RefusePush => {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(HangUp);
            response
        }
    }
}

/// A refusal that says when to come back.
fn wait(refusal: Refusal, seconds: u32) -> Response {
    let mut response = refusal.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn usual_message(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "Bad credentials",
        403 => "Resource not accessible by personal access token",
        404 => "Not Found",
        422 => "Validation Failed",
        _ => status.canonical_reason().unwrap_or("Server Error"),
    }
}

fn no_user_agent() -> Response {
    let why =
        "Request forbidden by administrative rules. Please make sure your request has a User-Agent header";
    Refusal::plain(StatusCode::FORBIDDEN, why).into_response()
}

fn add_headers(shop: &Shop, n: u64, headers: &mut HeaderMap) {
    let used = n.min(BUDGET - 1);
    let reset = shop.clock.now().timestamp() + 3_600;
    headers.entry("x-ratelimit-limit").or_insert(HeaderValue::from(BUDGET));
    headers.entry("x-ratelimit-remaining").or_insert(HeaderValue::from(BUDGET - used));
    headers.entry("x-ratelimit-used").or_insert(HeaderValue::from(used));
    headers.entry("x-ratelimit-reset").or_insert(HeaderValue::from(reset));
    headers.entry("x-ratelimit-resource").or_insert(HeaderValue::from_static("core"));
    headers.entry("x-github-request-id").or_insert(HeaderValue::from(n));
}
