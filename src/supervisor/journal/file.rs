//! The journal's file as a whole: its header, and how one takes another's place.
//!
//! ```text
//!   magic  prefix{length, crc}  header as JSON  records …
//! ```
//! A new file is written beside the old one, synced, and renamed: there is always one whole file. Must not know what a
//! record says.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{JournalError, Recall, frame};

const MAGIC: &[u8; 8] = b"DTJRNL1\n";

#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    /// Number of the file's first record.
    pub(super) first: u64,
    pub(super) recall: Recall,
}

pub(super) fn read_at(file: &File, at: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

pub(super) fn checksum_holds(file: &File, at: u64, length: usize, crc: u32) -> bool {
    let mut hasher = crc32fast::Hasher::new();
    let mut at = at + frame::PREFIX as u64;
    let mut left = length;
    while left > 0 {
        let take = left.min(64 * 1024);
        let Ok(bytes) = read_at(file, at, take) else { return false };
        hasher.update(&bytes);
        at += take as u64;
        left -= take;
    }
    hasher.finalize() == crc
}

pub(super) fn read_header(file: &File, length: u64) -> Option<(Header, u64)> {
    let magic = read_at(file, 0, MAGIC.len()).ok()?;
    let prefix = read_at(file, MAGIC.len() as u64, frame::PREFIX).ok()?;
    let (size, crc) = frame::prefix(prefix.try_into().ok()?)?;
    let start = (MAGIC.len() + frame::PREFIX + size) as u64;
    if magic != MAGIC || start > length || !checksum_holds(file, MAGIC.len() as u64, size, crc) {
        return None;
    }
    let body = read_at(file, (MAGIC.len() + frame::PREFIX) as u64, size).ok()?;
    Some((serde_json::from_slice(&body).ok()?, start))
}

/// A file whose header is not whole never held a record: it is put in place only when it is.
pub(super) fn is_ours(file: &File, length: u64) -> bool {
    let take = usize::try_from(length).unwrap_or(usize::MAX).min(MAGIC.len());
    read_at(file, 0, take).is_ok_and(|start| MAGIC.starts_with(&start))
}

/// Writes a whole new file and puts it in the old one's place.
pub(super) fn create(
    path: &Path,
    header: &Header,
    fill: impl FnOnce(&File, u64) -> std::io::Result<()>,
) -> Result<(File, u64), JournalError> {
    let io = |source| JournalError::Io("begun", source);
    let mut bytes = vec![0; frame::PREFIX];
    serde_json::to_writer(&mut bytes, header).map_err(JournalError::Encode)?;
    frame::seal(&mut bytes);
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    let made =
        options.read(true).write(true).create(true).truncate(true).mode(0o600).open(&fresh).map_err(io)?;
    let start = (MAGIC.len() + bytes.len()) as u64;
    made.write_all_at(MAGIC, 0).map_err(io)?;
    made.write_all_at(&bytes, MAGIC.len() as u64).map_err(io)?;
    fill(&made, start).map_err(io)?;
    made.sync_data().map_err(io)?;
    std::fs::rename(&fresh, path).map_err(io)?;
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|f| f.sync_all()).map_err(io)?;
    }
    Ok((made, start))
}

pub(super) fn copy(old: &File, mut from: u64, to: u64, new: &File, mut at: u64) -> std::io::Result<()> {
    while from < to {
        let take = (to - from).min(64 * 1024);
        let bytes = read_at(old, from, usize::try_from(take).unwrap_or(64 * 1024))?;
        new.write_all_at(&bytes, at)?;
        from += take;
        at += take;
    }
    Ok(())
}
