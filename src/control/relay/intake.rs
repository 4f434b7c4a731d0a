//! Records out of frames: chunks put together, doubles dropped, gaps noticed, everything bounded.
//!
//! No IO. Must not know what a report means or where records go.

use crate::domain::Time;
use crate::domain::report::{Record, Report};

/// Raw bytes of one record, at most; the supervisor sends a stub for what is longer.
pub(super) const MAX_RECORD: u64 = 64 * 1024 * 1024;

/// A record whose raw bytes are still coming; survives a cut of the link.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Partial {
    n: u64,
    total: u64,
    bytes: Vec<u8>,
}

/// One frame's part of a record.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) n: u64,
    pub(super) at: Time,
    pub(super) report: Report,
    pub(super) offset: u64,
    pub(super) total: Option<u64>,
    pub(super) body: Vec<u8>,
}

/// Why a piece is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Something before it is missing: attach again.
    Gap,
    /// It could never be right.
    Bad(String),
}

#[derive(Debug)]
pub(super) struct Intake {
    /// The last whole record taken.
    last: u64,
    partial: Option<Partial>,
}

impl Intake {
    /// Goes on after record `last`, with what an earlier attach had of the next one.
    pub(super) fn new(last: u64, partial: Option<Partial>) -> Self {
        Self { last, partial: partial.filter(|p| p.n == last + 1) }
    }

    /// Raw bytes of the next record that are here already.
    pub(super) fn offset(&self) -> u64 {
        self.partial.as_ref().map_or(0, |p| p.bytes.len() as u64)
    }

    pub(super) fn into_partial(self) -> Option<Partial> {
        self.partial
    }

    /// The whole record, once it is complete; nothing for a double.
    pub(super) fn take(&mut self, piece: Piece) -> Result<Option<Record>, Broken> {
        if piece.n <= self.last {
            return Ok(None);
        }
        if piece.n != self.last + 1 {
            return Err(Broken::Gap);
        }
        let Piece { n, at, report, offset, total, body } = piece;
        let Some(total) = total else {
            return self.complete(Record { n, at, report, raw: None });
        };
        if total > MAX_RECORD {
            let limit = MAX_RECORD / (1024 * 1024);
            return Err(Broken::Bad(format!("sent a record of {total} bytes; {limit} MiB is the limit")));
        }
        if offset == 0 && body.len() as u64 == total {
            return self.complete(Record { n, at, report, raw: Some(body) });
        }
        let raw = self.append(n, offset, total, &body)?;
        match raw {
            Some(raw) => self.complete(Record { n, at, report, raw: Some(raw) }),
            None => Ok(None),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape `take` returns")]
    fn complete(&mut self, record: Record) -> Result<Option<Record>, Broken> {
        self.last = record.n;
        self.partial = None;
        Ok(Some(record))
    }

    fn append(&mut self, n: u64, offset: u64, total: u64, body: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
        if offset == 0 {
            self.partial = Some(Partial { n, total, bytes: Vec::new() });
        }
        let partial = self.partial.as_mut().filter(|p| p.n == n && p.bytes.len() as u64 == offset);
        let Some(partial) = partial else { return Err(Broken::Gap) };
        let length = offset.saturating_add(body.len() as u64);
        if partial.total != total || length > total || body.is_empty() {
            return Err(Broken::Bad(format!("sent record {n} with lengths that do not fit")));
        }
        partial.bytes.extend_from_slice(body);
        Ok((length == total).then(|| std::mem::take(&mut partial.bytes)))
    }
}
