//! One session's thread: what was read of its log, what stands in Slack, and so what is to be posted or changed next.
//!
//! Pure: events, posts and the outcome of calls go in, wishes come out. A wish is wished again until its outcome is
//! taken in, so nothing is forgotten where a budget, Slack or the process stops in between. Must not know how a
//! message looks or how a call is made.

use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;

use super::edge::{Edge, Entry, Touch, ask_slot, edge, touch};
use super::root::{Root, Shown};
use super::wish::{Next, Wish};
use crate::domain::ask::{Ask, AskState};
use crate::domain::{AskId, Seq, Time};
use crate::slack::sender::budget::Rank;
use crate::store::slack::{Post, Thread};
use crate::wire::view::EventView;

/// The slot of the message in the channel.
pub const ROOT: &str = "root";
/// Edges that were read and not told; more of the log is read when there are fewer.
const MAX_EDGES: usize = 64;
/// How far the kept cursor may stay behind what was told: what lies between is read again after a crash, not told.
const LAG: TimeDelta = TimeDelta::seconds(10);

/// What one message of ours came to. `hash`: of what was shown last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    There {
        ts: String,
        hash: Option<[u8; 32]>,
        at: Time,
    },
    /// It was about to be posted then, and nobody knows whether it was.
    Doubted {
        hash: Option<[u8; 32]>,
        at: Time,
    },
    /// Somebody deleted it, or Slack will never take it: nothing is written there again.
    Gone,
}

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was written and stands like this.
    Stands { ts: String, hash: [u8; 32], shown: Shown },
    /// It showed that already.
    Same { shown: Shown },
    /// There was nothing to say.
    Nothing,
    /// It was in doubt and is there.
    Found { ts: String },
    /// It was in doubt and is not there.
    Absent,
    /// It may have been posted.
    Unsure,
    /// Not done, and nothing was posted: once more later.
    NotNow,
    /// The message was deleted under us, or will never be taken.
    Gone,
    /// There is no thread to post it to: its first message was deleted.
    Rootless,
    /// The thread goes on over there.
    Moved { channel: String, code: String, open: Vec<Ask> },
}

#[derive(Clone, Debug)]
pub struct Track {
    pub thread: Thread,
    stands: BTreeMap<String, Stands>,
    /// Events up to this one were read.
    pub read: Seq,
    edges: VecDeque<Entry>,
    /// Asks that stand open in the thread: their words are needed for the record.
    asks: BTreeMap<AskId, Ask>,
    root: Root,
    settled: bool,
    kept_at: Option<Time>,
}

impl Track {
    /// As kept: what is there is there, what was being posted is in doubt.
    pub fn new(mut thread: Thread, posts: Vec<Post>) -> Self {
        let mut stands = BTreeMap::new();
        for Post { slot, ts, hash, at, channel, .. } in posts {
            if slot == ROOT {
                thread.channel = channel;
            }
            let found = match ts {
                Some(ts) => Stands::There { ts, hash, at },
                None => Stands::Doubted { hash, at },
            };
            stands.insert(slot, found);
        }
        Self {
            read: thread.cursor,
            thread,
            stands,
            edges: VecDeque::new(),
            asks: BTreeMap::new(),
            root: Root::unknown(),
            settled: false,
            kept_at: None,
        }
    }

    /// Takes the next event of the log in.
    pub fn take(&mut self, event: &EventView) {
        if event.seq <= self.read {
            return;
        }
        self.read = event.seq;
        if let Some(edge) = edge(event) {
            self.edges.push_back(Entry { seq: event.seq, at: event.at, edge });
            self.pass_over();
        }
        if let Some(touch) = touch(event) {
            self.root.touch(touch, event.seq, event.at);
            if touch > Touch::Progress {
                let ends = ["session.done", "session.failed", "session.cancelled"];
                self.settled = ends.contains(&event.kind.as_str());
                if self.settled {
                    self.root.end();
                }
            }
        }
    }

    /// Somebody clicked: a changed state is shown at once.
    pub fn nudge(&mut self, now: Time) {
        self.root.nudge(now);
    }

