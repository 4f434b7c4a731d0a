//! Every call of the Web API, counted, and the newest in full.
//!
//! Knows methods and outcomes, and where a message went. Must not know tokens or texts.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::clock::Time;

/// What is kept of the past; the counts go on.
const MOST_CALLS: usize = 5_000;
const MOST_METHODS: usize = 512;

/// One call as Slack saw it; `status` is `None` while it is not answered, and for ever if it never was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    pub n: u64,
    pub at: Time,
    /// `chat.postMessage`; `response_url` for replies to one.
    pub method: String,
    pub channel: Option<String>,
    /// The message it is about.
    pub ts: Option<String>,
    pub status: Option<u16>,
    /// Slack's word, where it refused.
    pub error: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    pub calls: u64,
    pub ok: u64,
    pub errors: BTreeMap<String, u64>,
    pub got_429: u64,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Calls {
    pub total: u64,
    /// By method.
    pub counts: BTreeMap<String, Count>,
    /// The newest five thousand, oldest first.
    pub calls: VecDeque<Call>,
}

impl Calls {
    pub(super) fn begin(&mut self, method: &str, at: Time) -> u64 {
        self.total += 1;
        let method: String = method.chars().take(100).collect();
        if self.counts.len() < MOST_METHODS || self.counts.contains_key(&method) {
            self.counts.entry(method.clone()).or_default().calls += 1;
        }
        if self.calls.len() >= MOST_CALLS {
            self.calls.pop_front();
        }
        let call = Call { n: self.total, at, method, channel: None, ts: None, status: None, error: None };
        self.calls.push_back(call);
        self.total
    }

    /// Says what the call is about.
    pub(super) fn about(&mut self, n: u64, channel: Option<&str>, ts: Option<&str>) {
        if let Some(call) = self.find(n) {
            call.channel = channel.map(|c| c.chars().take(100).collect());
            call.ts = ts.map(|t| t.chars().take(100).collect());
        }
    }

    /// `ts`: of the message it made, where it made one.
    pub(super) fn end(&mut self, n: u64, status: u16, error: Option<&str>, ts: Option<&str>) {
        let Some(call) = self.find(n) else { return };
        call.status = Some(status);
        call.error = error.map(str::to_owned);
        if let Some(ts) = ts {
            call.ts = Some(ts.to_owned());
        }
        let method = call.method.clone();
        let Some(count) = self.counts.get_mut(&method) else { return };
        match error {
            None if status < 400 => count.ok += 1,
            _ => *count.errors.entry(error.unwrap_or("http").to_owned()).or_default() += 1,
        }
        if status == 429 {
            count.got_429 += 1;
        }
    }

    fn find(&mut self, n: u64) -> Option<&mut Call> {
        self.calls.iter_mut().rev().find(|call| call.n == n)
    }

    /// How often this method was called.
    pub fn count(&self, method: &str) -> u64 {
        self.counts.get(method).map_or(0, |count| count.calls)
    }

    /// How often a call was turned down for coming too often.
    pub fn got_429(&self) -> u64 {
        self.counts.values().map(|count| count.got_429).sum()
    }

    /// The most calls of this method within any sixty seconds, among the newest.
    pub fn busiest_minute(&self, method: &str) -> usize {
        let times: Vec<Time> = self.calls.iter().filter(|c| c.method == method).map(|c| c.at).collect();
        let within = |from: usize| {
            let start = times.get(from).copied().unwrap_or_default();
            times.iter().skip(from).take_while(|at| (**at - start).num_seconds() < 60).count()
        };
        (0..times.len()).map(within).max().unwrap_or(0)
    }
}
