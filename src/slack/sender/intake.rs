//! Reads threads and their logs into tracks, and keeps their cursors.
//!
//! Bounded: of one log at most 256 events at a time, and none while much is untold. Must not know what an event says.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::StreamExt;

use super::plan::Track;
use super::{Inner, Slot, locked};
use crate::domain::{Seq, SessionId, Time};
use crate::store::slack::{StoreError, Thread};
use crate::wire::api::{Code, Refusal};
use crate::wire::view::EventView;

/// Threads that are looked at in one go.
const MAX_DUE: usize = 512;
/// Events that are read at once.
const MAX_EVENTS: usize = 256;
/// The log of one session is read at most this often, unless somebody clicked.
const PACE: TimeDelta = TimeDelta::milliseconds(400);
/// Events up to a known head are there; whoever does not send them is asked again later.
const PATIENCE: Duration = Duration::from_secs(5);

impl Inner {
    /// Takes in what is new. Says when something is to be read again.
    pub(super) async fn look(&self, now: Time) -> Option<Time> {
        let nudged: Vec<SessionId> = locked(&self.nudged).drain().collect();
        if let Err(error) = self.take_threads(&nudged, now).await {
            tracing::warn!(%error, "the threads that are to be told cannot be read");
            return Some(now + TimeDelta::seconds(1));
        }
        let (hungry, later) = self.hungry(&nudged, now);
        let mut more = false;
        for (session, after, head) in hungry {
            more |= self.read(session, after, head, now).await;
        }
        if more { Some(now) } else { later }
    }

    async fn take_threads(&self, nudged: &[SessionId], now: Time) -> Result<(), StoreError> {
        for thread in self.notes.threads_due(MAX_DUE).await? {
            self.take_thread(thread).await?;
        }
        for session in nudged {
            // Read again: its head is news to the track.
            if let Some(thread) = self.notes.thread_of(*session).await? {
                self.take_thread(thread).await?;
            }
            if let Some(slot) = locked(&self.board).slots.get_mut(session) {
                slot.track.nudge(now);
            }
        }
        Ok(())
    }

    async fn take_thread(&self, thread: Thread) -> Result<(), StoreError> {
        let session = thread.session;
        if let Some(slot) = locked(&self.board).slots.get_mut(&session) {
            slot.track.thread.head = slot.track.thread.head.max(thread.head);
            return Ok(());
        }
        let posts = self.notes.posts(session).await?;
        let track = Track::new(thread, posts);
        let slot =
            Slot { track, busy: false, strikes: 0, hopeless: false, not_before: None, looked_at: None };
        locked(&self.board).slots.entry(session).or_insert(slot);
        Ok(())
    }

    /// Sessions whose log is to be read now, those with a click first; and when the next one may be.
    fn hungry(&self, nudged: &[SessionId], now: Time) -> (Vec<(SessionId, Seq, Seq)>, Option<Time>) {
        let (mut found, mut later) = (Vec::new(), None::<Time>);
        for (session, slot) in &mut locked(&self.board).slots {
            let ready = slot.looked_at.map(|at| at + PACE);
            if !slot.track.hungry() {
                continue;
            }
            if let Some(ready) = ready.filter(|ready| *ready > now && !nudged.contains(session)) {
                later = Some(later.map_or(ready, |later| later.min(ready)));
            } else {
                slot.looked_at = Some(now);
                found.push((*session, slot.track.read, slot.track.thread.head));
            }
        }
        found.sort_by_key(|(session, ..)| (!nudged.contains(session), *session));
        (found, later)
    }

    /// Whether there is more to read at once.
    async fn read(&self, session: SessionId, after: Seq, head: Seq, now: Time) -> bool {
        let read = self.events(session, after, head).await;
        let mut board = locked(&self.board);
        let Some(slot) = board.slots.get_mut(&session) else { return false };
        match read {
            Ok(events) => {
                let whole = events.len() == MAX_EVENTS;
                for event in &events {
                    slot.track.take(event);
                }
                if whole && slot.track.hungry() {
                    slot.looked_at = None;
                    return true;
                }
            }
            Err(refusal) if refusal.code == Code::NotFound => {
                board.slots.remove(&session);
            }
            Err(refusal) => {
                tracing::warn!(session.id = %session, %refusal, "a log cannot be read for Slack");
                slot.strike(now);
                slot.looked_at = slot.not_before;
            }
        }
        false
    }

    /// At most 256 events after `after`, none after `head`: those are there, so nothing is waited for.
    pub(super) async fn events(
        &self,
        session: SessionId,
        after: Seq,
        head: Seq,
    ) -> Result<Vec<EventView>, Refusal> {
        let mut stream = self.control.events(session, after).await?;
        let mut events = Vec::new();
        let mut read = after;
        while read < head && events.len() < MAX_EVENTS {
            let next = tokio::time::timeout(PATIENCE, stream.next());
            let next = next.await.map_err(|_| Refusal::new(Code::Busy, "the log does not come"))?;
            let Some(event) = next.transpose()? else { break };
            read = event.seq;
            events.push(EventView { raw: None, ..event });
        }
        Ok(events)
    }

    /// Keeps the cursors that are worth it, and forgets threads that are over.
    pub(super) async fn keep(&self, now: Time) {
        let worth: Vec<(SessionId, Seq)> = {
            let board = locked(&self.board);
            let idle = board.slots.iter().filter(|(_, slot)| !slot.busy);
            idle.filter_map(|(id, slot)| Some((*id, slot.worth_keeping(now)?))).collect()
        };
        for (session, cursor) in worth {
            match self.notes.told(session, cursor).await {
                Ok(()) => {
                    if let Some(slot) = locked(&self.board).slots.get_mut(&session) {
                        slot.track.kept(cursor, now);
                    }
                }
                Err(error) => {
                    tracing::warn!(session.id = %session, %error, "how far a thread was told cannot be kept");
                    return;
                }
            }
        }
        locked(&self.board).slots.retain(|_, slot| slot.busy || !slot.over());
    }
}

impl Slot {
    fn worth_keeping(&self, now: Time) -> Option<Seq> {
        self.track.worth_keeping(now).or_else(|| self.track.given_up().filter(|_| self.hopeless))
    }

    fn over(&self) -> bool {
        self.track.over() || self.hopeless && self.track.thread.cursor >= self.track.thread.head
    }
}