    /// Whether more of the log may be read.
    pub fn hungry(&self) -> bool {
        self.read < self.thread.head && self.edges.len() < MAX_EDGES
    }

    /// Everything up to here is told and, where it changed the state, shown: after a crash the log is read from here.
    pub fn cursor(&self) -> Seq {
        let edge = self.edges.front().map(|at| at.seq);
        let open = edge.into_iter().chain(self.root.first).min();
        open.map_or(self.read, |seq| seq.saturating_sub(1).min(self.read))
    }

    fn caught_up(&self) -> bool {
        let cursor = self.cursor();
        self.is_there(ROOT) && cursor == self.read && cursor > self.thread.cursor
    }

    /// The cursor, where it is time to keep it.
    pub fn worth_keeping(&self, now: Time) -> Option<Seq> {
        let due = self.settled || self.kept_at.is_none_or(|at| at + LAG <= now);
        (due && self.caught_up()).then(|| self.cursor())
    }

    /// The end of the log, where nobody can be told of it any more.
    pub fn given_up(&self) -> Option<Seq> {
        let ended = self.settled && self.read >= self.thread.head;
        (ended && self.read > self.thread.cursor).then_some(self.read)
    }

    pub fn kept(&mut self, cursor: Seq, now: Time) {
        self.thread.cursor = self.thread.cursor.max(cursor);
        self.kept_at = Some(now);
    }

    /// Settled, and nothing is left to tell or to keep: nothing more is expected.
    pub fn over(&self) -> bool {
        self.settled && !self.owes() && self.thread.cursor >= self.thread.head
    }

    /// Something is to be told or shown.
    pub fn owes(&self) -> bool {
        !self.edges.is_empty() || !self.root.is_clean()
    }

    /// The edge that is told next, where it is told in this slot.
    pub fn edge_in(&self, slot: &str) -> Option<&Entry> {
        self.edges.front().filter(|at| slot != ROOT && at.slot() == slot)
    }

    /// An ask that stands open in the thread.
    pub fn ask(&self, id: &AskId) -> Option<&Ask> {
        self.asks.get(id)
    }

    /// How this ask ended, where that was read already and only not told.
    pub fn end_of(&self, ask: &AskId) -> Option<&AskState> {
        self.edges.iter().find_map(|at| match &at.edge {
            Edge::Settled { id, state } if id == ask => Some(state),
            _ => None,
        })
    }

    /// What may be done now, and when there may be more. At most one edge and the root.
    pub fn wishes(&self, now: Time) -> (Vec<Wish>, Option<Time>) {
        let mut next = Next::at(now);
        match self.stands.get(ROOT) {
            Some(Stands::There { ts, hash, at }) => {
                self.edge_wish(&mut next);
                match self.root.due(*at) {
                    Some((due, rank)) if due <= now => {
                        next.update(ROOT, ts, *hash, rank, self.root.since(*at));
                    }
                    Some((due, _)) => next.later(due),
                    None => {}
                }
            }
            // An ask cannot be shown before its root is.
            other => {
                let rank = self.edges.front().map_or(Rank::State, rank_of).min(Rank::State);
                next.post(ROOT, other, rank, self.root.since(now));
            }
        }
        if self.caught_up() {
            next.later(self.kept_at.map_or(now, |at| at + LAG));
        }
        next.done()
    }

    fn edge_wish(&self, next: &mut Next) {
        let Some(front) = self.edges.front() else { return };
        let (slot, rank) = (front.slot(), rank_of(front));
        match self.stands.get(&slot) {
            Some(Stands::There { ts, hash, .. }) => next.update(&slot, ts, *hash, rank, front.at),
            other => next.post(&slot, other, rank, front.at),
        }
    }

    /// A post is about to be sent: from now on it is in doubt.
    pub fn sending(&mut self, slot: &str, hash: [u8; 32], now: Time) {
        self.stands.insert(slot.to_owned(), Stands::Doubted { hash: Some(hash), at: now });
    }

