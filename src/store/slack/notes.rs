//! The verbs about Slack.
//!
//! Knows which verb goes to the writer and which to the read-only pool; must not know SQL.

use std::sync::Arc;

use tokio::sync::watch;

use super::write::Note;
use super::{Delivered, Delivery, Post, Thread, read};
use crate::domain::{Seq, SessionId, Time};
use crate::store::api::{Inner, Store};
use crate::store::book::Shared;
use crate::store::{Lane, StoreError, note};

/// How many open deliveries are read at once: payloads are long.
const OPEN_DELIVERIES: i64 = 256;

/// What the Slack room may read and write. Cheap to clone.
#[derive(Clone)]
pub struct Notes(Arc<Inner>);

impl Store {
    pub fn slack(&self) -> Notes {
        Notes(Arc::clone(&self.0))
    }
}

impl Notes {
    fn shared(&self) -> &Shared {
        &self.0.shared
    }

    async fn note(&self, lane: Lane, note: Note) -> Result<Delivered, StoreError> {
        self.0.note(lane, note::Note::Slack(note)).await
    }

    /// Keeps a delivery, unless it is here already or its deadline has passed when the writer comes to it.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Delivered, StoreError> {
        self.note(Lane::People, Note::Deliver(delivery)).await
    }

    /// It is carried out: its payload is forgotten now, its key in 24 hours.
    pub async fn delivered(&self, key: &str) -> Result<(), StoreError> {
        self.note(Lane::People, Note::Delivered { key: key.to_owned() }).await.map(drop)
    }

    /// Those on disk that are not carried out, the oldest first; at most 256.
    pub async fn deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        read::open_deliveries(&self.shared().readers, OPEN_DELIVERIES).await
    }

    /// When the oldest of them came; `None` = all are carried out.
    pub async fn oldest_delivery(&self) -> Result<Option<Time>, StoreError> {
        read::oldest_delivery(&self.shared().readers).await
    }

    /// Keeps a session's thread. What is set already stays: channel, owner and cursor, and root and thread where they
    /// are known.
    pub async fn thread_put(&self, thread: Thread) -> Result<(), StoreError> {
        self.note(Lane::People, Note::Thread(thread)).await.map(drop)
    }

    pub async fn thread_of(&self, session: SessionId) -> Result<Option<Thread>, StoreError> {
        read::thread(&self.shared().readers, session).await
    }

    /// The sessions whose thread this is or ever was, the newest first. `thread`: `ts` of its first message.
    pub async fn thread_at(&self, channel: &str, thread: &str) -> Result<Vec<SessionId>, StoreError> {
        read::sessions_at(&self.shared().readers, channel, thread).await
    }

    /// Threads that were not told all of their session's log; what changed first comes first.
    pub async fn threads_due(&self, limit: usize) -> Result<Vec<Thread>, StoreError> {
        let shared = self.shared();
        let look = shared.told.look();
        // Read before the rows, which are then at least as new.
        let now = *shared.changed.borrow();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let due = read::threads_due(&shared.readers, look.after, limit).await?;
        // They come in the order of their stamps: before the first one nothing is due.
        let quiet = due.first().map_or(now, |(_, stamp)| now.min(stamp.saturating_sub(1)));
        if limit > 0 {
            shared.told.rise(&look, quiet);
        }
        Ok(due.into_iter().map(|(thread, _)| thread).collect())
    }

    /// The thread was told the log up to here. Never goes back.
    pub async fn told(&self, session: SessionId, cursor: Seq) -> Result<(), StoreError> {
        self.note(Lane::Machines, Note::Told { session, cursor }).await.map(drop)
    }

    /// A message is about to be posted; its `ts` is not known, whatever `post` says.
    pub async fn sending(&self, post: Post) -> Result<(), StoreError> {
        self.note(Lane::People, Note::Sending(post)).await.map(drop)
    }

    /// It was posted, or edited. The one in slot `root` is from now on its thread's root, in that channel, and the
    /// thread's first message unless the session was asked for in a thread that was there before.
    pub async fn sent(&self, post: Post) -> Result<(), StoreError> {
        self.note(Lane::People, Note::Sent(post)).await.map(drop)
    }

    /// Messages of a session, the oldest first.
    pub async fn posts(&self, session: SessionId) -> Result<Vec<Post>, StoreError> {
        read::posts(&self.shared().readers, session).await
    }

    pub async fn post_at(&self, channel: &str, ts: &str) -> Result<Option<Post>, StoreError> {
        read::post_at(&self.shared().readers, channel, ts).await
    }

    /// Keeps a small fact in place of the one before: `("repo", "user:U024")` is `acme/api`.
    pub async fn remember(&self, scope: &str, name: &str, value: &str) -> Result<(), StoreError> {
        let (scope, name, value) = (scope.to_owned(), name.to_owned(), value.to_owned());
        self.note(Lane::People, Note::Remember { scope, name, value }).await.map(drop)
    }

    pub async fn recall(&self, scope: &str, name: &str) -> Result<Option<String>, StoreError> {
        read::fact(&self.shared().readers, scope, name).await
    }

    /// Wakes when a session changed or a thread came. Subscribe first, then look, then wait.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared().changed.subscribe()
    }
}
