//! The frames between control plane and supervisor, over whatever byte stream a provider delivers.
//!
//! ```text
//!   supervisor: DEVTASK-LINK 1\n                      (lines before it are shell noise and skipped)
//!   control:    Attach ─► Secrets ─► Want ─► Command…   supervisor: Hello ─► Record… ─► Ended
//!   control:    Ack after each commit                    supervisor: cuts its journal
//! ```
//! A frame is one JSON header line and `len` raw bytes. A record whose raw part is longer than [`MAX_BODY`] travels as
//! several frames with the same `n` and rising `offset`; after a cut it goes on at the offset `Attach` names.
//! Records are sent after they are journaled, and the journal is cut only after `Ack`. The end of an attempt is a
//! frame, never an exit code or the end of the stream.
//!
//! Knows framing and its limits; must not know sockets, sessions' rules or what a report means.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::domain::command::{Command, CommandNo};
use crate::domain::report::Report;
use crate::domain::{Attempt, SessionId, Time};

/// First line of the supervisor's side.
pub const MAGIC: &str = "DEVTASK-LINK 1";
/// Raw bytes of one frame, at most.
pub const MAX_BODY: usize = 256 * 1024;
/// Longest header line: a report's typed view may carry an agent's message.
pub const MAX_HEADER: usize = 1024 * 1024;
/// Shell noise before the magic line, at most.
pub const MAX_NOISE: usize = 64 * 1024;

/// From the control plane down to the supervisor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Down {
    /// Opens the conversation. An attach with a higher epoch cuts all others.
    /// `after`: the last record committed; `offset`: raw bytes of the next one that are there already.
    Attach {
        epoch: u64,
        attempt: Attempt,
        after: u64,
        offset: u64,
    },
    /// Body: JSON object of environment variables for the agent. Never written to disk.
    Secrets,
    Want {
        level: Level,
    },
    Command {
        command: Command,
    },
    Ack {
        n: u64,
    },
    /// Body: `user:password` for the push that asked under this id; empty = there is none.
    Credential {
        id: u64,
    },
    Ping {
        id: u64,
    },
}

/// From the supervisor up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Up {
    /// `last`: newest record in the journal.
    Hello {
        version: String,
        session: SessionId,
        attempt: Attempt,
        last: u64,
    },
    /// `total`: raw bytes of the whole record; absent = it has no raw line. Body: those from `offset` on.
    Record {
        n: u64,
        at: Time,
        report: Report,
        offset: u64,
        total: Option<u64>,
    },
    /// Body: one of the agent's live lines (`stream_event`). Not journaled, may be dropped.
    Live,
    /// The command is on the node's disk.
    Received {
        c: CommandNo,
    },
    /// A git remote asks for a credential.
    NeedCredential {
        id: u64,
    },
    Pong {
        id: u64,
    },
    /// Every record is acked and no process of the attempt is left.
    Ended {
        attempt: Attempt,
        last: u64,
    },
    /// This attach is not taken: another epoch is newer, or the attempt is not the one here.
    Refused {
        why: String,
    },
}

/// [`Up::Record`] for who passes a report on without reading it: the same frame.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "t", rename = "record")]
pub struct Passed<'a> {
    pub n: u64,
    pub at: Time,
    pub report: &'a RawValue,
    pub offset: u64,
    pub total: Option<u64>,
}

/// What an attempt is to do; a level, repeated with every attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Run,
    /// End gently: defer what is asked, finish nothing new, checkpoint.
    Drain,
    /// End at once, checkpoint.
    Stop,
}

/// A header and its raw bytes.
#[derive(Clone, PartialEq)]
pub struct Frame<H> {
    pub header: H,
    pub body: Vec<u8>,
}

impl<H> From<H> for Frame<H> {
    fn from(header: H) -> Self {
        Self { header, body: Vec::new() }
    }
}

