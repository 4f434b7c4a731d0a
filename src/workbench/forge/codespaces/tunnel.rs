//! `GET /_tunnel/{name}`: raw bytes between a client and the sshd of its codespace, over HTTP's Upgrade.
//!
//! Ours, not GitHub's: it stands where the dev-tunnels relay stands. Knows who may pass and what the weather is; must
//! not know what the bytes say.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::hub::Hub;
use super::machines::Duplex;
use super::model::Codespace;
use super::weather::{self, Sky, Weather};
use crate::workbench::forge::refusal::Refusal;
use crate::workbench::forge::shop::Shop;

/// What one side may be ahead of the other.
const CHUNK: usize = 16 * 1024;

pub(in crate::workbench::forge) fn routes() -> Router<Arc<Shop>> {
    Router::new().route("/_tunnel/{name}", get(open))
}

async fn open(
    State(shop): State<Arc<Shop>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let hub = Arc::clone(&shop.codespaces);
    hub.settle();
    admit(&shop, &name, request.headers())?;
    let Some(protocol) = request.headers().get(header::UPGRADE).cloned() else {
        return Err(Refusal::plain(StatusCode::UPGRADE_REQUIRED, "Ask for an upgrade"));
    };
    let sky = hub.skies.watch(&name);
    if sky.borrow().weather == Weather::Refuse {
        return Err(unreachable());
    }
    let far = hub.machines().connect(&name).await.map_err(|_| unreachable())?;
    hub.touch(&name);
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let ended = hub.ended.clone();
        ended
            .run_until_cancelled(async move {
                if let Ok(near) = upgrade.await {
                    join(&hub, &name, sky, Box::new(TokioIo::new(near)), far).await;
                }
            })
            .await
    });
    let upgraded = [(header::CONNECTION, HeaderValue::from_static("upgrade")), (header::UPGRADE, protocol)];
    Ok((StatusCode::SWITCHING_PROTOCOLS, upgraded).into_response())
}

fn unreachable() -> Refusal {
    Refusal::plain(StatusCode::SERVICE_UNAVAILABLE, "The codespace cannot be reached")
}

/// Its owner's token, or the one the API hands out with the codespace's connection.
fn admit(shop: &Shop, name: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let ticket = given.strip_prefix("tunnel ");
    let login = match ticket {
        Some(_) => None,
        None => Some(shop.caller(headers)?.ok_or_else(Refusal::unauthenticated)?.user),
    };
    let state = shop.codespaces.state();
    let may =
        |c: &&Codespace| ticket.is_some_and(|t| t == c.connect_token) || login.as_ref() == Some(&c.owner);
    let codespace = state.model.get(name).filter(may).ok_or_else(Refusal::not_found)?;
    if codespace.is_up() {
        return Ok(());
    }
    Err(Refusal::plain(StatusCode::CONFLICT, format!("The codespace is {}", codespace.state())))
}

/// Carries bytes until one side ends, the sky falls or the codespace stops.
async fn join(
    hub: &Arc<Hub>,
    name: &str,
    sky: watch::Receiver<Sky>,
    near: Box<dyn Duplex>,
    far: Box<dyn Duplex>,
) {
    let (near_out, near_in) = tokio::io::split(near);
    let (far_out, far_in) = tokio::io::split(far);
    let both = async {
        tokio::try_join!(
            carry(hub, name, sky.clone(), near_out, far_in),
            carry(hub, name, sky.clone(), far_out, near_in)
        )
    };
    tokio::select! {
        _ = both => {}
        () = fallen(sky.clone()) => {}
        () = stopped(hub, name) => {}
    }
}

async fn carry(
    hub: &Hub,
    name: &str,
    mut sky: watch::Receiver<Sky>,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut bytes = vec![0; CHUNK];
    loop {
        let read = from.read(&mut bytes).await?;
        weather::pass(&mut sky, read).await;
        if read == 0 {
            return to.shutdown().await;
        }
        hub.touch(name);
        to.write_all(bytes.get(..read).unwrap_or_default()).await?;
        to.flush().await?;
    }
}

async fn fallen(mut sky: watch::Receiver<Sky>) {
    let before = sky.borrow().cuts;
    // The sky outlasts the tunnel; a closed one is as good as a cut.
    drop(sky.wait_for(|sky| sky.cuts != before).await);
}

async fn stopped(hub: &Hub, name: &str) {
    let mut versions = hub.versions();
    loop {
        versions.borrow_and_update();
        if hub.state().model.get(name).is_none_or(|c| !c.is_up()) || versions.changed().await.is_err() {
            return;
        }
    }
}
