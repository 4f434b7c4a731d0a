//! Where the link and the attempt meet: the journal, the commands, the desk, and who is attached.
//!
//! Everything here is shared between conversations that come and go and the one attempt that stays. Must not know
//! what an attempt does or how a frame is written.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};

use crate::domain::command::Command;
use crate::domain::report::Report;
use crate::domain::{Attempt, SessionId, Time};
use crate::wire::link::Level;

use super::desk::Desk;
use super::inbox::Inbox;
use super::journal::{Cursor, Journal, JournalError, Piece};

/// Live lines waiting for a slow link; more are dropped.
const LIVE: usize = 64;

/// From the link to the attempt.
#[derive(Debug)]
pub enum Said {
    Secrets,
    Want(Level),
    Command(Command),
}

#[derive(Debug)]
pub struct Station {
    pub session: SessionId,
    pub attempt: Attempt,
    pub desk: Desk,
    journal: Mutex<Journal>,
    inbox: Mutex<Inbox>,
    /// Counts changes of the journal: records, acks, the end.
    grown: watch::Sender<u64>,
    said: mpsc::Sender<Said>,
    seat: Mutex<Seat>,
    epoch: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Seat {
    live: Option<mpsc::Sender<Vec<u8>>>,
    /// The end of the attempt was told to an attach that had everything.
    told: bool,
    over: bool,
}

/// A conversation's place; a newer attach takes it away.
#[derive(Debug)]
pub struct Attached {
    pub live: mpsc::Receiver<Vec<u8>>,
    pub grown: watch::Receiver<u64>,
    pub cut: Cut,
}

#[derive(Debug)]
pub struct Cut {
    epoch: u64,
    newest: watch::Receiver<u64>,
}

impl Cut {
    /// Returns when a newer attach has taken the place.
    pub async fn wait(&mut self) {
        let own = self.epoch;
        let _ = self.newest.wait_for(|newest| *newest > own).await;
    }
}

impl Station {
    pub fn new(
        session: SessionId,
        attempt: Attempt,
        journal: Journal,
        inbox: Inbox,
        said: mpsc::Sender<Said>,
    ) -> Self {
        let over = journal.recall().ended;
        Self {
            session,
            attempt,
            desk: Desk::default(),
            journal: Mutex::new(journal),
            inbox: Mutex::new(inbox),
            grown: watch::Sender::new(0),
            said,
            seat: Mutex::new(Seat { over, ..Seat::default() }),
            epoch: watch::Sender::new(0),
        }
    }

    pub fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.grown.send_modify(|n| *n += 1);
    }

    /// The next piece of the journal for this reader.
    pub fn read(&self, cursor: &mut Cursor, max: usize) -> Result<Option<Piece>, JournalError> {
        self.journal().read(cursor, max)
    }

    /// Changes when the journal grew, was acked, or the attempt ended.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }

    pub fn record(&self, at: Time, report: &Report, raw: Option<&[u8]>) -> Result<u64, JournalError> {
        let n = self.journal().append(at, report, raw)?;
        self.changed();
        Ok(n)
    }

    /// Shows a line to whoever is attached; dropped when nobody is, or they are slow.
    pub fn live(&self, line: Vec<u8>) {
        if let Some(live) = &self.seat().live {
            let _ = live.try_send(line);
        }
    }

    /// Takes the place for this epoch, which must be higher than every one before. `after`: the last record the
    /// other side has.
    pub fn attach(&self, epoch: u64, attempt: Attempt, after: u64) -> Result<Attached, String> {
        if attempt != self.attempt {
            return Err(format!("attempt {} lives here, not {attempt}", self.attempt));
        }
        let first = self.journal().first();
        if after.saturating_add(1) < first {
            return Err(format!("records before {first} were acked and are gone"));
        }
        let newer = self.epoch.send_if_modified(|newest| {
            let newer = epoch > *newest;
            if newer {
                *newest = epoch;
            }
            newer
        });
        if !newer {
            return Err(format!("epoch {} is attached already", *self.epoch.borrow()));
        }
        let (sender, live) = mpsc::channel(LIVE);
        self.seat().live = Some(sender);
        let cut = Cut { epoch, newest: self.epoch.subscribe() };
        Ok(Attached { live, grown: self.watch(), cut })
    }

    /// On the disk when this returns.
    pub fn keep(&self, command: &Command) -> std::io::Result<()> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).put(command)
    }

    /// `false`: nobody listens any more, the supervisor is going.
    pub async fn say(&self, said: Said) -> bool {
        self.said.send(said).await.is_ok()
    }

    pub fn ack(&self, n: u64) {
        if let Err(error) = self.journal().ack(n) {
            tracing::warn!(session.id = %self.session, error = &error as &dyn std::error::Error, "the journal was not cut");
        }
        self.changed();
    }

    /// The last record is written.
    pub fn end(&self) {
        self.seat().over = true;
        self.changed();
    }

    /// The attempt is over and everything it said is committed.
    pub fn is_done(&self) -> bool {
        let journal = self.journal();
        self.seat().over && journal.acked() == journal.last()
    }

    pub fn tell_ended(&self) {
        self.seat().told = true;
        self.changed();
    }

    pub fn ended_told(&self) -> bool {
        self.seat().told
    }
}
