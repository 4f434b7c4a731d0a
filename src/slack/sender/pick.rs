//! Which wishes are granted now: the most urgent first, within the budget, one call at a time for each thread.
//!
//! Knows nothing of calls; a granted wish is a [`Job`] that holds its place in the budget until it is dropped.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::TimeDelta;

use super::budget::Method;
use super::draw::Scene;
use super::edge::Edge;
use super::plan::Track;
use super::wish::{What, Wish};
use super::{Inner, Slot, locked};
use crate::domain::{SessionId, Time};
use crate::store::slack::Thread;

/// Calls under way at once.
const MAX_FLYING: usize = 24;
/// Where nobody can be told anything, it is tried again this seldom.
const HOPELESS: TimeDelta = TimeDelta::hours(1);

/// A wish that was granted, with all it needs.
pub(super) struct Job {
    pub session: SessionId,
    pub wish: Wish,
    pub thread: Thread,
    pub scene: Scene,
    pub permit: Permit,
}

/// A place in the budget; dropped, it says that the call has ended.
pub(super) struct Permit {
    inner: Arc<Inner>,
    method: Method,
    channel: String,
    unused: bool,
}

impl Permit {
    /// Nothing was called.
    pub(super) fn unused(&mut self) {
        self.unused = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut budget = locked(&self.inner.budget);
        if self.unused {
            budget.unused(self.method, &self.channel);
        } else {
            budget.ended(self.method, self.inner.clock.now());
        }
    }
}

impl Inner {
    /// What is to be carried out now, and when there may be more.
    pub(super) fn pick(self: &Arc<Self>, now: Time) -> (Vec<Job>, Option<Time>) {
        let mut board = locked(&self.board);
        let (mut wishes, mut later) = (Vec::new(), Vec::new());
        for (session, slot) in board.slots.iter().filter(|(_, slot)| !slot.busy) {
            if let Some(at) = slot.not_before.filter(|at| *at > now) {
                later.push(at);
                continue;
            }
            let (found, next) = slot.track.wishes(now);
            wishes.extend(found.into_iter().map(|wish| (*session, wish)));
            later.extend(next);
        }
        wishes.sort_by(|(a, x), (b, y)| (x.rank, x.since, a).cmp(&(y.rank, y.since, b)));
        let mut flying = board.slots.values().filter(|slot| slot.busy).count();
        let (mut jobs, mut granted) = (Vec::new(), HashSet::new());
        let mut budget = locked(&self.budget);
        for (session, wish) in wishes {
            let Some(slot) = board.slots.get_mut(&session) else { continue };
            if flying >= MAX_FLYING || granted.contains(&session) {
                continue;
            }
            let channel = slot.track.thread.channel.clone();
            match budget.take(wish.what.method(), &channel, wish.rank, now) {
                Ok(()) => {
                    granted.insert(session);
                    flying += 1;
                    slot.busy = true;
                    let method = wish.what.method();
                    let permit = Permit { inner: self.clone(), method, channel, unused: false };
                    let (thread, scene) = (slot.track.thread.clone(), scene(&slot.track, &wish));
                    jobs.push(Job { session, wish, thread, scene, permit });
                }
                Err(at) => later.push(at),
            }
        }
        (jobs, later.into_iter().min())
    }
}

fn scene(track: &Track, wish: &Wish) -> Scene {
    let edge = track.edge_in(&wish.slot).cloned();
    let (ask, end) = match edge.as_ref().map(|at| &at.edge) {
        Some(Edge::Settled { id, .. }) => (track.ask(id).cloned(), None),
        Some(Edge::Asked(ask)) => (None, track.end_of(&ask.id).cloned()),
        _ => (None, None),
    };
    let again = matches!(wish.what, What::Update { .. });
    Scene { slot: wish.slot.clone(), edge, ask, end, again }
}

impl Slot {
    /// One more failure: the thread rests, the longer the more there were.
    pub(super) fn strike(&mut self, now: Time) {
        self.strikes = self.strikes.saturating_add(1);
        self.not_before = Some(now + TimeDelta::seconds((1 << self.strikes.min(6)).min(60)));
    }

    /// Nobody is there to be told.
    pub(super) fn give_up(&mut self, now: Time) {
        self.strikes = self.strikes.saturating_add(1);
        self.hopeless = true;
        self.not_before = Some(now + HOPELESS);
    }

    pub(super) fn went_well(&mut self) {
        (self.strikes, self.hopeless, self.not_before) = (0, false, None);
    }
}
