//! A session's events as a stream: the log from a cursor on, then live ones as they are committed.
//!
//! Nobody subscribes: a reader has a cursor, reads chunks of the log when it is ready for more and waits on the head,
//! so a slow one costs nothing. Must not know who reads or in which format.

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::watch;

use super::refusals;
use crate::domain::event::Logged;
use crate::domain::{Seq, SessionId};
use crate::store::{Store, StoreError};
use crate::wire::api::{EventStream, Refusal};
use crate::wire::view::EventView;

/// Events and bytes of one read.
const CHUNK: usize = 256;
const CHUNK_BYTES: usize = 1 << 20;

struct Reader {
    store: Store,
    id: SessionId,
    after: Seq,
    head: watch::Receiver<Seq>,
    over: bool,
}

type Chunk = Vec<Result<EventView, Refusal>>;

/// Ends when the session is settled and all is told, and at the first error.
pub(super) fn open(store: Store, id: SessionId, after: Seq) -> EventStream {
    let head = store.head(id);
    let reader = Reader { store, id, after, head, over: false };
    stream::unfold(reader, next_chunk).flat_map(stream::iter).boxed()
}

async fn next_chunk(mut reader: Reader) -> Option<(Chunk, Reader)> {
    if reader.over {
        return None;
    }
    match reader.read().await {
        Ok(chunk) if chunk.is_empty() => None,
        Ok(chunk) => Some((chunk, reader)),
        Err(error) => {
            reader.over = true;
            Some((vec![Err(refusals::of_store(&error))], reader))
        }
    }
}

impl Reader {
    /// The next events; none where there will be none.
    async fn read(&mut self) -> Result<Chunk, StoreError> {
        loop {
            // Seen before the read: a commit in between wakes us once too often, never once too seldom.
            self.head.borrow_and_update();
            let events = self.store.log(self.id, self.after, CHUNK, CHUNK_BYTES).await?;
            if let Some(last) = events.last() {
                self.after = last.seq;
                return Ok(events.into_iter().map(view).collect());
            }
            if self.all_told().await? || self.head.changed().await.is_err() {
                return Ok(Vec::new());
            }
        }
    }

    async fn all_told(&self) -> Result<bool, StoreError> {
        let row = self.store.row(self.id).await?;
        Ok(row.is_none_or(|r| r.session.status.is_settled() && r.session.head <= self.after))
    }
}

fn view(event: Logged) -> Result<EventView, Refusal> {
    EventView::of(event).map_err(|error| refusals::internal(&error))
}
