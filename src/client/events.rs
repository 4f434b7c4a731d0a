//! A session's events over any number of connections: each takes up where the last one broke off.
//!
//! The server says 204 when there is nothing left to tell; any other end is a break. Must not know what events mean.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use http_body_util::BodyDataStream;
use hyper::body::{Bytes, Incoming};
use hyper::{Response, StatusCode};
use sse_stream::{Sse, SseByteStream};

use super::remote::Remote;
use super::wire::{Call, send, unreachable};
use crate::domain::{Seq, SessionId};
use crate::wire::api::{Code, EventStream, Refusal};
use crate::wire::view::EventView;

/// The server comments every 15 s: three missed, and the connection is dead.
const SILENCE: Duration = Duration::from_secs(45);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

type Told = futures_util::stream::BoxStream<'static, Result<Sse, String>>;

struct Follow {
    remote: Remote,
    id: SessionId,
    last: Seq,
    /// `None` between two connections.
    told: Option<Told>,
    /// The present connection has told an event.
    fruitful: bool,
    pause: Duration,
    /// Spent on pauses since the last word of the server.
    waited: Duration,
    over: bool,
}

/// Opens the first connection, so that an unknown session or a missing server is said at once.
pub(super) async fn follow(remote: Remote, id: SessionId, after: Seq) -> Result<EventStream, Refusal> {
    let told = open(&remote, id, after).await?;
    let over = told.is_none();
    let follow = Follow {
        remote,
        id,
        last: after,
        told,
        fruitful: false,
        pause: FIRST_PAUSE,
        waited: Duration::ZERO,
        over,
    };
    Ok(stream::unfold(follow, next).boxed())
}

async fn next(mut follow: Follow) -> Option<(Result<EventView, Refusal>, Follow)> {
    loop {
        if follow.over {
            return None;
        }
        match follow.step().await {
            Ok(Some(event)) => return Some((Ok(event), follow)),
            Ok(None) => {}
            Err(refusal) => {
                follow.over = true;
                return Some((Err(refusal), follow));
            }
        }
    }
}

impl Follow {
    /// One event, or nothing yet.
    async fn step(&mut self) -> Result<Option<EventView>, Refusal> {
        let Some(told) = self.told.as_mut() else {
            self.reopen().await?;
            return Ok(None);
        };
        match told.next().await {
            Some(Ok(sse)) => {
                let event = self.take(sse);
                if event.is_some() {
                    (self.pause, self.waited) = (FIRST_PAUSE, Duration::ZERO);
                }
                Ok(event)
            }
            Some(Err(why)) => {
                tracing::debug!(session.id = %self.id, why, "the event stream broke off");
                self.told = None;
                self.rest().await;
                Ok(None)
            }
            None => {
                // Settled, or the server ends: asking again tells which.
                self.told = None;
                if !std::mem::take(&mut self.fruitful) {
                    self.rest().await;
                }
                Ok(None)
            }
        }
    }

    /// An event we have not seen; what is not understood is passed over, never taken for another.
    fn take(&mut self, sse: Sse) -> Option<EventView> {
        let data = sse.data?;
        match serde_json::from_str::<EventView>(&data) {
            Ok(mut event) if event.seq > self.last => {
                event.stream = sse.event.unwrap_or_else(|| "message".to_owned());
                self.last = event.seq;
                self.fruitful = true;
                Some(event)
            }
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(session.id = %self.id, %error, "an event is not understood");
                None
            }
        }
    }

    async fn reopen(&mut self) -> Result<(), Refusal> {
        match open(&self.remote, self.id, self.last).await {
            Ok(Some(told)) => (self.told, self.waited) = (Some(told), Duration::ZERO),
            Ok(None) => self.over = true,
            Err(refusal) if passing(refusal.code) && self.waited < self.remote.patience => self.rest().await,
            Err(refusal) => return Err(refusal),
        }
        Ok(())
    }

    /// A pause that doubles, between half and all of it by chance: not everybody comes back at once.
    async fn rest(&mut self) {
        let chance = u32::from(self.remote.clock.random_id().as_bytes().first().copied().unwrap_or(0));
        let pause = self.pause / 2 + self.pause / 2 * chance / 256;
        tokio::time::sleep(pause).await;
        self.waited += pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether trying again may help.
fn passing(code: Code) -> bool {
    matches!(code, Code::Unreachable | Code::Busy | Code::Internal)
}

/// `None`: there is nothing left to tell.
async fn open(remote: &Remote, id: SessionId, after: Seq) -> Result<Option<Told>, Refusal> {
    let call = Call::get(format!("/sessions/{id}/events"))
        .header("accept", "text/event-stream")
        .header("last-event-id", after.to_string());
    let response = send(&remote.target, remote.token.as_ref(), call).await?;
    match response.status() {
        StatusCode::NO_CONTENT => Ok(None),
        StatusCode::OK => Ok(Some(decode(response))),
        status => {
            let odd = std::io::Error::other(format!("status {status}"));
            Err(unreachable(&remote.target, &odd))
        }
    }
}

/// A body as events. Silence is counted in bytes, so that the server's comments break it.
fn decode(response: Response<Incoming>) -> Told {
    let bytes = BodyDataStream::new(response.into_body()).boxed();
    let alive = stream::unfold(Some(bytes), |bytes| async {
        let mut bytes = bytes?;
        match tokio::time::timeout(SILENCE, bytes.next()).await {
            Ok(Some(Ok(chunk))) => Some((Ok::<Bytes, std::io::Error>(chunk), Some(bytes))),
            Ok(Some(Err(e))) => Some((Err(std::io::Error::other(e)), None)),
            Ok(None) => None,
            Err(_) => Some((Err(std::io::ErrorKind::TimedOut.into()), None)),
        }
    });
    SseByteStream::new(alive.boxed()).map(|sse| sse.map_err(|e| e.to_string())).boxed()
}
