//! The conversation with one supervisor: records in, batch by batch, each acked after its commit; wants and commands
//! out, each attach from the beginning.
//!
//! Everything it says is computed from the row; everything it hears goes through the writer. Must not know how the
//! stream was made.

mod say;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{ReadHalf, WriteHalf};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::super::Inner;
use super::super::jobs::Job;
use super::Trouble;
use super::inbox::Inbox;
use super::intake::{Broken, Intake, Partial, Piece};
use crate::domain::command::CommandNo;
use crate::domain::lease::Input as Step;
use crate::domain::report::Record;
use crate::domain::session::{self, Input, Refusal};
use crate::domain::{Attempt, SessionId};
use crate::node::Duplex;
use crate::store::{CommitError, Lane, Row};
use crate::wire::link::{Down, Frame, Level, Up};

/// Records and raw bytes of one commit.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 1 << 20;
const PING: Duration = Duration::from_secs(15);
const HELLO: Duration = Duration::from_secs(30);

struct Talk<'a> {
    inner: &'a Inner,
    id: SessionId,
    attempt: Attempt,
    row: Row,
    down: WriteHalf<Box<dyn Duplex>>,
    out: Vec<u8>,
    intake: Intake,
    batch: Vec<Record>,
    batch_bytes: usize,
    level: Option<Level>,
    sent: BTreeSet<CommandNo>,
    /// The log takes nothing of this attempt any more: what comes is acked, so that it can end.
    muted: bool,
    greeted: bool,
    /// A record was committed: the link is worth its trouble.
    heard: bool,
    quiet_pings: u32,
}

impl Inner {
    /// Attaches and stays until the attempt has ended. `partial` goes in and comes out; `heard`: it was of use.
    pub(super) async fn attach_once(
        &self,
        id: SessionId,
        attempt: Attempt,
        partial: &mut Option<Partial>,
        heard: &mut bool,
    ) -> Result<(), Trouble> {
        let (row, stream) = self.connect(id, attempt).await?;
        let mut talk = Talk::new(self, id, attempt, row, stream.down, partial.take());
        let result = talk.run(stream.up, stream.first).await;
        *heard = talk.heard;
        *partial = talk.intake.into_partial();
        result
    }
}

impl<'a> Talk<'a> {
    fn new(
        inner: &'a Inner,
        id: SessionId,
        attempt: Attempt,
        row: Row,
        down: WriteHalf<Box<dyn Duplex>>,
        partial: Option<Partial>,
    ) -> Self {
        let newest = row.session.attempt == attempt;
        let muted = !(newest && row.session.status.runs());
        let last = if newest { row.session.ingested } else { 0 };
        Self {
            inner,
            id,
            attempt,
            row,
            down,
            out: Vec::new(),
            intake: Intake::new(last, partial),
            batch: Vec::new(),
            batch_bytes: 0,
            level: None,
            sent: BTreeSet::new(),
            muted,
            greeted: false,
            heard: false,
            quiet_pings: 0,
        }
    }

