//! Socket Mode: two sockets, so that one is always there while the other changes, and what comes over them as
//! deliveries.
//!
//! ```text
//!  line ─► open (address) ─► connect ─► greeting ─► live ─► "disconnect" ─► the line opens the next one,
//!    ▲        10 s             10 s        10 s       │75 s                  this one stays until that is live
//!    └──────────── pause, doubling from 1 s to 60 s ──┘
//! ```
//! What a socket does is [`socket::Socket`]'s, when the next one is opened [`line::Line`]'s: both pure. Must not know
//! what a delivery says.

pub mod frame;
pub mod line;
mod open;
pub mod socket;
#[cfg(test)]
mod tests;
mod vitals;
mod wire;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use open::{OpenError, OpenSocket, OverWeb};
pub use vitals::Health;
use vitals::Vitals;

use crate::clock::Clock;
use crate::slack::deliveries::Deliveries;
use line::{Ended, Line, Next};
use socket::{Patience, Why};
use wire::{News, Wire};

/// Slack allows ten, and sends each envelope over one of them.
const LINES: usize = 2;
/// Envelopes that are being taken in at once.
const TURNS: usize = 256;
/// Of the goodbyes at the end.
const GRACE: Duration = Duration::from_secs(5);

/// Receives until it is shut down or dropped.
pub struct Gateway {
    shared: Arc<Shared>,
}

struct Shared {
    open: Arc<dyn OpenSocket>,
    deliveries: Deliveries,
    clock: Clock,
    patience: Patience,
    turns: Arc<Semaphore>,
    tasks: TaskTracker,
    end: CancellationToken,
    vitals: Vitals,
}

impl Gateway {
    /// Opens both sockets, and whatever must follow them.
    pub fn start(open: Arc<dyn OpenSocket>, deliveries: Deliveries, clock: Clock) -> Self {
        Self::start_with(open, deliveries, clock, Patience::default())
    }

    /// [`Gateway::start`] with other time-outs.
    pub fn start_with(
        open: Arc<dyn OpenSocket>,
        deliveries: Deliveries,
        clock: Clock,
        patience: Patience,
    ) -> Self {
        let shared = Arc::new(Shared {
            open,
            deliveries,
            clock,
            patience,
            turns: Arc::new(Semaphore::new(TURNS)),
            tasks: TaskTracker::new(),
            end: CancellationToken::new(),
            vitals: Vitals::default(),
        });
        for _ in 0..LINES {
            shared.tasks.spawn(Arc::clone(&shared).line());
        }
        Self { shared }
    }

    pub fn health(&self) -> Health {
        self.shared.vitals.read()
    }

    /// Takes nothing more in, sends the acks that are under way, closes.
    pub async fn shutdown(&self) {
        self.shared.end.cancel();
        self.shared.tasks.close();
        if timeout(GRACE, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!("Slack's sockets were not closed in time");
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shared.end.cancel();
    }
}

impl Shared {
    /// One socket after the other, until the end or until Slack wants none.
    async fn line(self: Arc<Self>) {
        let mut line = Line::default();
        let mut leaving = CancellationToken::new();
        loop {
            // Boxed: it is large, and there are few.
            let turn = Box::pin(self.turn(&mut line, &mut leaving));
            let turn = AssertUnwindSafe(turn).catch_unwind().await;
            let Some(ended) = turn.unwrap_or_else(|_| Some(Ended::Broke("the receiver panicked".to_owned())))
            else {
                return;
            };
            self.tell(&ended);
            match line.step(&ended, self.clock.now(), self.clock.random_id()) {
                Next::After(pause) => {
                    if self.end.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                        return;
                    }
                }
                Next::Stop(why) => {
                    tracing::error!(why, "no socket to Slack is opened any more");
                    return self.vitals.stopped(why);
                }
            }
        }
    }

    /// A socket from its opening to where the next one is wanted. `leaving`: told when this one is live, for the one
    /// before waits for that. `None` = we are ending.
    async fn turn(self: &Arc<Self>, line: &mut Line, leaving: &mut CancellationToken) -> Option<Ended> {
        let alone = CancellationToken::new();
        let mut wire = match self.end.run_until_cancelled(Box::pin(self.connect())).await? {
            Ok(wire) => wire,
            Err(ended) => return Some(ended),
        };
        loop {
            match wire.next(self, &alone).await {
                News::Greeted => {
                    line.live(self.clock.now());
                    leaving.cancel();
                }
                News::Replace(reason) => {
                    *leaving = CancellationToken::new();
                    self.tasks.spawn(Arc::clone(self).leave(wire, leaving.clone()));
                    return Some(Ended::Told(reason));
                }
                News::Over(why) => {
                    // Beside: the next one does not wait for what this one still takes in.
                    self.tasks.spawn(wire.close());
                    return ended(why);
                }
            }
        }
    }

    /// Address and connection, each in its time.
    async fn connect(&self) -> Result<Wire, Ended> {
        let late = |what: &str| Ended::Broke(format!("{what} took longer than {:?}", self.patience.step));
        let address = timeout(self.patience.step, self.open.open()).await;
        let address = address.map_err(|_| late("asking Slack for a socket"))??;
        let connection = timeout(self.patience.step, open::connect(&address)).await;
        let connection = connection.map_err(|_| late("connecting a socket"))?.map_err(Ended::Broke)?;
        Ok(Wire::new(connection, self))
    }

    /// Reads on until its successor is live or it is closed by Slack.
    async fn leave(self: Arc<Self>, mut wire: Wire, replaced: CancellationToken) {
        loop {
            if let News::Over(why) = wire.next(&self, &replaced).await {
                tracing::debug!(?why, "an old socket is closed");
                return wire.close().await;
            }
        }
    }

    fn tell(&self, ended: &Ended) {
        let why = match ended {
            Ended::Told(reason) => {
                tracing::info!(reason, "Slack asks for another socket");
                return;
            }
            Ended::Broke(why) => why.clone(),
            Ended::Limited(after) => format!("Slack asks to wait {}s", after.as_secs()),
            Ended::Refused(code) => format!("Slack refuses a socket: {code}"),
            Ended::Disabled => "Slack has turned Socket Mode off".to_owned(),
        };
        tracing::warn!(why, "a socket to Slack is down");
        self.vitals.failed(why);
    }
}

fn ended(why: Why) -> Option<Ended> {
    match why {
        Why::Broke(how) => Some(Ended::Broke(how.to_owned())),
        Why::Told(reason) => Some(Ended::Told(reason)),
        Why::Disabled => Some(Ended::Disabled),
        // Only a leaving one is replaced; here it is as good as told.
        Why::Replaced => Some(Ended::Told("replaced".to_owned())),
        Why::Ending => None,
    }
}
