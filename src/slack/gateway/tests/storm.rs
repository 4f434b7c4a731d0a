//! When sockets are opened: at once after a good one, ever more slowly in a storm, never after a word for good.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::{ProptestConfig, any, proptest};
use uuid::Uuid;

use super::super::line::{Ended, Line, Next};
use crate::domain::Time;

fn start() -> Time {
    DateTime::from_timestamp_micros(1_790_000_000_000_000).unwrap()
}

fn told() -> Ended {
    Ended::Told("refresh_requested".to_owned())
}

fn pause(next: &Next) -> Duration {
    match next {
        Next::After(pause) => *pause,
        Next::Stop(why) => panic!("{why}"),
    }
}

/// Opens of one line in each minute, when every socket ends `life` after it is live.
fn opens_a_minute(ended: &Ended, life: TimeDelta, chance: Uuid) -> Vec<u32> {
    let (mut one, mut now, mut opens) = (Line::default(), start(), vec![0; 10]);
    while let Ok(minute) = usize::try_from((now - start()).num_minutes())
        && minute < opens.len()
    {
        opens[minute] += 1;
        one.live(now);
        now += life;
        now += TimeDelta::from_std(pause(&one.step(ended, now, chance))).unwrap();
    }
    opens
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_storm_of_disconnects_is_no_storm_of_opens(chance in any::<u128>(), ms in 0..2_000_i64) {
        for ended in [told(), Ended::Broke("closed".to_owned())] {
            let opens = opens_a_minute(&ended, TimeDelta::milliseconds(ms), Uuid::from_u128(chance));
            assert!(opens[0] <= 8, "{opens:?}");
            assert!(opens[1..].iter().all(|n| *n <= 3), "{opens:?}");
        }
    }

    #[test]
    fn pauses_double_and_are_never_longer_than_a_minute(chances in proptest::collection::vec(any::<u128>(), 40)) {
        let mut line = Line::default();
        for (n, chance) in chances.into_iter().enumerate() {
            let full = Duration::from_secs((1_u64 << n.min(6)).min(60));
            let pause = pause(&line.step(&Ended::Broke(String::new()), start(), Uuid::from_u128(chance)));
            assert!(pause >= full / 2 && pause <= full, "{pause:?} of {full:?}");
        }
    }
}

#[test]
fn those_who_failed_together_do_not_come_back_together() {
    let pauses = [0, 500, 999].map(|chance| {
        pause(&Line::default().step(&Ended::Broke(String::new()), start(), Uuid::from_u128(chance)))
    });
    assert!(pauses[0] < pauses[1] && pauses[1] < pauses[2], "{pauses:?}");
}

#[test]
fn a_socket_that_lived_is_followed_at_once_and_forgives_what_was_before() {
    let mut line = Line::default();
    for _ in 0..9 {
        line.step(&Ended::Broke(String::new()), start(), Uuid::nil());
    }
    line.live(start());
    let later = start() + TimeDelta::seconds(60);
    assert_eq!(line.step(&told(), later, Uuid::nil()), Next::After(Duration::ZERO));
    let next = line.step(&Ended::Broke(String::new()), later, Uuid::nil());
    assert_eq!(next, Next::After(Duration::from_millis(500)));
}

#[test]
fn slack_says_how_long_to_wait() {
    let mut line = Line::default();
    let wait = Duration::from_secs(90);
    assert_eq!(line.step(&Ended::Limited(wait), start(), Uuid::nil()), Next::After(wait));
}

#[test]
fn what_no_waiting_changes_is_not_tried_again() {
    for code in ["invalid_auth", "token_revoked", "not_allowed_token_type", "missing_scope"] {
        let next = Line::default().step(&Ended::Refused(code.to_owned()), start(), Uuid::nil());
        let Next::Stop(why) = next else { panic!("{code}") };
        assert!(why.contains(code));
    }
    assert!(matches!(Line::default().step(&Ended::Disabled, start(), Uuid::nil()), Next::Stop(_)));
    let other = Line::default().step(&Ended::Refused("internal_error".to_owned()), start(), Uuid::nil());
    assert!(matches!(other, Next::After(_)));
}
