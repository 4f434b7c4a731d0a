//! One conversation over any byte stream: attach, then records up and words down until it breaks or is cut.
//!
//! A reading task takes frames as they come, so that a slow way up never delays a wish to stop. Must not know where
//! the stream comes from.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, watch};

use crate::domain::command::Command;
use crate::wire::link::{
    Down, Frame, LinkError, MAGIC, MAX_BODY, Passed, Up, encode, pass, read_frame, write_frame,
};

use super::super::journal::{Cursor, JournalError, Piece};
use super::super::station::{Attached, Said, Station};

/// A peer that says nothing is let go.
const FOR_ATTACH: Duration = Duration::from_secs(20);
/// Bytes that are put together before they are written.
const BATCH: usize = 128 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the peer did not attach in time")]
    Silent,
    #[error("the peer broke the protocol: {0}")]
    Protocol(&'static str),
    #[error("a newer attach took its place")]
    Cut,
}

/// Holds one conversation to its end.
pub async fn converse<R, W>(from: R, mut to: W, station: &Arc<Station>) -> Result<(), TalkError>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin,
{
    to.write_all(format!("{MAGIC}\n").as_bytes()).await.map_err(LinkError::from)?;
    to.flush().await.map_err(LinkError::from)?;
    let mut from = BufReader::new(from);
    let first = tokio::time::timeout(FOR_ATTACH, read_frame::<Down>(&mut from)).await;
    let first = first.map_err(|_| TalkError::Silent)??;
    let Down::Attach { epoch, attempt, after, offset } = first.header else {
        return Err(TalkError::Protocol("the first frame is no attach"));
    };
    let attached = match station.attach(epoch, attempt, after) {
        Ok(attached) => attached,
        Err(why) => {
            write_frame(&mut to, &Up::Refused { why }.into()).await?;
            return Ok(());
        }
    };
    station.journal().resume_after(after)?;
    let last = station.journal().last();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let hello = Up::Hello { version, session: station.session, attempt, last };
    write_frame(&mut to, &hello.into()).await?;
    tracing::info!(session.id = %station.session, link.epoch = epoch, journal.after = after, "attached");

    let (replies, outgoing) = mpsc::channel(64);
    let _reader = Reading(tokio::spawn(read(from, Arc::clone(station), replies)));
    let Attached { live, grown, mut cut } = attached;
    let mut sending = Sending { to, station, live, grown, outgoing, cursor: Cursor::after(after, offset) };
    tokio::select! {
        result = sending.run() => result,
        () = cut.wait() => Err(TalkError::Cut),
    }
}

/// The reading task goes with its conversation.
struct Reading(tokio::task::JoinHandle<()>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Sending<'a, W> {
    to: W,
    station: &'a Station,
    live: mpsc::Receiver<Vec<u8>>,
    grown: watch::Receiver<u64>,
    outgoing: mpsc::Receiver<Frame<Up>>,
    cursor: Cursor,
}

impl<W: AsyncWrite + Unpin> Sending<'_, W> {
    async fn run(&mut self) -> Result<(), TalkError> {
        let mut asked = self.station.desk.watch();
        let mut needed = 0;
        let mut ended = false;
        loop {
            self.grown.borrow_and_update();
            asked.borrow_and_update();
            let mut batch = Vec::new();
            self.replies(&mut batch)?;
            for id in self.station.desk.open().into_iter().filter(|id| *id > needed) {
                encode(&Up::NeedCredential { id }.into(), &mut batch)?;
            }
            needed = needed.max(*asked.borrow());
            self.records(&mut batch)?;
            self.live_lines(&mut batch)?;
            if batch.is_empty() && !ended && self.station.is_done() {
                ended = true;
                let last = self.station.journal().last();
                encode(&Up::Ended { attempt: self.station.attempt, last }.into(), &mut batch)?;
            }
            if !batch.is_empty() {
                self.to.write_all(&batch).await.map_err(LinkError::from)?;
                self.to.flush().await.map_err(LinkError::from)?;
                if ended {
                    self.station.tell_ended();
                }
                continue;
            }
            let more = tokio::select! {
                frame = self.outgoing.recv() => match frame {
                    Some(frame) => Some(frame),
                    None => return Ok(()),
                },
                line = self.live.recv() => line.and_then(live_frame),
                _ = self.grown.changed() => None,
                _ = asked.changed() => None,
            };
            if let Some(frame) = more {
                write_frame(&mut self.to, &frame).await?;
            }
        }
    }

    fn replies(&mut self, batch: &mut Vec<u8>) -> Result<(), TalkError> {
        while let Ok(frame) = self.outgoing.try_recv() {
            encode(&frame, batch)?;
        }
        Ok(())
    }

    fn records(&mut self, batch: &mut Vec<u8>) -> Result<(), TalkError> {
        while batch.len() < BATCH {
            let Some(piece) = self.station.read(&mut self.cursor, MAX_BODY)? else { break };
            let Piece { head, offset, bytes } = piece;
            let record = Passed { n: head.n, at: head.at, report: &head.report, offset, total: head.raw };
            pass(&record, &bytes, batch)?;
        }
        Ok(())
    }

    fn live_lines(&mut self, batch: &mut Vec<u8>) -> Result<(), TalkError> {
        while batch.len() < BATCH {
            let Ok(line) = self.live.try_recv() else { break };
            if let Some(frame) = live_frame(line) {
                encode(&frame, batch)?;
            }
        }
        Ok(())
    }
}

/// Live lines may be dropped: one that fits no frame is.
fn live_frame(line: Vec<u8>) -> Option<Frame<Up>> {
    if line.len() > MAX_BODY {
        return None;
    }
    Some(Frame { header: Up::Live, body: line })
}

async fn read<R: AsyncRead + Unpin>(
    mut from: BufReader<R>,
    station: Arc<Station>,
    replies: mpsc::Sender<Frame<Up>>,
) {
    loop {
        let taken = match read_frame::<Down>(&mut from).await {
            Ok(frame) => take(frame, &station, &replies).await,
            Err(LinkError::Closed) => return,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = taken {
            tracing::info!(session.id = %station.session, error = &error as &dyn std::error::Error, "a link is not read any more");
            return;
        }
    }
}

async fn take(
    frame: Frame<Down>,
    station: &Station,
    replies: &mpsc::Sender<Frame<Up>>,
) -> Result<(), TalkError> {
    match frame.header {
        Down::Attach { .. } => return Err(TalkError::Protocol("a second attach on one stream")),
        Down::Secrets => {
            station
                .desk
                .put_secrets(&frame.body)
                .map_err(|_| TalkError::Protocol("secrets that are no secrets"))?;
            station.say(Said::Secrets).await;
        }
        Down::Want { level } => {
            station.say(Said::Want(level)).await;
        }
        Down::Command { command } => {
            let c = command.c;
            keep(&command, station).await;
            let _ = replies.send(Up::Received { c }.into()).await;
            station.say(Said::Command(command)).await;
        }
        Down::Ack { n } => station.ack(n),
        Down::Credential { id } => station.desk.give(id, frame.body),
        Down::Ping { id } => {
            let _ = replies.send(Up::Pong { id }.into()).await;
        }
    }
    Ok(())
}

/// Until it is on the disk: a full one is waited for, and nothing more is read from the link meanwhile.
async fn keep(command: &Command, station: &Station) {
    while let Err(error) = station.keep(command) {
        tracing::warn!(session.id = %station.session, command.c = command.c, %error, "a command could not be kept yet");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