    /// Takes in what became of a wish.
    pub fn outcome(&mut self, slot: &str, outcome: Outcome, now: Time) {
        match outcome {
            Outcome::Stands { ts, hash, shown } => {
                self.stand(slot, ts, Some(hash), now);
                self.told(slot, shown, now, true);
            }
            Outcome::Same { shown } => self.told(slot, shown, now, false),
            Outcome::Nothing => self.pop_unless_root(slot),
            Outcome::Found { ts } => {
                let hash = match self.stands.get(slot) {
                    Some(Stands::Doubted { hash, .. }) => *hash,
                    _ => None,
                };
                self.stand(slot, ts, hash, now);
            }
            Outcome::Absent | Outcome::NotNow => {
                if matches!(self.stands.get(slot), Some(Stands::Doubted { .. })) {
                    self.stands.remove(slot);
                }
            }
            Outcome::Unsure => {}
            // A level stands for now, not for what was: it is posted anew. An edge is not said twice.
            Outcome::Gone if slot == ROOT => {
                self.stands.remove(ROOT);
            }
            Outcome::Rootless => {
                self.stands.remove(ROOT);
                self.stands.remove(slot);
            }
            Outcome::Gone => {
                self.stands.insert(slot.to_owned(), Stands::Gone);
                self.pop_unless_root(slot);
            }
            Outcome::Moved { channel, code, open } => self.moved(channel, code, open, now),
        }
        self.pass_over();
    }

    fn stand(&mut self, slot: &str, ts: String, hash: Option<[u8; 32]>, at: Time) {
        if slot == ROOT {
            let thread = &mut self.thread;
            if thread.thread.is_none() || thread.thread == thread.root {
                thread.thread = Some(ts.clone());
            }
            thread.root = Some(ts.clone());
        }
        self.stands.insert(slot.to_owned(), Stands::There { ts, hash, at });
    }

    fn told(&mut self, slot: &str, shown: Shown, now: Time, written: bool) {
        if slot != ROOT {
            self.pop();
            return;
        }
        if self.read <= shown.head {
            self.settled = shown.settled;
        }
        self.root.shown(shown, self.read, now, written);
    }

    fn pop_unless_root(&mut self, slot: &str) {
        if slot != ROOT {
            self.pop();
        }
    }

    fn pop(&mut self) {
        match self.edges.pop_front().map(|at| at.edge) {
            Some(Edge::Asked(ask)) if self.is_there(&ask_slot(&ask.id)) => {
                self.asks.insert(ask.id.clone(), ask);
            }
            Some(Edge::Settled { id, .. }) => {
                self.asks.remove(&id);
            }
            _ => {}
        }
    }

    /// The end of an ask that was never shown needs no word.
    fn pass_over(&mut self) {
        while let Some(Entry { edge: Edge::Settled { id, .. }, .. }) = self.edges.front() {
            if self.is_there(&ask_slot(id)) {
                return;
            }
            self.pop();
        }
    }

    fn is_there(&self, slot: &str) -> bool {
        matches!(self.stands.get(slot), Some(Stands::There { .. }))
    }

    /// `open`: nobody reads an answer where it was asked, so it is asked again.
    fn moved(&mut self, channel: String, code: String, open: Vec<Ask>, now: Time) {
        let seq = self.cursor() + 1;
        let from = std::mem::replace(&mut self.thread.channel, channel);
        (self.thread.thread, self.thread.root) = (None, None);
        self.stands.remove(ROOT);
        for ask in open.into_iter().rev() {
            self.stands.remove(&ask_slot(&ask.id));
            if !self.edges.iter().any(|at| at.asks(&ask.id)) {
                self.edges.push_front(Entry { seq, at: now, edge: Edge::Asked(ask) });
            }
        }
        self.edges.push_front(Entry { seq, at: now, edge: Edge::Moved { channel: from, code } });
    }
}

fn rank_of(at: &Entry) -> Rank {
    match at.edge {
        Edge::Ended { .. } => Rank::Final,
        _ => Rank::Ask,
    }
}
