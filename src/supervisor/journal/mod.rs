//! The journal of one attempt: numbered records on disk, before anybody is told of them.
//!
//! ```text
//!   file = magic  header{first, recall} record record … (torn end)
//! ```
//! Append-only; the acked front is cut by writing the rest into a new file that takes the old one's place. What a
//! restarted supervisor must remember of cut records travels in the header ([`Recall`]). Raw lines are read in pieces,
//! so memory stays small whatever a line's length. Must not know links or agents.

mod file;
mod frame;
mod reader;
mod recall;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::domain::Time;
use crate::domain::report::Report;

pub use frame::Head;
pub use reader::{Cursor, Piece};
pub use recall::Recall;

use file::{Header, checksum_holds, copy, create, is_ours, read_at, read_header};
use reader::Ahead;

/// Every so many bytes one place is remembered, so that an ack or an attach need not read from the start.
const STRIDE: u64 = 16 * 1024;
/// The acked front is cut when it is at least this long, and at least as long as the rest.
const CUT_FROM: u64 = 1024 * 1024;
/// Unacked bytes from which on the agent is not read any more.
pub const CAP: u64 = 256 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal could not be {0}")]
    Io(&'static str, #[source] std::io::Error),
    #[error("a record could not be written as JSON")]
    Encode(#[source] serde_json::Error),
    #[error("`{}` is no journal", .0.display())]
    Foreign(PathBuf),
}

/// An attempt's journal, open for writing and reading.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// End of the last whole record.
    end: u64,
    /// The file's first record and where it starts.
    first: u64,
    start: u64,
    last: u64,
    acked: u64,
    /// Where record `acked + 1` starts.
    acked_at: u64,
    /// Records after `acked`, [`STRIDE`] bytes apart: each one's number and where it starts.
    marks: VecDeque<(u64, u64)>,
    recall: Recall,
    unsynced: bool,
}

