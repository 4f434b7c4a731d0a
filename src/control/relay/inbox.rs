//! Frames out of a byte stream, as many at a time as have arrived: one read, one commit, one ack.
//!
//! Bounded by one frame and one read. Must not know what a frame means.

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::wire::link::{Frame, LinkError, Up, decode};

/// Bytes of one read, at most.
const READ: usize = 128 * 1024;

pub(super) struct Inbox<R> {
    from: R,
    bytes: Vec<u8>,
    /// Bytes in front that are decoded already.
    done: usize,
}

impl<R: AsyncRead + Unpin> Inbox<R> {
    /// `first`: what was read beyond the magic line.
    pub(super) fn new(from: R, first: Vec<u8>) -> Self {
        Self { from, bytes: first, done: 0 }
    }

    /// Waits for more bytes. Cancel-safe. Call it only when [`Inbox::next`] has nothing left.
    pub(super) async fn fill(&mut self) -> Result<(), LinkError> {
        self.bytes.drain(..self.done);
        self.done = 0;
        self.bytes.reserve(READ);
        match self.from.read_buf(&mut (&mut self.bytes)).await? {
            0 => Err(LinkError::Closed),
            _ => Ok(()),
        }
    }

    /// The next whole frame that is here.
    pub(super) fn next(&mut self) -> Result<Option<Frame<Up>>, LinkError> {
        let rest = self.bytes.get(self.done..).unwrap_or_default();
        let Some((frame, took)) = decode(rest)? else { return Ok(None) };
        self.done += took;
        Ok(Some(frame))
    }
}
