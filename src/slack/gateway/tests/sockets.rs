//! Sockets against a server inside the test, which is told what to say.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{SinkExt, StreamExt};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::super::socket::Patience;
use super::super::{Gateway, OpenError, OpenSocket};
use crate::slack::deliveries::tests::{Bench, until, worked};

/// What is answered to whoever asks for a socket.
struct Office {
    address: Mutex<Result<String, OpenError>>,
    opens: AtomicUsize,
}

#[async_trait]
impl OpenSocket for Office {
    async fn open(&self) -> Result<SecretString, OpenError> {
        self.opens.fetch_add(1, Ordering::SeqCst);
        let answer = self.address.lock().unwrap().clone();
        match answer {
            Ok(address) if address == "never" => std::future::pending().await,
            other => other.map(SecretString::from),
        }
    }
}

/// Slack's side of one connection.
struct Far(WebSocketStream<TcpStream>);

impl Far {
    async fn say(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    async fn greet(&mut self) {
        self.say(&json!({ "type": "hello", "num_connections": 1 })).await;
    }

    async fn deliver(&mut self, kind: &str, id: &str, payload: Value) {
        self.say(&json!({ "type": kind, "envelope_id": id, "payload": payload,
            "accepts_response_payload": kind != "events_api" }))
            .await;
    }

    /// The next ack; `None` when the connection ends.
    async fn ack(&mut self) -> Option<Value> {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => return None,
                }
            }
        };
        timeout(Duration::from_secs(20), next).await.expect("an ack or an end")
    }

    async fn acked(&mut self) -> Value {
        self.ack().await.expect("an ack, not the end")
    }

    async fn is_quiet(&mut self, time: Duration) -> bool {
        timeout(time, self.0.next()).await.is_err()
    }
}

struct World {
    bench: Bench,
    office: Arc<Office>,
    gateway: Gateway,
    calls: mpsc::UnboundedReceiver<Far>,
}

fn hasty() -> Patience {
    Patience { step: Duration::from_millis(200), idle: Duration::from_secs(20) }
}

impl World {
    async fn new(patience: Patience) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("ws://{}/link?ticket=secret", listener.local_addr().unwrap());
        let (calls_in, calls) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let far = tokio_tungstenite::accept_async(stream).await.unwrap();
                if calls_in.send(Far(far)).is_err() {
                    return;
                }
            }
        });
        let office = Arc::new(Office { address: Mutex::new(Ok(address)), opens: AtomicUsize::new(0) });
        let bench = Bench::new().await;
        let open = Arc::clone(&office) as Arc<dyn OpenSocket>;
        let gateway = Gateway::start_with(open, bench.deliveries.clone(), bench.clock.clone(), patience);
        Self { bench, office, gateway, calls }
    }

    async fn call(&mut self) -> Far {
        timeout(Duration::from_secs(20), self.calls.recv()).await.expect("a connection").unwrap()
    }

    async fn greeted(&mut self) -> Far {
        let mut far = self.call().await;
        far.greet().await;
        far
    }

    async fn is_up(&self, sockets: usize) {
        until("so many sockets are up", async || self.gateway.health().up == sockets).await;
    }

    fn opens(&self) -> usize {
        self.office.opens.load(Ordering::SeqCst)
    }

    fn answer(&self, address: Result<String, OpenError>) {
        *self.office.address.lock().unwrap() = address;
    }
}

fn bare(id: &str) -> Value {
    json!({ "envelope_id": id })
}

#[tokio::test]
async fn two_sockets_are_up() {
    let mut world = World::new(Patience::default()).await;
    let (_a, _b) = (world.greeted().await, world.greeted().await);
    world.is_up(2).await;
    assert_eq!(world.opens(), 2);
    let health = world.gateway.health();
    assert_eq!(health.last_frame, Some(world.bench.clock.now()));
    assert_eq!((health.trouble, health.stopped), (None, None));
}

#[tokio::test]
async fn an_ack_comes_after_the_row_and_before_the_work() {
    let mut world = World::new(Patience::default()).await;
    let mut far = world.greeted().await;
    far.deliver("slash_commands", "e1", json!({ "text": "hold" })).await;
    assert_eq!(far.acked().await, bare("e1"));
    assert_eq!(world.bench.open().await, ["command:e1"]);
    world.bench.desk.gate.add_permits(1);
    assert_eq!(world.bench.called(1).await, [worked("command:e1")]);
}

