//! How long Slack waits for an ack while many sessions stream: from the frame it sends to the frame it gets, with the
//! row on disk in between.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use devtask::clock::Clock;
use devtask::slack::deliveries::{Deliveries, Work};
use devtask::slack::gateway::{Gateway, OpenError, OpenSocket};
use devtask::store::Store;
use devtask::store::slack::Delivery;
use futures_util::{SinkExt, StreamExt};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::{figure, store};

const SESSIONS: u32 = 200;
/// Of each session.
const PAUSE: Duration = Duration::from_millis(100);
const ENVELOPES: usize = 500;
const BETWEEN: Duration = Duration::from_millis(20);

pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut waits = runtime.block_on(waits());
    figure::print("slack.ack_p99", figure::quantile(&mut waits, 0.99), "ms", "<", 100.0);
}

/// Milliseconds from each envelope to its ack.
async fn waits() -> Vec<f64> {
    let dir = tempfile::tempdir().unwrap();
    let (store, listener) = streaming(dir.path()).await;
    let deliveries = Deliveries::new(store.slack(), Arc::new(Idle), Clock::system());
    let open = Arc::new(At(listener.local_addr().unwrap().to_string()));
    let gateway = Gateway::start(open, deliveries.clone(), Clock::system());
    let (mut one, _other) = (greeted(&listener).await, greeted(&listener).await);
    let waits = acks(&mut one).await;
    gateway.shutdown().await;
    deliveries.shutdown().await;
    waits
}

async fn streaming(dir: &Path) -> (Store, TcpListener) {
    let store = store::open(dir, SESSIONS).await;
    for session in 1..=SESSIONS {
        let store = store.clone();
        tokio::spawn(async move {
            let log = store::Log { session, line: 1_600, words: 60 };
            let mut pace = tokio::time::interval(PAUSE);
            for n in 1.. {
                pace.tick().await;
                log.commit(&store, n, 1).await;
            }
        });
    }
    (store, TcpListener::bind("127.0.0.1:0").await.unwrap())
}

async fn greeted(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = listener.accept().await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut far = tokio_tungstenite::accept_async(stream).await.unwrap();
    far.send(Message::text(r#"{"type":"hello","num_connections":2}"#)).await.unwrap();
    far
}

async fn acks(far: &mut WebSocketStream<TcpStream>) -> Vec<f64> {
    let mut sent = HashMap::new();
    let mut waits = Vec::new();
    let mut pace = tokio::time::interval(BETWEEN);
    while waits.len() < ENVELOPES {
        tokio::select! {
            _ = pace.tick(), if sent.len() < ENVELOPES => {
                let id = format!("e-{}", sent.len());
                let text = envelope(&id).to_string();
                sent.insert(id, Instant::now());
                far.send(Message::text(text)).await.unwrap();
            }
            frame = far.next() => if let Message::Text(text) = frame.unwrap().unwrap() {
                let ack: Value = serde_json::from_str(&text).unwrap();
                let began = sent[ack["envelope_id"].as_str().unwrap()];
                waits.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
        }
    }
    waits
}

/// A click, about as long as a real one.
fn envelope(id: &str) -> Value {
    let payload = json!({
        "type": "block_actions", "user": { "id": "U024", "team_id": "T0ACME" }, "channel": { "id": "C0DEV" },
        "message": { "ts": "1790000000.000100", "text": "w".repeat(3_000) },
        "actions": [{ "type": "button", "action_id": "dt.1", "value": id }],
    });
    json!({ "type": "interactive", "envelope_id": id, "payload": payload, "accepts_response_payload": true })
}

/// The desk of this bench: acks do not wait for it.
struct Idle;

#[async_trait]
impl Work for Idle {
    async fn prompt(&self, _: &Delivery) -> Option<Value> {
        None
    }

    async fn work(&self, _: &Delivery) {}

    async fn late(&self, _: &Delivery) {
        panic!("no ack is late here");
    }
}

/// Where sockets are.
struct At(String);

#[async_trait]
impl OpenSocket for At {
    async fn open(&self) -> Result<SecretString, OpenError> {
        Ok(SecretString::from(format!("ws://{}/", self.0)))
    }
}
