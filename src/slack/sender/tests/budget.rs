//! No minute and no channel ever sees more than Slack allows, and who waits goes first.

use std::collections::BinaryHeap;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;

use crate::domain::Time;
use crate::slack::sender::budget::{Budget, Method, Rank};

fn start() -> Time {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn ms(ms: i64) -> TimeDelta {
    TimeDelta::milliseconds(ms)
}

fn any_rank() -> impl Strategy<Value = Rank> {
    prop_oneof![Just(Rank::Ask), Just(Rank::State), Just(Rank::Final), Just(Rank::Progress)]
}

/// The most calls that any span of this length holds.
fn most_in(mut arrivals: Vec<Time>, span: TimeDelta) -> usize {
    arrivals.sort();
    let within =
        |(i, from): (usize, &Time)| arrivals[i..].iter().take_while(|at| **at < *from + span).count();
    arrivals.iter().enumerate().map(within).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn no_minute_sees_more_than_fifty_updates(
        calls in prop::collection::vec((0_i64..900, any_rank(), 0_i64..9_000, 0_u8..=100), 1..600)
    ) {
        let (mut budget, mut now) = (Budget::default(), start());
        let mut flying = BinaryHeap::new();
        let mut arrivals = Vec::new();
        for (wait, rank, lasts, part) in calls {
            now += ms(wait);
            while flying.peek().is_some_and(|std::cmp::Reverse(end)| *end <= now) {
                if let Some(std::cmp::Reverse(end)) = flying.pop() {
                    budget.ended(Method::Update, end);
                }
            }
            match budget.take(Method::Update, "C1", rank, now) {
                Ok(()) => {
                    flying.push(std::cmp::Reverse(now + ms(lasts)));
                    arrivals.push(now + ms(lasts * i64::from(part) / 100));
                }
                Err(again) => prop_assert!(again > now),
            }
        }
        prop_assert!(most_in(arrivals, TimeDelta::minutes(1)) <= 48);
    }

    #[test]
    fn a_channel_sees_a_post_a_second_and_a_short_burst(
        calls in prop::collection::vec((0_i64..700, any_rank()), 1..300)
    ) {
        let (mut budget, mut now, mut posts) = (Budget::default(), start(), Vec::new());
        for (wait, rank) in calls {
            now += ms(wait);
            if budget.take(Method::Post, "C1", rank, now).is_ok() {
                posts.push(now);
            }
        }
        prop_assert!(most_in(posts.clone(), TimeDelta::seconds(1)) <= 4);
        prop_assert!(most_in(posts, TimeDelta::seconds(60)) <= 58);
    }
}

#[test]
fn the_last_updates_of_a_minute_are_for_who_waits() {
    let mut budget = Budget::default();
    let now = start();
    let grant = |budget: &mut Budget, rank| {
        let granted = (0..1_000).take_while(|_| budget.take(Method::Update, "C1", rank, now).is_ok()).count();
        (0..granted).for_each(|_| budget.ended(Method::Update, now));
        granted
    };
    assert_eq!(grant(&mut budget, Rank::Progress), 24);
    assert_eq!(grant(&mut budget, Rank::State), 16);
    assert_eq!(grant(&mut budget, Rank::Ask), 8);
    let again = budget.take(Method::Update, "C1", Rank::Ask, now).unwrap_err();
    assert!(again > now + TimeDelta::minutes(1));
    assert_eq!(budget.take(Method::Update, "C1", Rank::Ask, again), Ok(()));
}

#[test]
fn an_ask_is_posted_at_once_where_roots_fill_the_channel() {
    let (mut budget, mut now) = (Budget::default(), start());
    // A short burst first, of which the last place is kept back.
    for _ in 0..2 {
        assert_eq!(budget.take(Method::Post, "C1", Rank::State, now), Ok(()));
    }
    for _ in 0..30 {
        assert_eq!(budget.take(Method::Post, "C1", Rank::State, now), Ok(()));
        assert_eq!(budget.take(Method::Post, "C1", Rank::State, now + ms(1)), Err(now + ms(1_100)));
        now += ms(1_100);
    }
    assert_eq!(budget.take(Method::Post, "C1", Rank::State, now), Ok(()));
    assert_eq!(budget.take(Method::Post, "C1", Rank::Ask, now), Ok(()));
    assert_eq!(budget.take(Method::Post, "C2", Rank::Progress, now), Ok(()));
    assert!(budget.take(Method::Post, "C1", Rank::Ask, now).is_err());
}

#[test]
fn slack_is_left_alone_for_exactly_as_long_as_it_asks() {
    let (mut budget, now) = (Budget::default(), start());
    let until = now + TimeDelta::seconds(7);
    budget.pause(Method::Post, "C1", until, now);
    assert_eq!(budget.take(Method::Post, "C1", Rank::Ask, until - ms(1)), Err(until));
    assert_eq!(budget.take(Method::Post, "C2", Rank::Ask, now), Ok(()));
    assert_eq!(budget.take(Method::Update, "C1", Rank::Ask, now), Ok(()));
    assert_eq!(budget.take(Method::Post, "C1", Rank::Ask, until), Ok(()));
}

#[test]
fn what_was_not_called_does_not_count() {
    let (mut budget, now) = (Budget::default(), start());
    for _ in 0..200 {
        assert_eq!(budget.take(Method::Update, "C1", Rank::Progress, now), Ok(()));
        budget.unused(Method::Update, "C1");
        assert_eq!(budget.take(Method::Post, "C1", Rank::Final, now), Ok(()));
        budget.unused(Method::Post, "C1");
    }
}
