//! Lines out of an agent's standard output, with bounded memory.
//!
//! Knows bytes, newlines and a cap; must not know what a line means. A line over the cap is counted and hashed instead
//! of kept, and delivered as a stub `{"type":"devtask_stub","bytes":N,"sha256":"…"}`.

use std::io;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest line that is kept, in bytes.
pub const MAX_LINE: usize = 64 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;

/// Reads lines. What has been read of an unfinished line stays inside, so [`next_line`](Lines::next_line) may be dropped
/// at any await point (in a `select!`) without losing a byte.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    cap: usize,
    chunk: Vec<u8>,
    /// The part of `chunk` that is not consumed yet.
    from: usize,
    to: usize,
    line: Line,
}

/// The line being read.
#[derive(Debug)]
enum Line {
    Kept(Vec<u8>),
    Counted { bytes: u64, hash: Sha256 },
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub fn new(reader: R) -> Self {
        Self::with_cap(reader, MAX_LINE)
    }

    /// As [`new`](Lines::new) with another cap, in bytes.
    pub fn with_cap(reader: R, cap: usize) -> Self {
        Self { reader, cap, chunk: vec![0; CHUNK], from: 0, to: 0, line: Line::empty() }
    }

    /// The next line without its newline (`\n` or `\r\n`); the last one may lack it. `None` at the end of the stream.
    pub async fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.finish_line() {
                return Ok(Some(line));
            }
            let read = self.reader.read(&mut self.chunk).await?;
            if read == 0 {
                let rest = std::mem::replace(&mut self.line, Line::empty());
                return Ok(if rest.is_empty() { None } else { Some(rest.deliver()) });
            }
            (self.from, self.to) = (0, read);
        }
    }

    /// Moves what the chunk holds into the line; gives the line when its newline was among it.
    fn finish_line(&mut self) -> Option<Vec<u8>> {
        let rest = self.chunk.get(self.from..self.to).unwrap_or_default();
        let newline = rest.iter().position(|b| *b == b'\n');
        let part = rest.get(..newline.unwrap_or(rest.len())).unwrap_or_default();
        self.line.push(part, self.cap);
        self.from = newline.map_or(self.to, |at| self.from + at + 1);
        newline?;
        Some(std::mem::replace(&mut self.line, Line::empty()).deliver())
    }
}

impl Line {
    fn empty() -> Self {
        Self::Kept(Vec::new())
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Kept(line) if line.is_empty())
    }

    fn push(&mut self, part: &[u8], cap: usize) {
        match self {
            Self::Kept(line) if line.len() + part.len() <= cap => line.extend_from_slice(part),
            Self::Kept(line) => {
                let hash = Sha256::new_with_prefix(&*line).chain_update(part);
                *self = Self::Counted { bytes: (line.len() + part.len()) as u64, hash };
            }
            Self::Counted { bytes, hash } => {
                *bytes += part.len() as u64;
                hash.update(part);
            }
        }
    }

    fn deliver(self) -> Vec<u8> {
        match self {
            Self::Kept(mut line) => {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                line
            }
            Self::Counted { bytes, hash } => stub(bytes, &hash.finalize()),
        }
    }
}

fn stub(bytes: u64, hash: &[u8]) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in hash {
        let _ = write!(hex, "{byte:02x}");
    }
    format!(r#"{{"type":"devtask_stub","bytes":{bytes},"sha256":"{hex}"}}"#).into_bytes()
}

#[cfg(test)]
mod tests;
