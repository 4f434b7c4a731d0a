//! Laws of the queue.

use std::collections::BTreeMap;

use chrono::{TimeDelta, TimeZone, Utc};
use proptest::prelude::*;

use super::{Caps, Share, Waiting, placement};
use crate::domain::{Actor, SessionId, Time};

fn at(seconds: u32) -> Time {
    Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap() + TimeDelta::seconds(i64::from(seconds))
}

fn owner(n: u8) -> Actor {
    Actor::Person(format!("local/{}", char::from(b'a' + n)))
}

fn any_queue() -> impl Strategy<Value = Vec<Waiting>> {
    let one = (0u8..4, any::<bool>(), -1i8..2, 0u32..50);
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let waiting = |(i, (who, front, priority, since)): (usize, (u8, bool, i8, u32))| Waiting {
            session: SessionId::new(u32::try_from(i).unwrap() + 1).unwrap(),
            owner: owner(who),
            front,
            priority,
            since: at(since),
        };
        all.into_iter().enumerate().map(waiting).collect()
    })
}

fn any_shares() -> impl Strategy<Value = BTreeMap<Actor, Share>> {
    prop::collection::btree_map(0u8..4, (0u32..4, prop::option::of(0u32..50)), 0..4).prop_map(|all| {
        all.into_iter()
            .map(|(who, (running, served))| (owner(who), Share { running, served: served.map(at) }))
            .collect()
    })
}

proptest! {
    #[test]
    fn placement_never_passes_a_cap(
        waiting in any_queue(), shares in any_shares(), total in 0u32..8, per_owner in 0u32..4,
    ) {
        let placed = placement(&waiting, &shares, Caps { total, per_owner }, at(99));
        let running: u32 = shares.values().map(|s| s.running).sum();
        let room = usize::try_from(total.saturating_sub(running)).unwrap();
        prop_assert!(placed.len() <= room);
        if per_owner > 0 {
            for who in 0..4 {
                let of = |s: &&SessionId| waiting.iter().any(|w| w.session == **s && w.owner == owner(who));
                let now = shares.get(&owner(who)).map_or(0, |s| s.running);
                let placed = u32::try_from(placed.iter().filter(of).count()).unwrap();
                prop_assert!(placed == 0 || now + placed <= per_owner);
            }
        }
    }

    #[test]
    fn no_slot_stays_empty_while_somebody_may_have_it(waiting in any_queue(), total in 0u32..8) {
        let placed = placement(&waiting, &BTreeMap::new(), Caps { total, per_owner: 0 }, at(99));
        prop_assert_eq!(placed.len(), waiting.len().min(usize::try_from(total).unwrap()));
    }

    #[test]
    fn an_owners_sessions_go_in_order(waiting in any_queue(), shares in any_shares()) {
        let caps = Caps { total: u32::MAX, per_owner: 0 };
        let placed = placement(&waiting, &shares, caps, at(99));
        let find = |id: &SessionId| waiting.iter().find(|w| w.session == *id).unwrap();
        for (i, first) in placed.iter().enumerate() {
            for later in &placed[i + 1..] {
                let (a, b) = (find(first), find(later));
                if a.owner == b.owner {
                    let key = |w: &Waiting| (!w.front, std::cmp::Reverse(w.priority), w.since, w.session);
                    prop_assert!(key(a) < key(b));
                }
            }
        }
    }

    #[test]
    fn between_owners_the_shares_differ_by_one_at_most(waiting in any_queue(), total in 1u32..12) {
        let placed = placement(&waiting, &BTreeMap::new(), Caps { total, per_owner: 0 }, at(99));
        let got = |who: u8| placed.iter()
            .filter(|s| waiting.iter().any(|w| w.session == **s && w.owner == owner(who))).count();
        let left = |who: u8| waiting.iter().filter(|w| w.owner == owner(who)).count() - got(who);
        for a in 0..4 {
            for b in 0..4 {
                // Somebody who still waits has at most one less than anybody else.
                if left(a) > 0 {
                    prop_assert!(got(b) <= got(a) + 1);
                }
            }
        }
    }

    #[test]
    fn nobody_starves_behind_a_flood(flood in 1u32..300, cap in 1u32..5) {
        // One owner has queued `flood` sessions before another queues one. Slots free up one by one.
        let mut waiting: Vec<Waiting> = (1..=flood)
            .map(|i| Waiting {
                session: SessionId::new(i).unwrap(), owner: owner(0), front: false, priority: 0, since: at(i),
            })
            .collect();
        let late = SessionId::new(flood + 1).unwrap();
        waiting.push(Waiting { session: late, owner: owner(1), front: false, priority: 0, since: at(flood + 1) });
        let mut shares = BTreeMap::from([(owner(0), Share { running: cap, served: Some(at(flood + 1)) })]);
        // The first slot that frees up is the late one's.
        shares.get_mut(&owner(0)).unwrap().running -= 1;
        let placed = placement(&waiting, &shares, Caps { total: cap, per_owner: 0 }, at(flood + 2));
        prop_assert_eq!(placed, vec![late]);
    }
}