impl Journal {
    /// Opens the journal, or begins it. A torn end is cut off; what stands before it is kept.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io("opened", source);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path).map_err(io)?;
        let length = file.seek(SeekFrom::End(0)).map_err(io)?;
        let start = read_header(&file, length);
        let Some((header, start)) = start else {
            return if is_ours(&file, length) {
                Self::begin(path, &Header { first: 1, recall: Recall::default() })
            } else {
                Err(JournalError::Foreign(path.to_owned()))
            };
        };
        let mut journal = Self::empty(path, file, &header, start);
        journal.recover(length).map_err(io)?;
        Ok(journal)
    }

    fn empty(path: &Path, file: File, header: &Header, start: u64) -> Self {
        let last = header.first.saturating_sub(1);
        Self {
            path: path.to_owned(),
            file,
            end: start,
            first: header.first,
            start,
            last,
            acked: last,
            acked_at: start,
            marks: VecDeque::new(),
            recall: header.recall.clone(),
            unsynced: false,
        }
    }

    /// A new file beside the old one, which it replaces at once.
    fn begin(path: &Path, header: &Header) -> Result<Self, JournalError> {
        let (file, start) = create(path, header, |_, _| Ok(()))?;
        Ok(Self::empty(path, file, header, start))
    }

    /// Walks over the records and stops at the first that is not whole.
    fn recover(&mut self, length: u64) -> std::io::Result<()> {
        let mut ahead = Ahead::default();
        while let Some((n, report, size)) = self.whole(&mut ahead, self.end, length) {
            if n != self.last + 1 {
                break;
            }
            self.noted(&report, size);
        }
        if self.end < length {
            tracing::warn!(bytes = length - self.end, "the journal had a torn end");
            self.file.set_len(self.end)?;
        }
        Ok(())
    }

    /// The record at `at` with its checksum looked at; `None` where there is no whole one.
    fn whole(&self, ahead: &mut Ahead, at: u64, length: u64) -> Option<(u64, Report, u64)> {
        let prefix = ahead.get(self.place(), at, frame::PREFIX, length).ok()?;
        let (body_length, crc) = frame::prefix(prefix.try_into().ok()?)?;
        let size = (frame::PREFIX + body_length) as u64;
        if at.checked_add(size)? > length || !checksum_holds(&self.file, at, body_length, crc) {
            return None;
        }
        let head = self.head(ahead, at, length).ok().flatten()?;
        Some((head.n, serde_json::from_str(head.report.get()).ok()?, size))
    }

    /// The file as readers know it apart from those before a cut.
    fn place(&self) -> (&File, u64) {
        (&self.file, self.first)
    }

    fn noted(&mut self, report: &Report, size: u64) {
        self.last += 1;
        let marked = self.marks.back().map_or(self.acked_at, |(_, at)| *at);
        if self.end - marked >= STRIDE {
            self.marks.push_back((self.last, self.end));
        }
        self.end += size;
        self.recall.note(report);
    }

    /// Writes a record and gives its number. What people wait for is on the disk itself when this returns.
    /// After an error nothing of it is there and the same call may be made again.
    pub fn append(&mut self, at: Time, report: &Report, raw: Option<&[u8]>) -> Result<u64, JournalError> {
        let n = self.last + 1;
        let bytes = frame::encode(n, at, report, raw).map_err(JournalError::Encode)?;
        let sync = must_last(report);
        let mut wrote = self.file.write_all_at(&bytes, self.end);
        if wrote.is_ok() && sync {
            wrote = self.file.sync_data();
        }
        if let Err(source) = wrote {
            // Half a record at the end is what recovery cuts off; taking it back now frees the space too.
            let _ = self.file.set_len(self.end);
            return Err(JournalError::Io("written", source));
        }
        self.unsynced = !sync;
        self.noted(report, bytes.len() as u64);
        Ok(n)
    }

    /// Number of the oldest record that is still here.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Number of the newest record; 0 = there is none.
    pub fn last(&self) -> u64 {
        self.last
    }

    pub fn acked(&self) -> u64 {
        self.acked
    }

    pub fn recall(&self) -> &Recall {
        &self.recall
    }

    /// Too much is waiting for its ack: nothing more should be read from the agent.
    pub fn is_behind(&self, cap: u64) -> bool {
        self.end - self.acked_at > cap
    }

    /// The control plane has committed all up to `after`: a machine that lost its last writes goes on behind them.
    pub fn resume_after(&mut self, after: u64) -> Result<(), JournalError> {
        if after > self.last {
            let header = Header { first: after + 1, recall: self.recall.clone() };
            *self = Self::begin(&self.path, &header)?;
        }
        self.ack(after)
    }

    /// Everything up to `n` is committed elsewhere; the front is cut when that is worth its while.
    pub fn ack(&mut self, n: u64) -> Result<(), JournalError> {
        if n <= self.acked || n > self.last {
            return Ok(());
        }
        let Some(at) = self.find(n + 1)? else { return Ok(()) };
        self.acked = n;
        self.acked_at = at;
        while self.marks.front().is_some_and(|(m, _)| *m <= n) {
            self.marks.pop_front();
        }
        if at >= CUT_FROM && at >= self.end - at { self.cut() } else { Ok(()) }
    }

    fn cut(&mut self) -> Result<(), JournalError> {
        let header = Header { first: self.acked + 1, recall: self.recall.clone() };
        let (from, to, old) = (self.acked_at, self.end, &self.file);
        let (file, start) = create(&self.path, &header, |new, start| copy(old, from, to, new, start))?;
        let moved = |place: u64| place - from + start;
        self.marks.iter_mut().for_each(|(_, at)| *at = moved(*at));
        self.end = moved(to);
        self.acked_at = start;
        self.start = start;
        self.first = header.first;
        self.file = file;
        Ok(())
    }

    /// The next piece for this reader, at most `max` raw bytes; `None` = it has seen everything.
    pub fn read(&self, cursor: &mut Cursor, max: usize) -> Result<Option<Piece>, JournalError> {
        let io = |source| JournalError::Io("read", source);
        if cursor.n > self.last || cursor.n < self.first {
            return Ok(None);
        }
        let known = cursor.at.filter(|(first, _)| *first == self.first).map(|(_, at)| at);
        let Some(at) = known.map_or_else(|| self.find(cursor.n), |at| Ok(Some(at)))? else { return Ok(None) };
        let Some(head) = self.head(&mut cursor.ahead, at, self.end).map_err(io)? else { return Ok(None) };
        let total = head.raw.unwrap_or(0);
        let offset = cursor.offset.min(total);
        let take = (total - offset).min(max as u64);
        let length = usize::try_from(take).unwrap_or(max);
        let raw = cursor.ahead.get(self.place(), at + head.raw_at + offset, length, self.end);
        let bytes = raw.map_err(io)?.to_vec();
        if offset + take >= total {
            (cursor.n, cursor.offset) = (cursor.n + 1, 0);
            cursor.at = Some((self.first, at + head.raw_at + total));
        } else {
            cursor.offset = offset + take;
            cursor.at = Some((self.first, at));
        }
        Ok(Some(Piece { head, offset, bytes }))
    }

    /// Where record `n` starts, from the nearest remembered place before it.
    fn find(&self, n: u64) -> Result<Option<u64>, JournalError> {
        let io = |source| JournalError::Io("read", source);
        if n == self.last + 1 {
            return Ok(Some(self.end));
        }
        let before = self.marks.partition_point(|(m, _)| *m <= n);
        let mark = before.checked_sub(1).and_then(|last| self.marks.get(last)).copied();
        let near = if n > self.acked { (self.acked + 1, self.acked_at) } else { (self.first, self.start) };
        let (mut at_n, mut at) = mark.unwrap_or(near);
        if n < at_n {
            return Ok(None);
        }
        while at_n < n {
            let prefix = read_at(&self.file, at, frame::PREFIX).map_err(io)?;
            let Some((length, _)) = prefix.try_into().ok().and_then(frame::prefix) else { return Ok(None) };
            at += (frame::PREFIX + length) as u64;
            at_n += 1;
        }
        Ok(Some(at))
    }

    fn head(&self, ahead: &mut Ahead, at: u64, end: u64) -> std::io::Result<Option<Head>> {
        let start = ahead.get(self.place(), at, frame::PREFIX + frame::fixed(), end)?;
        let Some((prefix, fixed)) = start.split_first_chunk() else { return Ok(None) };
        let Some((length, _)) = frame::prefix(*prefix) else { return Ok(None) };
        let Some(head) = frame::head_length(fixed).filter(|h| *h <= length) else { return Ok(None) };
        let body = ahead.get(self.place(), at + frame::PREFIX as u64, head, end)?;
        Ok(frame::head(length, body))
    }
}

/// Records that must survive the machine's own death: asks, answers, results, and what the end rests on.
fn must_last(report: &Report) -> bool {
    matches!(
        report,
        Report::AskRaised { .. }
            | Report::AskTakenBack { .. }
            | Report::AnswerApplied { .. }
            | Report::CommandConsumed { .. }
            | Report::TurnEnded { .. }
            | Report::CheckEnded { .. }
            | Report::Checkpoint { .. }
            | Report::Pushed(_)
            | Report::Ended { .. }
    )
}