    async fn run(&mut self, up: ReadHalf<Box<dyn Duplex>>, first: Vec<u8>) -> Result<(), Trouble> {
        let mut head = self.inner.store.head(self.id);
        head.borrow_and_update();
        // What was committed while the link was being made woke nobody: it is read after the watch has begun.
        self.row = self.inner.store.row(self.id).await?.ok_or(Trouble::Moved)?;
        let mut inbox = Inbox::new(up, first);
        self.open().await?;
        if self.hear(&mut inbox).await? {
            return Ok(());
        }
        timeout(HELLO, self.greet(&mut inbox))
            .await
            .map_err(|_| Trouble::NotStarted("it said no hello".into()))??;
        let mut pings = interval(PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pings.reset();
        loop {
            tokio::select! {
                changed = head.changed() => {
                    if changed.is_err() { return Err(Trouble::Moved) }
                    let newest = *head.borrow_and_update();
                    if newest > self.row.session.head { self.look().await?; }
                }
                _ = pings.tick() => self.ping().await?,
                filled = inbox.fill() => {
                    filled?;
                    if self.hear(&mut inbox).await? { return Ok(()) }
                }
            }
        }
    }

    /// Reads until the supervisor has said who it is.
    async fn greet(&mut self, inbox: &mut Inbox<ReadHalf<Box<dyn Duplex>>>) -> Result<(), Trouble> {
        while !self.greeted {
            inbox.fill().await?;
            self.hear(inbox).await?;
        }
        Ok(())
    }

    /// Takes every frame that is here; `true` when the attempt has ended and its node is free.
    async fn hear(&mut self, inbox: &mut Inbox<ReadHalf<Box<dyn Duplex>>>) -> Result<bool, Trouble> {
        while let Some(frame) = inbox.next()? {
            self.quiet_pings = 0;
            if self.frame(frame).await? {
                return Ok(true);
            }
        }
        self.commit().await?;
        self.flush_out().await?;
        Ok(false)
    }

    async fn frame(&mut self, frame: Frame<Up>) -> Result<bool, Trouble> {
        let Frame { header, body } = frame;
        match header {
            Up::Record { n, at, report, offset, total } => {
                self.record(Piece { n, at, report, offset, total, body }).await?;
            }
            Up::Hello { session, attempt, version, .. } => {
                if session != self.id || attempt != self.attempt {
                    return Err(Trouble::Refused(format!("it runs attempt {attempt} of {session}")));
                }
                tracing::debug!(session.id = %self.id, supervisor.version = %version, "a supervisor is there");
                self.hello().await?;
            }
            Up::NeedCredential { id } => self.credential(id).await?,
            Up::Ended { attempt, .. } if attempt == self.attempt => {
                self.commit().await?;
                self.flush_out().await?;
                self.ended().await?;
                return Ok(true);
            }
            Up::Ended { attempt, .. } => return Err(Trouble::Refused(format!("it ended attempt {attempt}"))),
            Up::Refused { why } => return Err(Trouble::Refused(why.chars().take(300).collect())),
            Up::Live | Up::Received { .. } | Up::Pong { .. } => {}
        }
        Ok(false)
    }

    async fn hello(&mut self) -> Result<(), Trouble> {
        self.greeted = true;
        self.inner.jobs.goes_well(self.id, Job::Link);
        if self.muted {
            return Ok(());
        }
        let attempt = self.attempt;
        if let Some(row) = self.inner.tell(self.id, Input::Hello { attempt }).await? {
            self.row = row;
            self.follow(false).await?;
        }
        Ok(())
    }

    async fn record(&mut self, piece: Piece) -> Result<(), Trouble> {
        if self.muted {
            let (n, end) = (piece.n, piece.offset.saturating_add(piece.body.len() as u64));
            if piece.total.is_none_or(|total| end >= total) {
                self.say(Down::Ack { n })?;
            }
            return Ok(());
        }
        let record = match self.intake.take(piece) {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(()),
            Err(Broken::Gap) => {
                self.commit().await?;
                return Err(Trouble::Gap);
            }
            Err(Broken::Bad(why)) => {
                self.commit().await?;
                return Err(Trouble::Bad(why));
            }
        };
        self.batch_bytes += record.raw.as_ref().map_or(0, Vec::len);
        self.batch.push(record);
        if self.batch.len() >= BATCH || self.batch_bytes >= BATCH_BYTES {
            self.commit().await?;
            self.flush_out().await?;
        }
        Ok(())
    }

    /// One commit for all that came together, and the ack after it.
    async fn commit(&mut self) -> Result<(), Trouble> {
        let Some(last) = self.batch.last().map(|r| r.n) else { return Ok(()) };
        let records: Arc<[Record]> = std::mem::take(&mut self.batch).into();
        self.batch_bytes = 0;
        let attempt = self.attempt;
        let step = move |row: &Row, _: &_, now| {
            let session = &row.session;
            if !session.status.runs() {
                return Err(Refusal::Fenced { session: session.id(), attempt });
            }
            session::step(session, Input::Records { attempt, records: records.to_vec() }, now)
        };
        match self.inner.store.commit(self.id, Lane::Machines, None, step).await {
            Ok(row) => {
                self.row = row;
                self.heard = true;
                self.follow(false).await?;
            }
            Err(CommitError::Refused(Refusal::Gap { .. })) => return Err(Trouble::Gap),
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(refusal) => {
                tracing::info!(session.id = %self.id, session.attempt = %attempt, %refusal, "its words count no more");
                self.muted = true;
            }
        }
        self.say(Down::Ack { n: last })
    }

    /// No process of the attempt is left. One that ended without a last record is lost.
    async fn ended(&mut self) -> Result<(), Trouble> {
        let attempt = self.attempt;
        let row = self.inner.store.row(self.id).await?.ok_or(Trouble::Moved)?;
        if let Some(lease) = row.lease.as_deref() {
            self.inner.move_lease(self.id, &lease.key, Step::Swept { attempt }).await?;
        }
        if row.session.attempt == attempt {
            self.inner.attempt_lost(&row, "its supervisor ended without saying how", true).await?;
        }
        Ok(())
    }
}
