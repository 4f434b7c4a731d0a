//! Socket Mode: a websocket that says a full hello, carries envelopes one way and acknowledgements the other.
//!
//! Knows frames. Which envelope goes where, and what an acknowledgement means, the model says.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::faults::{Fault, What};
use super::gate;
use super::hub::{Hub, Word};

/// Slack pings its clients every few seconds.
const PING_EVERY: Duration = Duration::from_secs(10);
/// How long a connection that was told to go still takes acknowledgements.
const LEAVES_AFTER: Duration = Duration::from_secs(10);
/// Frames that wait for a slow reader.
const MOST_WAITING: usize = 256;
const LONGEST_FRAME: usize = 1 << 20;

type Ws = WebSocketStream<TokioIo<Upgraded>>;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    ticket: String,
}

pub(super) async fn upgrade(
    State(hub): State<Arc<Hub>>,
    Query(asked): Query<Asked>,
    mut request: Request,
) -> Response {
    let n = hub.calls().begin("socket.connect", hub.clock.now());
    let fault = hub.faults().connect();
    if let Some(fault) = fault
        && let Some(response) = gate::befall(fault).await
    {
        return response;
    }
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned();
    let (Some(key), true) = (key, hub.with(|model| model.take_ticket(&asked.ticket, hub.clock.now()))) else {
        hub.calls().end(n, 403, Some("invalid_ticket"), None);
        return (StatusCode::FORBIDDEN, "invalid ticket").into_response();
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let accept = derive_accept_key(key.as_bytes());
    let over = hub.over.clone();
    hub.calls().end(n, 101, None, None);
    let talk = async move {
        if let Ok(upgraded) = upgrade.await {
            let config = WebSocketConfig::default().max_message_size(Some(LONGEST_FRAME));
            let io = TokioIo::new(upgraded);
            let ws = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
            talk(&hub, ws).await;
        }
    };
    tokio::spawn(async move {
        tokio::select! { () = talk => {} () = over.cancelled() => {} }
    });
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .body(Body::empty());
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// A `disconnect` frame.
pub(super) fn disconnect(reason: &str) -> Value {
    json!({ "type": "disconnect", "reason": reason, "debug_info": { "host": "applink-local" } })
}

fn hello(app: &str, connections: usize) -> Value {
    json!({
        "type": "hello", "num_connections": connections, "connection_info": { "app_id": app },
        "debug_info": {
            "host": "applink-local", "started": "2026-01-01 00:00:00.000", "build_number": 1,
            "approximate_connection_time": super::model::sockets::CONNECTION_SECONDS,
        },
    })
}

async fn talk(hub: &Arc<Hub>, mut ws: Ws) {
    let fault = hub.faults().hello();
    match fault {
        Some(Fault::Hello { fault: What::Drop, .. }) => return,
        Some(Fault::Hello { .. }) => return silent(ws, &mut mpsc::channel(1).1).await,
        Some(Fault::TooMany { .. }) => return turn_away(ws).await,
        _ => {}
    }
    let Some(id) = hub.with(|model| model.open_socket(hub.clock.now())) else {
        return turn_away(ws).await;
    };
    let (words, mut told) = mpsc::channel(MOST_WAITING);
    let open = hub.read(|model| hello(&model.app.id, model.sockets.open.len()));
    if ws.send(Message::text(open.to_string())).await.is_ok() {
        hub.link(id, words);
        if matches!(fault, Some(Fault::Storm { .. })) {
            hub.with(|model| model.leave_socket(id));
            hub.tell(id, Word::Disconnect("refresh_requested".into()));
        }
        if let Some(ws) = converse(hub, ws, &mut told).await {
            silent(ws, &mut told).await;
        }
    }
    hub.unlink(id);
}

async fn turn_away(mut ws: Ws) {
    if ws.send(Message::text(disconnect("too_many_websockets").to_string())).await.is_ok() {
        drop(ws.close(None).await);
    }
}

/// Until the connection ends; gives it back where it is only to be silent.
async fn converse(hub: &Arc<Hub>, mut ws: Ws, told: &mut mpsc::Receiver<Word>) -> Option<Ws> {
    let mut pings = tokio::time::interval(PING_EVERY);
    pings.tick().await;
    let mut leaves = None;
    loop {
        let sent = tokio::select! {
            word = told.recv() => match word? {
                Word::Send(text) => ws.send(Message::text(text)).await,
                Word::Disconnect(reason) => {
                    // Slack leaves it to the client to go, and goes itself a little later.
                    leaves = Some(Instant::now() + LEAVES_AFTER);
                    ws.send(Message::text(disconnect(&reason).to_string())).await
                }
                Word::Cut => return None,
                Word::Deaf => return Some(ws),
            },
            frame = ws.next() => match frame? {
                Ok(Message::Text(text)) => { acknowledged(hub, text.as_str()); Ok(()) }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => Ok(()),
            },
            _ = pings.tick() => ws.send(Message::Ping("Ping from applink-local".into())).await,
            () = until(leaves) => {
                drop(ws.close(None).await);
                return None;
            }
        };
        if sent.is_err() {
            return None;
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// `{"envelope_id": …, "payload": …}`; anything else is no acknowledgement.
fn acknowledged(hub: &Arc<Hub>, text: &str) {
    let Ok(said) = serde_json::from_str::<Value>(text) else { return };
    let Some(envelope) = said.get("envelope_id").and_then(Value::as_str) else { return };
    let answer = said.get("payload").filter(|p| !p.is_null()).cloned();
    let now = hub.clock.now();
    hub.with(|model| model.ack(envelope, answer, now));
}

/// Says nothing, answers no ping, and notices only that the other side has gone.
async fn silent(ws: Ws, told: &mut mpsc::Receiver<Word>) {
    let mut io = ws.into_inner();
    let mut bytes = [0; 1_024];
    loop {
        tokio::select! {
            read = io.read(&mut bytes) => if !matches!(read, Ok(n) if n > 0) { return },
            word = told.recv(), if !told.is_closed() => if matches!(word, Some(Word::Cut)) { return },
        }
    }
}
