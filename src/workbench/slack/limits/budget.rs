//! How often each method may be called: tiers per minute, and a message a second per channel with a short burst.
//!
//! Slack promises "20+": here the number is the law, so that who keeps to it is safe. Must not know what methods do.

use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;

use crate::clock::Time;

/// Messages a channel takes at once before it slows to one a second.
const POST_BURST: usize = 5;
/// Channels remembered at the same time.
const MOST_KEYS: usize = 4_096;

/// Calls of the last minute, by what they share.
#[derive(Debug, Default)]
pub struct Budgets {
    minutes: BTreeMap<String, VecDeque<Time>>,
    /// When the channel's bucket will be full again.
    posts: BTreeMap<String, Time>,
}

/// Calls per minute of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Seldom, but a few at once: a start opens several sockets.
    One,
    Two,
    Three,
    Four,
    /// `auth.test` and others: hundreds.
    Special,
}

impl Tier {
    pub fn per_minute(self) -> usize {
        match self {
            Self::One | Self::Two => 20,
            Self::Three => 50,
            Self::Four => 100,
            Self::Special => 600,
        }
    }
}

impl Budgets {
    /// Counts a call of this method; `Err` = after so many seconds.
    pub fn take(&mut self, method: &str, tier: Tier, now: Time) -> Result<(), u64> {
        let minute = TimeDelta::seconds(60);
        let calls = self.minutes.entry(method.to_owned()).or_default();
        while calls.front().is_some_and(|at| now - *at >= minute) {
            calls.pop_front();
        }
        match calls.front() {
            Some(first) if calls.len() >= tier.per_minute() => Err(seconds(*first + minute - now)),
            _ => {
                calls.push_back(now);
                Ok(())
            }
        }
    }

    /// Counts a message into a channel.
    pub fn post(&mut self, channel: &str, now: Time) -> Result<(), u64> {
        if self.posts.len() >= MOST_KEYS {
            self.posts.retain(|_, full| *full > now);
        }
        let full = self.posts.entry(channel.to_owned()).or_insert(now);
        let next = (*full).max(now) + TimeDelta::seconds(1);
        let burst = TimeDelta::seconds(i64::try_from(POST_BURST).unwrap_or(i64::MAX));
        if next - now > burst {
            return Err(seconds(next - now - burst));
        }
        *full = next;
        Ok(())
    }
}

/// Whole seconds, upwards.
fn seconds(wait: TimeDelta) -> u64 {
    u64::try_from((wait.num_milliseconds() + 999) / 1_000).unwrap_or(0)
}