/// Bodies may be secrets: shown by length only.
impl<H: std::fmt::Debug> std::fmt::Debug for Frame<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").field("header", &self.header).field("body.len", &self.body.len()).finish()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("the link broke")]
    Io(#[from] std::io::Error),
    #[error("the link was closed")]
    Closed,
    #[error("the peer never said `{MAGIC}`")]
    NoMagic,
    #[error("a frame's header is longer than {MAX_HEADER} bytes")]
    LongHeader,
    #[error("a frame's body of {0} bytes is longer than {MAX_BODY}")]
    LongBody(u64),
    #[error("a frame's header is not understood")]
    BadHeader(#[source] serde_json::Error),
}

/// The header line as sent: `len` beside the tagged header.
#[derive(Serialize, Deserialize)]
struct Line<H> {
    #[serde(default, skip_serializing_if = "is_zero")]
    len: u64,
    #[serde(flatten)]
    header: H,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde asks for")]
fn is_zero(len: &u64) -> bool {
    *len == 0
}

/// Reads frames. Not cancel-safe: give it a task of its own, do not `select!` on it.
pub async fn read_frame<H: DeserializeOwned>(
    from: &mut (impl AsyncBufRead + Unpin),
) -> Result<Frame<H>, LinkError> {
    let mut line = Vec::new();
    read_line(from, &mut line, MAX_HEADER).await?;
    let Line { len, header } = serde_json::from_slice(&line).map_err(LinkError::BadHeader)?;
    let length = usize::try_from(len).ok().filter(|l| *l <= MAX_BODY).ok_or(LinkError::LongBody(len))?;
    let mut body = vec![0; length];
    from.read_exact(&mut body).await?;
    Ok(Frame { header, body })
}

/// The frame at the front of `bytes` and how many of them it takes; `None` where more must be read first.
/// For readers with a buffer of their own: cancel-safe, because it keeps nothing.
pub fn decode<H: DeserializeOwned>(bytes: &[u8]) -> Result<Option<(Frame<H>, usize)>, LinkError> {
    let Some(end) = bytes.iter().take(MAX_HEADER + 1).position(|b| *b == b'\n') else {
        return if bytes.len() > MAX_HEADER { Err(LinkError::LongHeader) } else { Ok(None) };
    };
    let (line, rest) = bytes.split_at(end);
    let Line { len, header } = serde_json::from_slice(line).map_err(LinkError::BadHeader)?;
    let length = usize::try_from(len).ok().filter(|l| *l <= MAX_BODY).ok_or(LinkError::LongBody(len))?;
    let body = rest.get(1..=length).map(<[u8]>::to_vec);
    Ok(body.map(|body| (Frame { header, body }, end + 1 + length)))
}

/// Appends one frame to `out`; the caller decides when to flush.
pub fn encode<H: Serialize>(frame: &Frame<H>, out: &mut Vec<u8>) -> Result<(), LinkError> {
    append(&frame.header, &frame.body, out)
}

/// As [`encode`], for a record whose report is JSON already.
pub fn pass(record: &Passed<'_>, body: &[u8], out: &mut Vec<u8>) -> Result<(), LinkError> {
    append(record, body, out)
}

fn append<H: Serialize>(header: &H, body: &[u8], out: &mut Vec<u8>) -> Result<(), LinkError> {
    let line = Line { len: body.len() as u64, header };
    serde_json::to_writer(&mut *out, &line).map_err(LinkError::BadHeader)?;
    out.push(b'\n');
    out.extend_from_slice(body);
    Ok(())
}

pub async fn write_frame<H: Serialize>(
    to: &mut (impl AsyncWrite + Unpin),
    frame: &Frame<H>,
) -> Result<(), LinkError> {
    let mut out = Vec::with_capacity(frame.body.len() + 256);
    encode(frame, &mut out)?;
    to.write_all(&out).await?;
    to.flush().await?;
    Ok(())
}

/// Skips what a login shell prints until the magic line.
pub async fn skip_noise(from: &mut (impl AsyncBufRead + Unpin)) -> Result<(), LinkError> {
    let mut seen = 0;
    let mut line = Vec::new();
    while seen < MAX_NOISE {
        line.clear();
        read_line(from, &mut line, MAX_NOISE).await?;
        if line.strip_suffix(b"\r").unwrap_or(&line) == MAGIC.as_bytes() {
            return Ok(());
        }
        seen += line.len() + 1;
    }
    Err(LinkError::NoMagic)
}

async fn read_line(
    from: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
    max: usize,
) -> Result<(), LinkError> {
    let mut limited = from.take(max as u64 + 1);
    limited.read_until(b'\n', line).await?;
    match line.pop() {
        Some(b'\n') => Ok(()),
        Some(_) if line.len() >= max => Err(LinkError::LongHeader),
        _ => Err(LinkError::Closed),
    }
}
