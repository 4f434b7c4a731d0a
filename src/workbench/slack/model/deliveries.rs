//! What is sent to the app: envelopes, who must acknowledge them by when, what is sent again and what is not.
//!
//! Knows nothing of sockets or HTTP: a shell takes what is due, and says what became of it.

use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Model;
use super::sockets::SocketId;
use crate::clock::Time;

/// An envelope is acknowledged within this time, or it was not.
pub const ACK_SECONDS: i64 = 3;
/// When an event is sent again: at once, a minute later, five minutes later. Then it is lost.
const RETRY_SECONDS: [i64; 3] = [1, 60, 300];
/// Kept of what is over.
const MOST_DONE: usize = 1_000;
/// What may wait; more events than this are dropped, as Slack drops them above its hourly budget.
const MOST_OPEN: usize = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Event,
    Command,
    Interactive,
}

impl Kind {
    /// An envelope's `type`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Event => "events_api",
            Self::Command => "slash_commands",
            Self::Interactive => "interactive",
        }
    }
}

/// What a person did that made it, and is told about when it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Event,
    Command {
        channel: String,
        user: String,
        command: String,
    },
    Click {
        channel: Option<String>,
        user: String,
        thread: Option<String>,
    },
    Submit {
        user: String,
        view: String,
    },
    /// Nobody waits for it.
    Closed,
    Suggest {
        user: String,
        place: (String, String),
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Waiting { due: Time },
    Sent { deadline: Time },
    Acked,
    Failed,
}

#[derive(Clone, Debug)]
pub struct Delivery {
    /// Ours, the same over all attempts.
    pub id: String,
    pub kind: Kind,
    pub payload: Value,
    pub origin: Origin,
    pub state: State,
    /// Attempts before this one.
    pub attempt: u32,
    /// Why the attempt before failed: `timeout`, `connection_failed`, `http_error`.
    pub reason: &'static str,
    /// What the acknowledgement carried.
    pub answer: Option<Value>,
}

/// Where the next envelope goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Socket,
    Http,
}

/// One envelope to be sent now. `socket`: through which; `None` = by HTTP.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub socket: Option<SocketId>,
    pub envelope: String,
    pub kind: Kind,
    pub payload: Value,
    pub attempt: u32,
    pub reason: &'static str,
    /// A fault: it goes out two times, to the letter.
    pub twice: bool,
}

#[derive(Debug, Default)]
pub struct Deliveries {
    open: BTreeMap<u64, Delivery>,
    done: VecDeque<Delivery>,
    last: u64,
    turn: u64,
    /// Events whose acknowledgement is to be lost, so that they come again.
    pub repeat: u32,
    /// The same of everything else, which is not sent again.
    pub unheard: u32,
    /// Deliveries that are to be sent two times.
    pub twice: u32,
    /// Acknowledgements that came too late or for nothing we sent.
    pub stray_acks: u64,
}

impl Outgoing {
    /// The envelope as it goes through a socket.
    pub fn frame(&self) -> Value {
        let mut frame = json!({
            "envelope_id": self.envelope, "payload": self.payload, "type": self.kind.word(),
            "accepts_response_payload": self.kind != Kind::Event,
        });
        if let Some(map) = frame.as_object_mut().filter(|_| self.kind == Kind::Event) {
            map.insert("retry_attempt".into(), json!(self.attempt));
            map.insert("retry_reason".into(), json!(self.reason));
        }
        frame
    }
}

impl Delivery {
    /// An envelope's name; each attempt has its own.
    fn envelope(&self) -> String {
        format!("{}-{}", self.id, self.attempt)
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Acked | State::Failed)
    }

    pub fn json(&self) -> Value {
        let outcome = match self.state {
            State::Waiting { .. } => "waiting",
            State::Sent { .. } => "sent",
            State::Acked => "acked",
            State::Failed => "failed",
        };
        let event = self.payload.pointer("/event/type").or_else(|| self.payload.get("type"));
        let what = event.or_else(|| self.payload.get("command")).cloned();
        json!({
            "id": self.id, "kind": self.kind.word(), "what": what, "attempts": self.attempt + 1,
            "outcome": outcome, "reason": self.reason, "answer": self.answer,
        })
    }
}

impl Deliveries {
    pub fn all(&self) -> impl Iterator<Item = &Delivery> {
        self.done.iter().chain(self.open.values())
    }

    pub fn find(&self, id: &str) -> Option<&Delivery> {
        self.open.values().find(|d| d.id == id).or_else(|| self.done.iter().rev().find(|d| d.id == id))
    }

    fn key_of(&self, envelope: &str) -> Option<u64> {
        self.open.iter().find(|(_, d)| d.envelope() == envelope).map(|(key, _)| *key)
    }

    fn close(&mut self, key: u64) -> Option<Delivery> {
        let delivery = self.open.remove(&key)?;
        self.done.push_back(delivery.clone());
        if self.done.len() > MOST_DONE {
            self.done.pop_front();
        }
        Some(delivery)
    }
}

impl Model {
    /// Takes something to be sent; its id.
    pub fn deliver(&mut self, kind: Kind, payload: Value, origin: Origin, now: Time) -> String {
        let id = self.id("e-");
        let full = self.deliveries.open.len() >= MOST_OPEN;
        if full && kind == Kind::Event {
            return id;
        }
        self.deliveries.last += 1;
        let delivery = Delivery {
            id: id.clone(),
            kind,
            payload,
            origin,
            state: State::Waiting { due: now },
            attempt: 0,
            reason: "",
            answer: None,
        };
        self.deliveries.open.insert(self.deliveries.last, delivery);
        self.changed();
        id
    }