#[tokio::test]
async fn an_ack_has_a_body_where_the_envelope_takes_one() {
    let mut world = World::new(Patience::default()).await;
    let mut far = world.greeted().await;
    far.deliver("interactive", "e1", json!({ "text": "tell" })).await;
    let body = json!({ "text": "an answer" });
    assert_eq!(far.ack().await, Some(json!({ "envelope_id": "e1", "payload": body })));
    far.deliver("events_api", "e2", json!({ "event_id": "Ev1", "text": "tell" })).await;
    assert_eq!(far.acked().await, bare("e2"));
}

#[tokio::test]
async fn repeated_unknown_and_teamless_envelopes_are_kept_and_acked() {
    let mut world = World::new(Patience::default()).await;
    let (mut a, mut b) = (world.greeted().await, world.greeted().await);
    let event = json!({ "event_id": "Ev1", "team_id": null, "event": { "type": "app_uninstalled" } });
    a.deliver("events_api", "e1", event.clone()).await;
    assert_eq!(a.acked().await, bare("e1"));
    b.deliver("events_api", "e2", event).await;
    assert_eq!(b.acked().await, bare("e2"), "sent again over the other one, under another id");
    a.deliver("workflow_steps", "e3", json!({ "team": null })).await;
    assert_eq!(a.acked().await, bare("e3"));
    world.bench.all_done().await;
    assert_eq!(world.bench.desk.called(), [worked("event:Ev1"), worked("workflow_steps:e3")]);
}

#[tokio::test]
async fn one_that_is_slow_holds_up_no_other() {
    let mut world = World::new(Patience::default()).await;
    let mut far = world.greeted().await;
    far.deliver("slash_commands", "slow", json!({ "text": "slow tell" })).await;
    far.deliver("slash_commands", "fast", json!({ "text": "hi" })).await;
    assert_eq!(far.acked().await, bare("fast"));
    assert_eq!(far.acked().await, bare("slow"), "bare, once its time is over");
}

#[tokio::test]
async fn frames_nobody_understands_do_not_end_a_socket() {
    let mut world = World::new(Patience::default()).await;
    let mut far = world.greeted().await;
    for text in ["", "{", r#"{"type":"new_thing"}"#] {
        far.0.send(Message::text(text)).await.unwrap();
    }
    far.0.send(Message::binary(vec![0; 100])).await.unwrap();
    far.0.send(Message::Ping(vec![1].into())).await.unwrap();
    far.deliver("slash_commands", "long", json!({ "text": "x".repeat(2 << 20) })).await;
    far.deliver("slash_commands", "e1", json!({ "text": "hi" })).await;
    assert_eq!(far.acked().await, bare("e1"), "and the long one is not acked");
    assert_eq!(world.bench.called(1).await, [worked("command:e1")]);
}

#[tokio::test]
async fn a_frame_beyond_all_measure_costs_the_connection_and_no_more() {
    let mut world = World::new(Patience::default()).await;
    let mut far = world.greeted().await;
    drop(far.0.send(Message::binary(vec![0; 6 << 20])).await);
    let _other = world.greeted().await;
    let mut next = world.greeted().await;
    next.deliver("slash_commands", "e1", json!({ "text": "hi" })).await;
    assert_eq!(next.acked().await, bare("e1"));
}

#[tokio::test]
async fn the_next_socket_is_live_before_the_old_one_is_closed() {
    let mut world = World::new(Patience::default()).await;
    let (mut old, _other) = (world.greeted().await, world.greeted().await);
    world.is_up(2).await;
    world.bench.clock.turn(chrono::TimeDelta::hours(5));
    old.say(&json!({ "type": "disconnect", "reason": "warning" })).await;
    let mut new = world.call().await;
    old.deliver("slash_commands", "e1", json!({ "text": "slow tell" })).await;
    old.deliver("slash_commands", "e2", json!({ "text": "hi" })).await;
    assert_eq!(old.acked().await, bare("e2"), "the old one still delivers");
    assert_eq!(world.gateway.health().up, 2);
    new.greet().await;
    assert_eq!(old.acked().await, bare("e1"), "what it was taking in is acked before it goes");
    assert_eq!(old.ack().await, None);
    world.is_up(2).await;
    new.deliver("slash_commands", "e3", json!({ "text": "hi" })).await;
    assert_eq!(new.acked().await, bare("e3"));
    assert_eq!(world.opens(), 3);
}

