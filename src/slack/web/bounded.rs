//! A connection that takes no more of one answer than is worth reading.
//!
//! The crate collects answers whole, however long they are; this stands below it, on the bytes that TLS has let
//! through. One request is under way on a connection at a time, so that whatever comes between two is one answer with
//! its head. Must not know what an answer says.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// Of one answer, in bytes. The longest that we ask for, a page of messages, has far less.
pub(super) const ANSWER_MAX: usize = 8 * 1024 * 1024;
const STEP: usize = 16 * 1024;

pub(super) struct Bounded<T> {
    inner: T,
    /// Of this answer.
    left: usize,
    buffer: Box<[u8]>,
}

impl<T> Bounded<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, left: ANSWER_MAX, buffer: vec![0; STEP].into_boxed_slice() }
    }
}

impl<T: Read + Unpin> Read for Bounded<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(Err(io::Error::other("the answer is too long")));
        }
        let room = cursor.remaining().min(this.left);
        let mut step = ReadBuf::new(this.buffer.split_at_mut(room.min(STEP)).0);
        ready!(Pin::new(&mut this.inner).poll_read(cx, step.unfilled()))?;
        this.left = this.left.saturating_sub(step.filled().len());
        cursor.put_slice(step.filled());
        Poll::Ready(Ok(()))
    }
}

/// A request begins the next answer.
impl<T: Write + Unpin> Write for Bounded<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.left = ANSWER_MAX;
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.left = ANSWER_MAX;
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
}

impl<T: Connection> Connection for Bounded<T> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}
