//! How often we may speak: per channel, per method, and what Slack asked us to wait for.
//!
//! Pure: time is handed in. A call counts from the moment it is granted until a minute after it has ended, so that
//! however late it reaches Slack no minute there sees more of them than are counted here. Must not know what is said.

use std::collections::{HashMap, VecDeque};

use chrono::TimeDelta;

use crate::domain::Time;

/// What is limited by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `chat.postMessage`: about one a second in each channel.
    Post,
    /// `chat.update`: about 50 a minute for all sessions together.
    Update,
    /// Reading a channel back; as rare as updates.
    Look,
}

/// What goes first where not everything may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// Somebody is asked, or waits for the effect of a click.
    Ask,
    State,
    Final,
    Progress,
}

/// Calls in any minute, of this rank and all before it together. The last places are for people who wait.
fn per_minute(method: Method, rank: Rank) -> usize {
    match (method, rank) {
        (Method::Look, _) => 40,
        (_, Rank::Ask) => 48,
        (_, Rank::State | Rank::Final) => 40,
        (_, Rank::Progress) => 24,
    }
}

const MINUTE: TimeDelta = TimeDelta::minutes(1);
/// How soon to ask again where only a call that is under way could make room.
const MOMENT: TimeDelta = TimeDelta::milliseconds(250);
/// A channel earns one post in this time. Slack's rule is one a second; what is over is for the network.
const PER_POST: TimeDelta = TimeDelta::milliseconds(1_100);
/// Posts that a channel can save up. Slack allows "short bursts" and does not say how short.
const SAVED: i32 = 4;
/// Beyond that many channels the ones that were long silent are forgotten.
const MAX_CHANNELS: usize = 1_000;

/// Grants calls or says when to ask again.
#[derive(Debug, Default)]
pub struct Budget {
    channels: HashMap<String, Saved>,
    minutes: HashMap<Method, Minute>,
    paused: HashMap<(Method, String), Time>,
}

/// A bucket told by the moment at which it will be full.
#[derive(Clone, Copy, Debug)]
struct Saved {
    full_at: Time,
}

#[derive(Debug, Default)]
struct Minute {
    flying: usize,
    ended: VecDeque<Time>,
}

impl Budget {
    /// Grants one call, which [`Budget::ended`] (or [`Budget::unused`]) gives back; or says when to ask again.
    pub fn take(&mut self, method: Method, channel: &str, rank: Rank, now: Time) -> Result<(), Time> {
        let paused = self.paused.get(&(method, channel.to_owned()));
        if let Some(until) = paused.filter(|until| **until > now) {
            return Err(*until);
        }
        match method {
            Method::Post => self.take_post(channel, rank, now),
            Method::Update | Method::Look => {
                self.minutes.entry(method).or_default().take(per_minute(method, rank), now)
            }
        }
    }

    /// The call is over, however it went.
    pub fn ended(&mut self, method: Method, now: Time) {
        if let Some(minute) = self.minutes.get_mut(&method) {
            minute.flying = minute.flying.saturating_sub(1);
            minute.ended.push_back(now);
        }
    }

    /// What was granted was not called after all.
    pub fn unused(&mut self, method: Method, channel: &str) {
        match method {
            Method::Post => {
                if let Some(saved) = self.channels.get_mut(channel) {
                    saved.full_at -= PER_POST;
                }
            }
            Method::Update | Method::Look => {
                if let Some(minute) = self.minutes.get_mut(&method) {
                    minute.flying = minute.flying.saturating_sub(1);
                }
            }
        }
    }

    /// Slack asked us to wait: nothing of this kind goes there before then.
    pub fn pause(&mut self, method: Method, channel: &str, until: Time, now: Time) {
        self.paused.retain(|_, paused| *paused > now);
        self.paused.insert((method, channel.to_owned()), until);
    }

    fn take_post(&mut self, channel: &str, rank: Rank, now: Time) -> Result<(), Time> {
        if self.channels.len() >= MAX_CHANNELS {
            self.channels.retain(|_, saved| saved.full_at > now);
        }
        let saved = self.channels.entry(channel.to_owned()).or_insert(Saved { full_at: now });
        // One post is always kept back for somebody who waits.
        let needs = if rank == Rank::Ask { 1 } else { 2 };
        let ready_at = saved.full_at - PER_POST * (SAVED - needs);
        if ready_at > now {
            return Err(ready_at);
        }
        saved.full_at = saved.full_at.max(now) + PER_POST;
        Ok(())
    }
}

impl Minute {
    fn take(&mut self, limit: usize, now: Time) -> Result<(), Time> {
        while self.ended.front().is_some_and(|at| *at + MINUTE < now) {
            self.ended.pop_front();
        }
        let used = self.flying + self.ended.len();
        if used < limit {
            self.flying += 1;
            return Ok(());
        }
        // As many have to leave the minute as are above the limit, and one more.
        let leaves = self.ended.get(used - limit).map(|at| *at + MINUTE + TimeDelta::microseconds(1));
        Err(leaves.unwrap_or(now + MOMENT))
    }
}