    /// What is to be sent now; what has nowhere to go has failed.
    pub fn dispatch(&mut self, route: Route, now: Time) -> Vec<Outgoing> {
        let due = |d: &Delivery| matches!(d.state, State::Waiting { due } if due <= now);
        let keys: Vec<u64> =
            self.deliveries.open.iter().filter(|(_, d)| due(d)).map(|(key, _)| *key).collect();
        let mut sent = Vec::new();
        for key in keys {
            self.deliveries.turn += 1;
            let socket = self.next_socket(self.deliveries.turn);
            if route == Route::Socket && socket.is_none() {
                self.miss(key, "connection_failed", now);
                continue;
            }
            let twice = self.deliveries.twice > 0;
            let Some(delivery) = self.deliveries.open.get_mut(&key) else { continue };
            self.deliveries.twice -= u32::from(twice);
            delivery.state = State::Sent { deadline: now + TimeDelta::seconds(ACK_SECONDS) };
            sent.push(Outgoing {
                socket: socket.filter(|_| route == Route::Socket),
                envelope: delivery.envelope(),
                kind: delivery.kind,
                payload: delivery.payload.clone(),
                attempt: delivery.attempt,
                reason: delivery.reason,
                twice,
            });
        }
        sent
    }

    /// Gives up on what was not acknowledged in time.
    pub fn expire(&mut self, now: Time) {
        let late = |d: &Delivery| matches!(d.state, State::Sent { deadline } if deadline < now);
        let keys: Vec<u64> =
            self.deliveries.open.iter().filter(|(_, d)| late(d)).map(|(key, _)| *key).collect();
        for key in keys {
            self.miss(key, "timeout", now);
        }
    }

    /// An attempt is known to have failed.
    pub fn failed(&mut self, envelope: &str, reason: &'static str, now: Time) {
        if let Some(key) = self.deliveries.key_of(envelope) {
            self.miss(key, reason, now);
        }
    }

    /// The app asked not to be sent this again (`X-Slack-No-Retry`).
    pub fn given_up(&mut self, envelope: &str) {
        if let Some(key) = self.deliveries.key_of(envelope) {
            self.end(key, State::Failed, None);
        }
    }

    /// An event is sent again, in its time; of anything else the person is told.
    fn miss(&mut self, key: u64, reason: &'static str, now: Time) {
        let Some(delivery) = self.deliveries.open.get_mut(&key) else { return };
        delivery.reason = reason;
        let attempt = delivery.attempt as usize;
        if let (Kind::Event, Some(seconds)) = (delivery.kind, RETRY_SECONDS.get(attempt)) {
            delivery.attempt += 1;
            delivery.state = State::Waiting { due: now + TimeDelta::seconds(*seconds) };
            return;
        }
        if let Some(lost) = self.end(key, State::Failed, None) {
            self.tell_failure(&lost, now);
        }
    }

    fn end(&mut self, key: u64, state: State, answer: Option<Value>) -> Option<Delivery> {
        let delivery = self.deliveries.open.get_mut(&key)?;
        delivery.state = state;
        delivery.answer = answer;
        self.version += 1;
        self.deliveries.close(key)
    }

    fn tell_failure(&mut self, lost: &Delivery, now: Time) {
        let error = if lost.reason == "timeout" { "operation_timeout" } else { "dispatch_failed" };
        match &lost.origin {
            Origin::Command { channel, user, command } => {
                self.whisper(
                    channel,
                    user,
                    None,
                    format!("{command} failed with the error \"{error}\""),
                    now,
                );
            }
            Origin::Click { channel: Some(channel), user, thread } => {
                let text = format!("That did not reach {}: {error}. Try again.", self.app.name);
                self.whisper(channel, user, thread.as_deref(), text, now);
            }
            Origin::Submit { user, view } => self.submit_failed(user, view),
            Origin::Click { channel: None, .. } | Origin::Event | Origin::Closed | Origin::Suggest { .. } => {
            }
        }
    }

    /// The app acknowledges an envelope; what comes too late counts for nothing.
    pub fn ack(&mut self, envelope: &str, answer: Option<Value>, now: Time) {
        let key = self.deliveries.key_of(envelope);
        let in_time = |d: &Delivery| matches!(d.state, State::Sent { deadline } if deadline >= now);
        let key = key.filter(|key| self.deliveries.open.get(key).is_some_and(in_time));
        let Some(key) = key else {
            self.deliveries.stray_acks += 1;
            return;
        };
        if self.loses_this_one(key, now) {
            return;
        }
        let Some(done) = self.end(key, State::Acked, answer.clone()) else { return };
        match done.origin {
            Origin::Command { channel, user, .. } => self.command_answered(&channel, &user, answer, now),
            Origin::Submit { user, view } => self.submit_answered(&user, &view, answer, now),
            Origin::Suggest { user, place } => self.suggested(&user, place, answer),
            Origin::Event | Origin::Click { .. } | Origin::Closed => {}
        }
    }

    /// A fault: the acknowledgement is lost on its way, and an event comes again.
    fn loses_this_one(&mut self, key: u64, now: Time) -> bool {
        let Some(delivery) = self.deliveries.open.get_mut(&key) else { return false };
        if delivery.kind != Kind::Event && self.deliveries.unheard > 0 {
            self.deliveries.unheard -= 1;
            self.miss(key, "timeout", now);
            return true;
        }
        if self.deliveries.repeat == 0 || delivery.kind != Kind::Event {
            return false;
        }
        self.deliveries.repeat -= 1;
        delivery.attempt += 1;
        delivery.reason = "timeout";
        delivery.state = State::Waiting { due: now };
        true
    }
}
