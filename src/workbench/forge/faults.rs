//! Faults on demand, and the record of every call.
//!
//! Knows which of the next calls is to go wrong and how. Must not know what calls mean.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is kept of the past; the counts go on.
const MOST_CALLS: usize = 1_000;
const MOST_COUNTS: usize = 4_096;
const MOST_FAULTS: usize = 256;

/// The next `times` calls that match go wrong.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `GET`, `POST`, …; `*` for all.
    pub method: String,
    /// The whole path without query, as `/api/v3/repos/o/n/pulls` or `/o/n.git/git-receive-pack`; a `*` at the end
    /// stands for any rest.
    pub path: String,
    #[serde(default = "once")]
    pub times: u32,
    pub fault: What,
    /// The call is carried out first; only its answer goes wrong.
    #[serde(default)]
    pub after: bool,
}

fn once() -> u32 {
    1
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// An answer of this status, with GitHub's body.
    Status { status: u16, message: Option<String> },
    /// 403 with an empty budget that fills again in so many seconds.
    RateLimited { seconds: u32 },
    /// GitHub's secondary limit: 403 or 429, and when to come back. The budget is not empty.
    SecondaryLimit { status: u16, seconds: u32 },
    /// 503, and when to come back.
    Unavailable { seconds: u32 },
    /// No answer, for ever.
    Hang,
    /// The connection closes without an answer.
    Drop,
    /// The answer is right, but late.
    Delay { ms: u64 },
    /// git turns the push down as a protected branch does: "pre-receive hook declined", for all its refs. For
    /// `POST …/git-receive-pack`.
    RefusePush,
}

impl Fault {
    /// The next call like this is answered with `status`.
    pub fn status(method: &str, path: &str, status: u16) -> Self {
        Self::new(method, path, What::Status { status, message: None })
    }

    pub fn new(method: &str, path: &str, fault: What) -> Self {
        Self { method: method.into(), path: path.into(), times: 1, fault, after: false }
    }

    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Carried out first.
    #[must_use]
    pub fn after(self) -> Self {
        Self { after: true, ..self }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let path_fits = match self.path.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => path == self.path,
        };
        path_fits && (self.method == "*" || self.method.eq_ignore_ascii_case(method))
    }
}

impl What {
    pub(super) fn delay(&self) -> Option<Duration> {
        match self {
            Self::Delay { ms } => Some(Duration::from_millis(*ms)),
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// Says `false` where too many wait already.
    pub(super) fn add(&mut self, fault: Fault) -> bool {
        let room = self.0.len() < MOST_FAULTS;
        if room && fault.times > 0 {
            self.0.push(fault);
        }
        room
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault for this call, if any; used up by it.
    pub(super) fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        let at = self.0.iter().position(|f| f.matches(method, path))?;
        let fault = self.0.get_mut(at)?;
        fault.times -= 1;
        let taken = fault.clone();
        if fault.times == 0 {
            self.0.remove(at);
        }
        Some(taken)
    }
}

/// One call as the forge saw it; `status` is `None` while it is not answered, and for ever if it never was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    pub n: u64,
    pub method: String,
    pub path: String,
    pub query: Option<String>,
    pub status: Option<u16>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Calls {
    pub total: u64,
    /// By `METHOD /path`.
    pub counts: BTreeMap<String, u64>,
    /// The newest thousand, oldest first.
    pub calls: VecDeque<Call>,
}

impl Calls {
    pub(super) fn begin(&mut self, method: &str, path: &str, query: Option<&str>) -> u64 {
        self.total += 1;
        let short = |text: &str| text.chars().take(500).collect::<String>();
        let (method, path) = (short(method), short(path));
        let key = format!("{method} {path}");
        if self.counts.len() < MOST_COUNTS || self.counts.contains_key(&key) {
            *self.counts.entry(key).or_default() += 1;
        }
        if self.calls.len() >= MOST_CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(Call { n: self.total, method, path, query: query.map(short), status: None });
        self.total
    }

    pub(super) fn end(&mut self, n: u64, status: u16) {
        if let Some(call) = self.calls.iter_mut().rev().find(|c| c.n == n) {
            call.status = Some(status);
        }
    }

    /// How often this was called.
    pub fn count(&self, method: &str, path: &str) -> u64 {
        self.counts.get(&format!("{method} {path}")).copied().unwrap_or_default()
    }
}
