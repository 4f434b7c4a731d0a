//! One batch: what its members decided, on rows that nobody else sees before the COMMIT.
//!
//! Knows how a change becomes rows; must not know where members come from or when the batch is written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::book::{Book, Shared};
use super::codec;
use super::note::Note;
use super::slack;
use super::writes::{OutcomeRow, Writes};
use super::{CommitError, Dedupe, Row, StoreError, World};
use crate::domain::lease::{self, Lease};
use crate::domain::session::{self, Change, Input, Refusal};
use crate::domain::{Seq, SessionId, Time};

/// A batch is full at so many rows of the log (or members) …
const MAX_ROWS: usize = 512;
/// … or so many bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What a key stands for.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) request: Vec<u8>,
    pub(super) was: Result<SessionId, Refusal>,
}

pub(super) struct Batch {
    rows: BTreeMap<SessionId, Seen>,
    outcomes: HashMap<String, Outcome>,
    /// Keys of the deliveries in here.
    deliveries: HashSet<String>,
    pub(super) world: Arc<World>,
    next: Option<SessionId>,
    changed: u64,
    members: usize,
    writes: Writes,
}

struct Seen {
    row: Row,
    dirty: bool,
}

impl Batch {
    pub(super) fn new(book: &Book) -> Self {
        Self {
            rows: BTreeMap::new(),
            outcomes: HashMap::new(),
            deliveries: HashSet::new(),
            world: Arc::clone(&book.world),
            next: book.next,
            changed: book.changed,
            members: 0,
            writes: Writes::default(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.members >= MAX_ROWS || self.writes.rows() >= MAX_ROWS || self.writes.bytes() >= MAX_BYTES
    }

    pub(super) fn joined(&mut self) {
        self.members += 1;
    }

    /// The row as the members before left it.
    pub(super) fn seen(&self, id: SessionId) -> Option<Row> {
        self.rows.get(&id).map(|seen| seen.row.clone())
    }

    /// The number a new session would have. `None` when all are used up.
    pub(super) fn next_id(&self) -> Option<SessionId> {
        self.next
    }

    pub(super) fn outcome(&self, key: &str) -> Option<&Outcome> {
        self.outcomes.get(key)
    }

    /// A new session.
    pub(super) fn born(&mut self, id: SessionId, change: Change) -> Result<Row, StoreError> {
        let row = self.apply(id, None, change)?;
        self.next = after(id);
        self.writes.labels(id, &row.session.new.labels);
        Ok(row)
    }

    /// The next step of a session.
    pub(super) fn changed(&mut self, before: Row, change: Change) -> Result<Row, StoreError> {
        let nothing =
            change.events.is_empty() && change.transcript.is_empty() && change.session == *before.session;
        if nothing {
            return Ok(before);
        }
        self.apply(before.session.id(), Some(before), change)
    }

    /// The next step of a session's node. A new state or trouble is told in the log, unless the session is settled.
    pub(super) fn leased(&mut self, before: Row, lease: Lease, now: Time) -> Result<Row, CommitError> {
        let id = before.session.id();
        if lease.session != id || lease.incarnation < before.incarnation() {
            return Err(StoreError::Discontinuous(id).into());
        }
        // The row names one node only: one that is not gone would be forgotten.
        if let Some(old) = before.lease.as_ref()
            && old.incarnation != lease.incarnation
            && !old.is_gone()
        {
            return Err(lease::Illegal { state: old.state, input: "request" }.into());
        }
        let moved = before.lease.as_ref().is_none_or(|old| is_news(old, &lease));
        let told = if moved && !before.session.status.is_settled() {
            let notice = lease
                .notice
                .clone()
                .filter(|n| before.lease.as_ref().and_then(|l| l.notice.as_ref()) != Some(n));
            session::step(&before.session, Input::Node { lease: lease.clone(), notice }, now).ok()
        } else {
            None
        };
        let lease = Arc::new(lease);
        let with_lease = Row { lease: Some(Arc::clone(&lease)), ..before };
        let row = match told {
            Some(change) => self.apply(id, Some(with_lease), change)?,
            None => self.put(Row { version: with_lease.version + 1, ..with_lease }),
        };
        self.writes.lease(lease)?;
        Ok(row)
    }

    fn apply(&mut self, id: SessionId, before: Option<Row>, change: Change) -> Result<Row, StoreError> {
        let Change { session, events, transcript } = change;
        let head = before.as_ref().map_or(0, |row| row.session.head);
        if session.id() != id || !continues(head, session.head, events.iter().map(|e| e.seq)) {
            return Err(StoreError::Discontinuous(id));
        }
        for event in events {
            self.writes.event(id, event)?;
        }
        for piece in transcript {
            self.writes.transcript(id, piece);
        }
        let (lease, version) = before.as_ref().map_or((None, 0), |row| (row.lease.clone(), row.version));
        let row = Row { session: Arc::new(session), lease, version: version + 1 };
        self.world.moved(before.as_ref(), &row);
        if before.is_none_or(|b| b.session.served_at != row.session.served_at)
            && let Some(at) = row.session.served_at
        {
            self.writes.served(row.session.owner().to_string(), codec::micros(at));
        }
        Ok(self.put(row))
    }

    fn put(&mut self, row: Row) -> Row {
        self.rows.insert(row.session.id(), Seen { row: row.clone(), dirty: true });
        row
    }

    /// Keeps a row that was read for a member.
    pub(super) fn read(&mut self, row: Row) {
        self.rows.entry(row.session.id()).or_insert(Seen { row, dirty: false });
    }

    /// Keeps what a member was answered under its key. Failures of ours are no answer.
    pub(super) fn remember(
        &mut self,
        dedupe: &Dedupe,
        answer: &Result<Row, CommitError>,
        now: Time,
    ) -> Result<(), StoreError> {
        let was = match answer {
            Ok(row) => Ok(row.session.id()),
            Err(CommitError::Refused(refusal)) => Err(refusal.clone()),
            Err(_) => return Ok(()),
        };
        let refusal = was.as_ref().err().map(|r| codec::to_json("refusal", r)).transpose()?;
        self.writes.outcome(OutcomeRow {
            key: dedupe.key.clone(),
            request: dedupe.request,
            session: was.as_ref().ok().copied(),
            refusal,
            at: codec::micros(now),
        });
        self.outcomes.insert(dedupe.key.clone(), Outcome { request: dedupe.request.to_vec(), was });
        Ok(())
    }

    /// Whether a member before brought the delivery with this key.
    pub(super) fn delivers(&self, key: &str) -> bool {
        self.deliveries.contains(key)
    }

    pub(super) fn note(&mut self, note: Arc<Note>) {
        if let Note::Slack(slack::Note::Deliver(delivery)) = &*note {
            self.deliveries.insert(delivery.key.clone());
        }
        self.writes.note(note);
    }

    pub(super) fn prune(&mut self, before: Time) {
        self.writes.prune(codec::micros(before));
    }

    /// Stamps and lays out every row that changed, once: what to write, and what to take over afterwards.
    pub(super) fn seal(self) -> Result<(Writes, Adoption), StoreError> {
        let Self { rows, world, next, mut changed, mut writes, .. } = self;
        let rows: Vec<Row> = rows.into_values().filter(|seen| seen.dirty).map(|seen| seen.row).collect();
        for row in &rows {
            changed += 1;
            writes.session(row.clone(), changed)?;
        }
        Ok((writes, Adoption { rows, world, next, changed }))
    }
}

/// What the book takes over once the batch is on disk.
pub(super) struct Adoption {
    rows: Vec<Row>,
    world: Arc<World>,
    next: Option<SessionId>,
    changed: u64,
}

impl Adoption {
    pub(super) fn by(self, shared: &Shared) {
        if !self.rows.is_empty() {
            shared.adopt(self.rows, self.world, self.next, self.changed);
        }
    }
}

/// A different node, the same in another state, one that stumbles over something new, or something new said of it.
fn is_news(old: &Lease, new: &Lease) -> bool {
    let of = |lease: &Lease| -> (u32, lease::State) { (lease.incarnation, lease.state) };
    let said = |old: &Option<String>, new: &Option<String>| new.is_some() && new != old;
    of(old) != of(new) || said(&old.detail, &new.detail) || said(&old.notice, &new.notice)
}

/// The number after this one.
pub(super) fn after(id: SessionId) -> Option<SessionId> {
    SessionId::new(id.number().wrapping_add(1))
}

/// The log grows by exactly these events, without a gap.
fn continues(head: Seq, new_head: Seq, mut seqs: impl Iterator<Item = Seq>) -> bool {
    let mut last = head;
    let gapless = seqs.all(|seq| {
        last += 1;
        seq == last
    });
    gapless && last == new_head
}
