//! Faults on demand: what the next calls, connections and deliveries suffer, and what happens at once.
//!
//! ```text
//! POST /_slack/faults
//! { "on": "call", "method": "chat.postMessage"|"*", "times": 1, "fault": What, "after": false }
//! { "on": "connect", "times": 1, "fault": What }      the upgrade to a websocket
//! { "on": "hello", "times": 1, "fault": { "kind": "hang" } }      connected, but no hello comes
//! { "on": "too_many", "times": 1 }                    hello's place is taken by `too_many_websockets`
//! { "on": "disconnect", "reason": "refresh_requested" }     now, to every connection
//! { "on": "storm", "times": 20 }                      each connection is told to refresh as soon as it stands
//! { "on": "cut" } · { "on": "deaf" }                  now: connections end without a word, or say nothing more
//! { "on": "repeat", "times": 1 }                      the acknowledgement of the next event is lost
//! { "on": "unheard", "times": 1 }                     the same of the next click, form or command: the person is told so
//! { "on": "twice", "times": 1 }                       the next delivery of any kind is sent twice, to the letter
//! { "on": "org_wide", "times": 1 }                    interactions come with `team: null`
//! { "on": "deleted", "channel": "C…", "ts": "…" }     an admin takes a message away
//! { "on": "removed", "channel": "C…" }                an admin takes the app out of a channel
//! { "on": "archived", "channel": "C…" }               an admin archives a channel
//! What: { "kind": "status", "status": 503 } | { "kind": "error", "error": "fatal_error" } |
//!       { "kind": "rate_limited", "seconds": 7 } | { "kind": "hang" } | { "kind": "drop" } | { "kind": "delay", "ms": 5 }
//! ```
//! `after`: the call is carried out first; only its answer is lost. Must not know what calls mean.

use serde::{Deserialize, Serialize};

const MOST_FAULTS: usize = 256;

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "on", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    Call {
        method: String,
        #[serde(default = "once")]
        times: u32,
        fault: What,
        #[serde(default)]
        after: bool,
    },
    Connect {
        #[serde(default = "once")]
        times: u32,
        fault: What,
    },
    Hello {
        #[serde(default = "once")]
        times: u32,
        fault: What,
    },
    TooMany {
        #[serde(default = "once")]
        times: u32,
    },
    Storm {
        times: u32,
    },
    Disconnect {
        reason: String,
    },
    Cut,
    Deaf,
    Repeat {
        #[serde(default = "once")]
        times: u32,
    },
    Unheard {
        #[serde(default = "once")]
        times: u32,
    },
    Twice {
        #[serde(default = "once")]
        times: u32,
    },
    OrgWide {
        #[serde(default = "once")]
        times: u32,
    },
    Deleted {
        channel: String,
        ts: String,
    },
    Removed {
        channel: String,
    },
    Archived {
        channel: String,
    },
}

fn once() -> u32 {
    1
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// An answer of this status without Slack's body.
    Status { status: u16 },
    /// Slack's own refusal.
    Error { error: String },
    /// 429 with Retry-After.
    RateLimited { seconds: u64 },
    /// No answer, for ever.
    Hang,
    /// The connection closes without an answer.
    Drop,
    /// The answer is right, but late.
    Delay { ms: u64 },
}

impl Fault {
    /// The next call of this method goes wrong.
    pub fn call(method: &str, fault: What) -> Self {
        Self::Call { method: method.into(), times: 1, fault, after: false }
    }

    /// It is carried out; the answer is lost.
    pub fn after(method: &str, fault: What) -> Self {
        Self::Call { method: method.into(), times: 1, fault, after: true }
    }

    /// Uses it once; says whether it is used up.
    fn spend(&mut self) -> bool {
        let (Self::Call { times, .. }
        | Self::Connect { times, .. }
        | Self::Hello { times, .. }
        | Self::TooMany { times }
        | Self::Storm { times }) = self
        else {
            return true;
        };
        *times = times.saturating_sub(1);
        *times == 0
    }
}

/// What waits to go wrong.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// Says `false` where too many wait already.
    pub(super) fn add(&mut self, fault: Fault) -> bool {
        let room = self.0.len() < MOST_FAULTS;
        let idle = matches!(&fault, Fault::Call { times: 0, .. } | Fault::Connect { times: 0, .. });
        if room && !idle {
            self.0.push(fault);
        }
        room
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What befalls this call, and whether only after it was carried out.
    pub(super) fn call(&mut self, called: &str) -> Option<(What, bool)> {
        let fits = |f: &Fault| matches!(f, Fault::Call { method, .. } if method == "*" || method == called);
        match self.take(fits)? {
            Fault::Call { fault, after, .. } => Some((fault, after)),
            _ => None,
        }
    }

    /// What befalls this upgrade.
    pub(super) fn connect(&mut self) -> Option<What> {
        match self.take(|f| matches!(f, Fault::Connect { .. }))? {
            Fault::Connect { fault, .. } => Some(fault),
            _ => None,
        }
    }

    /// What befalls this new connection before or at its hello.
    pub(super) fn hello(&mut self) -> Option<Fault> {
        self.take(|f| matches!(f, Fault::Hello { .. } | Fault::TooMany { .. } | Fault::Storm { .. }))
    }

    fn take(&mut self, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let at = self.0.iter().position(fits)?;
        let fault = self.0.get_mut(at)?;
        let taken = fault.clone();
        if fault.spend() {
            self.0.remove(at);
        }
        Some(taken)
    }
}
