//! Every route, once: the router and the `OpenAPI` document are both made from [`endpoints`].
//!
//! Knows paths, methods and which layers stand before them; must not know what a handler does.

use std::any::Any;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::guard::{self, Guard};
use super::problem::{Kind, Problem};
use super::{Parts, accounts, asks, events, ops, sessions};
use crate::wire::api::Code;

/// One route and what a reader of the document should know of it.
pub(super) struct Endpoint {
    pub method: Method,
    pub path: &'static str,
    pub name: &'static str,
    pub summary: &'static str,
    pub takes: Takes,
    pub gives: Gives,
    pub refuses: &'static [Code],
    handler: MethodRouter<Parts>,
}

/// What a request carries beside its path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Filter,
    State,
    Create,
    Reason,
    Message,
    Answer,
    Link,
    Events,
}

/// What a success carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    Session(StatusCode),
    Page,
    Asks,
    Nodes,
    Account,
    Events,
    Alive,
    Ready,
    Metrics,
    Document,
}

impl Endpoint {
    fn get(path: &'static str, name: &'static str, gives: Gives, handler: MethodRouter<Parts>) -> Self {
        let (takes, summary, refuses) = (Takes::Nothing, "", [].as_slice());
        Self { method: Method::GET, path, name, summary, takes, gives, refuses, handler }
    }

    fn post(path: &'static str, name: &'static str, takes: Takes, handler: MethodRouter<Parts>) -> Self {
        let gives = Gives::Session(StatusCode::OK);
        let (summary, refuses) = ("", [].as_slice());
        Self { method: Method::POST, path, name, summary, takes, gives, refuses, handler }
    }

    fn says(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    fn takes(mut self, takes: Takes) -> Self {
        self.takes = takes;
        self
    }

    fn gives_account(mut self) -> Self {
        self.gives = Gives::Account;
        self
    }

    fn gives(mut self, status: StatusCode) -> Self {
        self.gives = Gives::Session(status);
        self
    }

    fn refuses(mut self, codes: &'static [Code]) -> Self {
        self.refuses = codes;
        self
    }
}

const VERB: &[Code] = &[Code::NotFound, Code::Illegal, Code::Outdated];

pub(super) fn endpoints() -> Vec<Endpoint> {
    type E = Endpoint;
    vec![
        E::post("/sessions", "create", Takes::Create, post(sessions::create))
            .says("Make a session; it is queued at once")
            .gives(StatusCode::CREATED)
            .refuses(&[Code::KeyReused, Code::Busy]),
        E::get("/sessions", "list", Gives::Page, get(sessions::list))
            .says("Sessions, the newest first")
            .takes(Takes::Filter),
        E::get("/sessions/{id}", "show", Gives::Session(StatusCode::OK), get(sessions::show))
            .says("One session; its ETag goes into If-Match")
            .refuses(&[Code::NotFound]),
        E::post("/sessions/{id}/pause", "pause", Takes::Reason, post(sessions::pause))
            .says("Hold a session until somebody resumes it")
            .refuses(VERB),
        E::post("/sessions/{id}/resume", "resume", Takes::Reason, post(sessions::resume))
            .says("Lift a person's hold; where there is none, grant the budget again")
            .refuses(VERB),
        E::post("/sessions/{id}/cancel", "cancel", Takes::Reason, post(sessions::cancel))
            .says("End a session; its branch is kept")
            .refuses(VERB),
        E::post("/sessions/{id}/rerun", "rerun", Takes::Reason, post(sessions::rerun))
            .says("Run a settled session again on its branch and in its conversation")
            .refuses(VERB),
        E::post("/sessions/{id}/messages", "message", Takes::Message, post(sessions::message))
            .says("Say something to the agent; a done session takes it as a follow-up")
            .gives(StatusCode::ACCEPTED)
            .refuses(&[Code::NotFound, Code::Illegal, Code::Busy]),
        E::get("/sessions/{id}/events", "events", Gives::Events, get(events::events))
            .says("The session's log, then live events until it is settled; 204 when there is nothing left")
            .takes(Takes::Events)
            .refuses(&[Code::NotFound]),
        E::get("/asks", "asks", Gives::Asks, get(asks::open))
            .says("Open asks of all sessions, the oldest first")
            .takes(Takes::State),
        E::post("/asks/{handle}/answer", "answer", Takes::Answer, post(asks::answer))
            .says("Answer an ask; the first answer wins")
            .refuses(&[Code::NotFound, Code::Settled]),
        E::get("/nodes", "nodes", Gives::Nodes, get(sessions::nodes))
            .says("The nodes there are, the oldest first; strays last"),
        E::get("/account", "account", Gives::Account, get(accounts::show))
            .says("Your account on the forge, if it is linked"),
        E::post("/account/link", "link", Takes::Link, post(accounts::link))
            .says("Link your account on the forge: answers the code to type there")
            .gives_account()
            .refuses(&[Code::Unreachable]),
        E::post("/account/unlink", "unlink", Takes::Link, post(accounts::unlink))
            .says("Forget your account on the forge and its token")
            .gives_account(),
        E::get("/healthz", "healthz", Gives::Alive, get(ops::healthz)).says("Whether the process answers"),
        E::get("/readyz", "readyz", Gives::Ready, get(ops::readyz))
            .says("Whether work should be sent here; degraded is still ready"),
        E::get("/metrics", "metrics", Gives::Metrics, get(ops::metrics)).says("Figures for Prometheus"),
        E::get("/openapi.json", "openapi", Gives::Document, get(ops::openapi)).says("This document"),
    ]
}

/// The routes behind one door.
pub fn router(parts: Parts, guard: Guard) -> Router {
    let mut router = Router::new();
    for endpoint in endpoints() {
        router = router.route(endpoint.path, endpoint.handler);
    }
    router
        .method_not_allowed_fallback(no_method)
        .fallback(no_route)
        .layer(CatchPanicLayer::custom(broke))
        .layer(middleware::from_fn(counted))
        .layer(middleware::from_fn_with_state(guard, guard::layer))
        .with_state(parts)
}

async fn no_route(request: Request) -> Problem {
    let path: String = request.uri().path().chars().take(200).collect();
    Problem::new(Kind::NoRoute, format!("there is no `{path}`")).hint("`GET /openapi.json` lists all routes")
}

async fn no_method(request: Request) -> Problem {
    let path: String = request.uri().path().chars().take(200).collect();
    Problem::new(Kind::Method, format!("`{path}` does not take {}", request.method()))
}

/// What a handler's panic looks like from outside; the panic itself is in the operator's log.
fn broke(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request handler panicked");
    Problem::new(Kind::Refused(Code::Internal), "something broke on our side; the server's log says more")
        .into_response()
}

/// Counts by route and status. Never by path: a stranger could make up names without end.
async fn counted(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|p| p.as_str().to_owned());
    let route = route.unwrap_or_else(|| "none".to_owned());
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("devtask_http_requests_total", "route" => route, "status" => status).increment(1);
    response
}
