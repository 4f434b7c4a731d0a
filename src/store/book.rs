//! What is kept in memory: the open rows, everybody's shares, and who waits for which log to grow.
//!
//! Only what was committed is here. Knows rows and counters; must not know SQL or why a row changed.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use sqlx::SqlitePool;
use tokio::sync::watch;

use super::slack::Mark;
use super::{Row, World};
use crate::domain::{Actor, Seq, SessionId, Time};

/// What the writer shares with everybody who reads.
pub(super) struct Shared {
    pub(super) instance: String,
    pub(super) book: RwLock<Book>,
    pub(super) heads: Mutex<Heads>,
    pub(super) changed: watch::Sender<u64>,
    /// How far all threads in Slack were told.
    pub(super) told: Mark,
    pub(super) readers: SqlitePool,
    /// Held while anybody may touch the data folder.
    pub(super) lock: Mutex<Option<File>>,
}

impl Shared {
    /// Runs `read` on the book. Short and without waiting: the writer needs it too.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Book) -> T) -> T {
        read(&self.book.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn heads(&self) -> MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A watch on the session's head; 0 where the session is not open, for who looks there reads the log anyway.
    pub(super) fn watch_head(&self, id: SessionId) -> watch::Receiver<Seq> {
        let mut heads = self.heads();
        // Read under the lock of the heads: a commit in between would publish to nobody.
        let head = self.read(|book| book.rows.get(&id).map_or(0, |row| row.session.head));
        heads.subscribe(id, head)
    }

    /// Takes what was committed into the book and wakes those who wait.
    pub(super) fn adopt(&self, rows: Vec<Row>, world: Arc<World>, next: Option<SessionId>, changed: u64) {
        let grown: Vec<(SessionId, Seq)> = rows.iter().map(|r| (r.session.id(), r.session.head)).collect();
        {
            let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
            book.world = world;
            book.next = next;
            book.changed = changed;
            for row in rows {
                book.put(row);
            }
        }
        let mut heads = self.heads();
        for (id, head) in grown {
            heads.publish(id, head);
        }
        drop(heads);
        self.changed.send_replace(changed);
    }

    /// A thread was put: whoever looks for threads that are due looks at all of them.
    pub(super) fn thread_came(&self) {
        self.told.take_back();
        self.changed.send_modify(|_| {});
    }

    /// Lets go of the data folder.
    pub(super) fn unlock(&self) {
        let held = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        // By name, not by closing: a child that is just being started still has a copy of every open file.
        if let Some(Err(error)) = held.map(|lock| lock.unlock()) {
            tracing::warn!(%error, "the data folder's lock was not let go of");
        }
    }
}

/// The committed present.
#[derive(Default)]
pub(super) struct Book {
    /// Open rows only, so that memory follows the open sessions and not the history.
    pub(super) rows: BTreeMap<SessionId, Row>,
    pub(super) world: Arc<World>,
    /// The number of the next session; `None` when all are used up.
    pub(super) next: Option<SessionId>,
    /// The newest stamp of `sessions.changed`.
    pub(super) changed: u64,
}

impl Book {
    /// Keeps an open row, forgets another.
    pub(super) fn put(&mut self, row: Row) {
        let id = row.session.id();
        if row.is_open() {
            self.rows.insert(id, row);
        } else {
            self.rows.remove(&id);
        }
    }
}

impl World {
    /// Counts a session that took or left a slot, and remembers when its owner was served.
    pub(super) fn moved(self: &mut Arc<Self>, before: Option<&Row>, after: &Row) {
        let (was, is) = (before.is_some_and(Row::runs), after.runs());
        let served = after.session.served_at;
        if was == is && before.and_then(|row| row.session.served_at) == served {
            return;
        }
        let share = Arc::make_mut(self).shares.entry(after.session.owner().clone()).or_default();
        share.running = (share.running + u32::from(is)).saturating_sub(u32::from(was));
        share.served = share.served.max(served);
    }

    /// An owner whose sessions may all be settled.
    pub(super) fn was_served(self: &mut Arc<Self>, owner: Actor, at: Time) {
        let share = Arc::make_mut(self).shares.entry(owner).or_default();
        share.served = share.served.max(Some(at));
    }
}

impl Row {
    /// Not settled, or with a node that is not gone: worth keeping in memory.
    pub(super) fn is_open(&self) -> bool {
        !self.session.status.is_settled() || self.lease.as_ref().is_some_and(|lease| !lease.is_gone())
    }

    /// Holds a run slot.
    pub(super) fn runs(&self) -> bool {
        self.session.status.runs()
    }

    /// Of the newest lease; 0 before the first.
    pub(super) fn incarnation(&self) -> u32 {
        self.lease.as_ref().map_or(0, |lease| lease.incarnation)
    }
}

/// One watch for each session that somebody waits on.
#[derive(Default)]
pub(super) struct Heads {
    watches: HashMap<SessionId, watch::Sender<Seq>>,
    /// Sweep at this size: twice what the last sweep left, so that sweeping costs next to nothing.
    full: usize,
}

impl Heads {
    fn subscribe(&mut self, id: SessionId, head: Seq) -> watch::Receiver<Seq> {
        if self.watches.len() >= self.full.max(16) {
            self.watches.retain(|_, watch| watch.receiver_count() > 0);
            self.full = self.watches.len() * 2;
        }
        self.watches.entry(id).or_insert_with(|| watch::Sender::new(head)).subscribe()
    }

    fn publish(&mut self, id: SessionId, head: Seq) {
        if let Some(watch) = self.watches.get(&id) {
            if watch.receiver_count() == 0 {
                self.watches.remove(&id);
            } else {
                watch.send_replace(head);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.watches.len()
    }
}
