//! The queue: who runs next.
//!
//! Knows waiting sessions, slots and fairness between owners; must not know how a session is started.
//! FIFO within an owner (resumed ones first, then priority, then age); between owners the one with the fewest
//! running goes first, and of equals the one served longest ago, so nobody starves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Actor, SessionId, Time};

/// A session that could run now if there were a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub session: SessionId,
    pub owner: Actor,
    /// Goes to the head of its owner's share: it has run before and was only held.
    pub front: bool,
    /// Higher runs earlier among the same owner's.
    pub priority: i8,
    pub since: Time,
}

/// What an owner has now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub running: u32,
    /// When one of theirs was admitted last.
    pub served: Option<Time>,
}

/// How many sessions may hold a slot at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    pub total: u32,
    /// For one owner; 0 = as many as there are slots.
    pub per_owner: u32,
}

/// The sessions to admit now, in order. Never more than the caps leave room for.
pub fn placement(
    waiting: &[Waiting],
    shares: &BTreeMap<Actor, Share>,
    caps: Caps,
    now: Time,
) -> Vec<SessionId> {
    let mut shares = shares.clone();
    let mut lines = lines(waiting);
    let mut free = caps.total.saturating_sub(shares.values().map(|s| s.running).sum());
    let mut placed = Vec::new();
    while free > 0 {
        let Some(owner) = next_owner(&lines, &shares, caps) else { break };
        let Some(session) = lines.get_mut(&owner).and_then(Vec::pop) else { break };
        let share = shares.entry(owner).or_default();
        share.running += 1;
        share.served = Some(now);
        free -= 1;
        placed.push(session);
    }
    placed
}

/// Each owner's sessions, the next one last.
fn lines(waiting: &[Waiting]) -> BTreeMap<Actor, Vec<SessionId>> {
    let mut sorted: Vec<&Waiting> = waiting.iter().collect();
    sorted.sort_by_key(|w| (w.front, w.priority, std::cmp::Reverse((w.since, w.session))));
    let mut lines: BTreeMap<Actor, Vec<SessionId>> = BTreeMap::new();
    for w in sorted {
        lines.entry(w.owner.clone()).or_default().push(w.session);
    }
    lines
}

fn next_owner(
    lines: &BTreeMap<Actor, Vec<SessionId>>,
    shares: &BTreeMap<Actor, Share>,
    caps: Caps,
) -> Option<Actor> {
    let share = |owner: &Actor| shares.get(owner).copied().unwrap_or_default();
    let open = |owner: &Actor| caps.per_owner == 0 || share(owner).running < caps.per_owner;
    let head = |line: &Vec<SessionId>| line.last().copied();
    lines
        .iter()
        .filter(|(owner, line)| !line.is_empty() && open(owner))
        .min_by_key(|(owner, line)| (share(owner).running, share(owner).served, head(line)))
        .map(|(owner, _)| owner.clone())
}

#[cfg(test)]
mod tests;
