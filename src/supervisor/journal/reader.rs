//! A reader's place in the journal, and what it has read ahead: one read of the file serves many records.
//!
//! Knows bytes and places; must not know what a record looks like.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::Head;

/// Bytes of one read, where there are so many.
const AHEAD: u64 = 64 * 1024;

/// A record to be sent, with a piece of its raw line.
#[derive(Debug)]
pub struct Piece {
    pub head: Head,
    pub offset: u64,
    pub bytes: Vec<u8>,
}

/// A reader's place: the record it sends next and how much of its raw line is sent already.
#[derive(Debug)]
pub struct Cursor {
    pub n: u64,
    pub offset: u64,
    /// Where `n` starts, and in which file: a cut moves it.
    pub(super) at: Option<(u64, u64)>,
    pub(super) ahead: Ahead,
}

impl Cursor {
    /// After record `after`, of whose successor `offset` raw bytes are there already.
    pub fn after(after: u64, offset: u64) -> Self {
        Self { n: after.saturating_add(1), offset, at: None, ahead: Ahead::default() }
    }
}

/// A stretch of a file that was read. What is written stays as it is, so it never goes stale; a cut makes a new file,
/// told by the number of its first record.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    first: u64,
    from: u64,
    bytes: Vec<u8>,
}

impl Ahead {
    /// The `length` bytes at `at` of the file that begins with record `first` and is whole up to `end`.
    pub(super) fn get(
        &mut self,
        (file, first): (&File, u64),
        at: u64,
        length: usize,
        end: u64,
    ) -> io::Result<&[u8]> {
        let here = at.checked_sub(self.from).filter(|_| self.first == first);
        let here = here.and_then(|skip| usize::try_from(skip).ok());
        let start = match here {
            Some(start) if start.saturating_add(length) <= self.bytes.len() => start,
            _ => {
                self.read((file, first), at, length, end)?;
                0
            }
        };
        Ok(self.bytes.get(start..start + length).unwrap_or_default())
    }

    fn read(&mut self, (file, first): (&File, u64), at: u64, length: usize, end: u64) -> io::Result<()> {
        let take = end.saturating_sub(at).min(AHEAD).max(length as u64);
        self.bytes.clear();
        self.bytes.resize(usize::try_from(take).unwrap_or(length), 0);
        let read = file.read_exact_at(&mut self.bytes, at);
        if read.is_err() {
            self.bytes.clear();
        }
        (self.first, self.from) = (first, at);
        read
    }
}
