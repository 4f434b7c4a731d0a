//! The workspace in the browser: channels, threads, controls, forms and pull requests, served by `devtask demo`.
//!
//! Static files out of the binary (`assets.rs`), and on the same origin what they speak with: the model's `/_slack/*`
//! (its shapes: `slack/face.rs`) and the forge's `/_forge/pulls` are passed on to where they listen (`relay.rs`),
//! `/_demo/*` is answered here from a [`Stage`]. Nothing but this machine is ever asked for anything. Must not know
//! sessions: it shows what Slack was told, and what a person does goes where Slack would take it.
//!
//! ```text
//! GET  /_demo/stage    { controlPlane: { up, kills, eventsLost, sessions, outage: {killedAt, backAt|null}|null },
//!                        hints: [{label, text}] }
//! POST /_demo/kill     204: the control plane is dead now, and started again without being asked; 409 { error }
//! ```

mod assets;
mod gate;
mod relay;
mod stage;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use self::relay::Relay;
use super::serve;

pub use stage::{ControlPlane, Hint, Look, NotNow, Outage, Stage};

/// What a person types is far shorter.
const MOST_BODY: usize = 1024 * 1024;

/// Where the far sides listen: `http://127.0.0.1:PORT`, nothing behind it.
#[derive(Clone, Debug)]
pub struct Sides {
    pub slack: String,
    pub forge: String,
}

/// A page that is served for as long as it is held.
pub struct Page {
    url: String,
    _serving: AbortOnDropHandle<()>,
}

impl Page {
    /// What a person opens: `http://127.0.0.1:PORT/`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

struct Parts {
    relay: Relay,
    sides: Sides,
    stage: Arc<dyn Stage>,
}

/// Serves the page on `listener`, which should be a loopback one: whoever reaches it acts as anybody.
pub fn serve(listener: TcpListener, sides: Sides, stage: Arc<dyn Stage>) -> std::io::Result<Page> {
    let url = format!("http://{}/", listener.local_addr()?);
    let serving = AbortOnDropHandle::new(tokio::spawn(serve::serve(listener, routes(sides, stage))));
    Ok(Page { url, _serving: serving })
}

/// The page and all it speaks with.
pub fn routes(sides: Sides, stage: Arc<dyn Stage>) -> Router {
    let parts = Arc::new(Parts { relay: Relay::default(), sides, stage });
    Router::new()
        .route("/_slack/{*rest}", any(to_slack))
        .route("/_forge/pulls", get(to_forge))
        .route("/_demo/stage", get(look))
        .route("/_demo/kill", post(kill))
        .route("/", get(async || assets::answer("index.html")))
        .route("/{file}", get(assets::file))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(from_fn(gate::pass))
        .with_state(parts)
}

async fn to_slack(State(parts): State<Arc<Parts>>, request: relay::Asked) -> Response {
    parts.relay.pass(&parts.sides.slack, request).await
}

async fn to_forge(State(parts): State<Arc<Parts>>, request: relay::Asked) -> Response {
    parts.relay.pass(&parts.sides.forge, request).await
}

async fn look(State(parts): State<Arc<Parts>>) -> Response {
    Json(parts.stage.look().await).into_response()
}

async fn kill(State(parts): State<Arc<Parts>>) -> Response {
    match parts.stage.kill().await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(NotNow(why)) => (StatusCode::CONFLICT, Json(json!({ "error": why }))).into_response(),
    }
}
