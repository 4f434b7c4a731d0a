//! Who may come in: Host and Origin on every route, and on TCP the bearer token.
//!
//! A web page can make a browser call a loopback port, so a loopback address proves nothing. Knows a request's
//! headers; must not know routes: it stands before all of them, the unknown ones too.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{Kind, Problem};
use super::token::Token;
use crate::wire::api::Code;

/// Which way a request came.
#[derive(Clone, Debug)]
pub enum Door {
    /// The 0600 socket in the data folder: the file's mode is the proof.
    Socket,
    Tcp(Token),
}

#[derive(Clone, Debug)]
pub struct Guard {
    pub door: Door,
    /// Lower case, without port.
    pub hosts: Arc<[String]>,
}

impl Guard {
    /// `Ok` where the request may go on.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let host = text(headers, header::HOST.as_str());
        let host = host.filter(|h| self.is_ours(h)).ok_or_else(|| {
            Problem::new(Kind::ForeignHost, "this server does not answer for the host in the request")
                .hint("add the name to `http.allowed_hosts` if it is meant")
        })?;
        if headers.contains_key(header::ORIGIN) && !same_origin(headers, host) {
            return Err(Problem::new(Kind::ForeignOrigin, "a page of another origin called this server"));
        }
        match &self.door {
            Door::Socket => Ok(()),
            Door::Tcp(token) => bearer(headers).filter(|t| token.matches(t)).map(|_| ()).ok_or_else(|| {
                Problem::new(Kind::Refused(Code::Unauthorized), "the request carries no valid token")
                    .hint("send `Authorization: Bearer …` with the token file's content")
            }),
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        self.hosts.contains(&name)
    }
}

/// The layer around every route.
pub(super) async fn layer(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The single value of a header; two of a kind are as good as none.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let one = all.next()?;
    if all.next().is_some() { None } else { one.to_str().ok() }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, header::AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Same name *and* port: another port of this machine is another page.
fn same_origin(headers: &HeaderMap, host: &str) -> bool {
    let Some(origin) = text(headers, header::ORIGIN.as_str()) else { return false };
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|a| a.eq_ignore_ascii_case(host))
}

fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(at) if !host.ends_with(']') => host.get(..at).unwrap_or(host),
        _ => host,
    }
}
