//! One connection under its machine: reads frames, hands envelopes on, sends acks.
//!
//! A shell: what to do is the machine's. Must not know when the next connection is opened.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::frame::Envelope;
use super::open::Connection;
use super::socket::{Do, Seen, Socket, Why};
use super::vitals::Up;
use crate::slack::deliveries::{Afterwards, Arrival, Taken, kind_of};

/// Acks that may wait to be written.
const ACKS: usize = 64;
/// Of writing one frame.
const WRITE: Duration = Duration::from_secs(5);
/// Of the acks that are under way when a connection is to be closed.
const LAST_ACKS: Duration = Duration::from_secs(3);

pub(super) struct Wire {
    connection: Connection,
    socket: Socket,
    acks: mpsc::Sender<Ack>,
    to_write: mpsc::Receiver<Ack>,
    up: Option<Up>,
}

/// A frame to be written, and what follows it, however the writing ends.
struct Ack {
    frame: String,
    _then: Afterwards,
}

/// What the line must know.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    Greeted,
    Replace(String),
    Over(Why),
}

/// A frame, or what stands for one.
enum Heard {
    Ack(Ack),
    Frame(Message),
    Nothing(Seen<'static>),
}

impl Wire {
    pub(super) fn new(connection: Connection, shared: &Shared) -> Self {
        let (acks, to_write) = mpsc::channel(ACKS);
        Self { connection, socket: Socket::new(shared.patience), acks, to_write, up: None }
    }

    /// Goes on until there is news. `replaced`: another connection is live.
    pub(super) async fn next(&mut self, shared: &Shared, replaced: &CancellationToken) -> News {
        loop {
            let todo = match self.hear(shared, replaced).await {
                Heard::Ack(ack) => {
                    if self.write(&ack).await {
                        Do::Wait
                    } else {
                        self.socket.step(Seen::Closed)
                    }
                }
                Heard::Nothing(seen) => self.socket.step(seen),
                Heard::Frame(message) => {
                    shared.vitals.frame(shared.clock.now());
                    self.socket.step(seen(&message))
                }
            };
            match todo {
                Do::Wait => {}
                Do::Take(envelope) => self.take(envelope, shared),
                Do::Greet => {
                    self.up = Some(shared.vitals.greeted());
                    return News::Greeted;
                }
                Do::Replace(reason) => return News::Replace(reason),
                Do::Close(why) => return News::Over(why),
            }
        }
    }

    async fn hear(&mut self, shared: &Shared, replaced: &CancellationToken) -> Heard {
        let patience = self.socket.patience();
        tokio::select! {
            biased;
            // Never `None`: one end is ours.
            Some(ack) = self.to_write.recv() => Heard::Ack(ack),
            () = shared.end.cancelled() => Heard::Nothing(Seen::Ending),
            () = replaced.cancelled() => Heard::Nothing(Seen::Replaced),
            frame = timeout(patience, self.connection.next()) => match frame {
                Err(_) => Heard::Nothing(Seen::Silence),
                Ok(Some(Ok(message))) => Heard::Frame(message),
                Ok(None | Some(Err(_))) => Heard::Nothing(Seen::Closed),
            },
        }
    }

    /// Beside the reading, so that one that is slow holds up no other.
    fn take(&self, envelope: Envelope, shared: &Shared) {
        let Ok(turn) = Arc::clone(&shared.turns).try_acquire_owned() else {
            // Not acked: Slack sends events again, and tells people of the rest.
            tracing::error!(envelope.kind, "too many envelopes at once; one is not taken in");
            return;
        };
        let (deliveries, acks, now) = (shared.deliveries.clone(), self.acks.clone(), shared.clock.now());
        let clock = shared.clock.clone();
        shared.tasks.spawn(async move {
            let Envelope { kind, id, payload, takes_body, retry } = envelope;
            let arrival = Arrival::new(kind_of(&kind), &id, payload, retry, now);
            let (taken, then) = deliveries.take(arrival).await;
            if let Taken::Ack(body) = taken {
                let frame = Envelope::ack(&id, body.filter(|_| takes_body));
                // Where the connection is gone, Slack sends it again and hears it then.
                drop(acks.send(Ack { frame, _then: then }).await);
                let took = (clock.now() - now).as_seconds_f64();
                metrics::histogram!("devtask_slack_ack_seconds").record(took);
            }
            drop(turn);
        });
    }

    async fn write(&mut self, ack: &Ack) -> bool {
        matches!(timeout(WRITE, self.connection.send(Message::text(ack.frame.as_str()))).await, Ok(Ok(())))
    }

    /// Sends the acks that are under way, and says goodbye.
    pub(super) async fn close(mut self) {
        drop(self.up.take());
        // Our own end: the others are with the envelopes that are being taken in.
        drop(std::mem::replace(&mut self.acks, mpsc::channel(1).0));
        let last = async {
            while let Some(ack) = self.to_write.recv().await {
                if self.connection.send(Message::text(ack.frame.as_str())).await.is_err() {
                    return;
                }
            }
            if let Err(error) = self.connection.close(None).await {
                tracing::debug!(%error, "a socket was not closed in order");
            }
        };
        if timeout(LAST_ACKS, last).await.is_err() {
            tracing::warn!("a socket was closed before all acks were sent");
        }
    }
}

fn seen(message: &Message) -> Seen<'_> {
    match message {
        Message::Text(text) => Seen::Text(text.as_str()),
        Message::Close(_) => Seen::Closed,
        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Seen::Life,
    }
}
