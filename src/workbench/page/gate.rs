//! Before every route: who may ask, and after it: what a browser may do with the answer.
//!
//! A page of another origin can make a browser call a loopback port, under a name of its own even; therefore the host
//! must be this machine's and the origin this page's. Must not know routes.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

const HOSTS: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Everything comes from this page's own origin, nothing is run that is not a file of it, nobody frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) async fn pass(request: Request, next: Next) -> Response {
    let mut response = match foreign(request.headers()) {
        None => next.run(request).await,
        Some(why) => (StatusCode::FORBIDDEN, Json(json!({ "error": why }))).into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Why the request is not one of this page.
fn foreign(headers: &HeaderMap) -> Option<&'static str> {
    let Some(host) = single(headers, &header::HOST).filter(|host| is_ours(host)) else {
        return Some("this server does not answer for the host in the request");
    };
    let same = |origin: &str| origin.strip_prefix("http://").is_some_and(|o| o.eq_ignore_ascii_case(host));
    let asked_by_another =
        headers.contains_key(header::ORIGIN) && !single(headers, &header::ORIGIN).is_some_and(same);
    asked_by_another.then_some("a page of another origin called this server")
}

/// Two of a kind are as good as none.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let one = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(one)
}

fn is_ours(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    HOSTS.iter().any(|ours| name.eq_ignore_ascii_case(ours))
}