#[tokio::test]
async fn whoever_never_answers_is_asked_again() {
    let mut world = World::new(hasty()).await;
    let mut silent = world.call().await;
    assert_eq!(silent.ack().await, None, "no greeting came in time");
    let address = world.office.address.lock().unwrap().clone();
    world.answer(Ok("never".to_owned()));
    until("asking took too long", async || {
        world.gateway.health().trouble.is_some_and(|t| t.contains("asking Slack for a socket"))
    })
    .await;
    world.answer(address);
    let mut calls = std::mem::replace(&mut world.calls, mpsc::unbounded_channel().1);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Some(mut far) = calls.recv().await {
            drop(far.0.send(Message::text(r#"{"type":"hello"}"#)).await);
            held.push(far);
        }
    });
    world.is_up(2).await;
    assert_eq!(world.gateway.health().trouble, None, "it is over");
}

#[tokio::test]
async fn a_socket_that_falls_silent_is_given_up() {
    let patience = Patience { idle: Duration::from_millis(100), ..Patience::default() };
    let mut world = World::new(patience).await;
    let mut far = world.greeted().await;
    assert_eq!(far.ack().await, None);
    world.greeted().await;
}

#[tokio::test]
async fn a_socket_that_breaks_is_followed_whatever_it_still_takes_in() {
    let mut world = World::new(Patience::default()).await;
    let (mut far, _other) = (world.greeted().await, world.greeted().await);
    far.deliver("slash_commands", "e1", json!({ "text": "slow tell" })).await;
    until("it is being taken in", async || !world.bench.open().await.is_empty()).await;
    drop(far);
    let mut next = world.call().await;
    assert!(world.bench.desk.called().is_empty(), "the next one did not wait for it");
    next.greet().await;
    world.is_up(2).await;
    assert_eq!(world.bench.called(1).await, [worked("command:e1")]);
}

#[tokio::test]
async fn a_word_for_good_ends_it_and_health_says_so() {
    let mut world = World::new(Patience::default()).await;
    let (mut a, mut b) = (world.greeted().await, world.greeted().await);
    world.answer(Err(OpenError::Refused("invalid_auth".to_owned())));
    a.say(&json!({ "type": "disconnect", "reason": "link_disabled" })).await;
    b.say(&json!({ "type": "disconnect", "reason": "refresh_requested" })).await;
    until("both lines stopped", async || {
        world.gateway.health().stopped.is_some_and(|why| why.contains("invalid_auth")) && world.opens() == 3
    })
    .await;
    assert_eq!(a.ack().await, None);
    b.deliver("slash_commands", "e1", json!({ "text": "hi" })).await;
    assert_eq!(b.acked().await, bare("e1"), "what is open is read as long as it is open");
    assert_eq!(world.opens(), 3, "nobody asks again");
}

#[tokio::test]
async fn a_storm_of_disconnects_opens_few_sockets() {
    let mut world = World::new(Patience::default()).await;
    let storm = async {
        loop {
            let mut far = world.calls.recv().await.unwrap();
            far.greet().await;
            drop(far.0.send(Message::text(r#"{"type":"disconnect","reason":"too_many_websockets"}"#)).await);
        }
    };
    assert!(timeout(Duration::from_millis(2500), storm).await.is_err());
    assert!((2..=8).contains(&world.opens()), "{} opens", world.opens());
}

#[tokio::test]
async fn what_is_not_on_disk_is_not_acked() {
    let mut world = World::new(Patience::default()).await;
    let mut far = world.greeted().await;
    world.bench.store.close().await;
    far.deliver("slash_commands", "e1", json!({ "text": "hi" })).await;
    assert!(far.is_quiet(Duration::from_millis(300)).await);
}

#[tokio::test]
async fn the_end_acks_what_was_taken_in() {
    let mut world = World::new(Patience::default()).await;
    let mut far = world.greeted().await;
    far.deliver("slash_commands", "e1", json!({ "text": "slow tell" })).await;
    until("it is being taken in", async || !world.bench.open().await.is_empty()).await;
    let World { gateway, .. } = world;
    let ending = tokio::spawn(async move { gateway.shutdown().await });
    assert_eq!(far.acked().await, bare("e1"));
    assert_eq!(far.ack().await, None);
    ending.await.unwrap();
}
