//! How long and how often: every number a session's machine obeys, with its unit.
//!
//! Copied into the session when it is created, so that a change of settings never rewrites history.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Defaults are DESIGN's; all durations in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default, deny_unknown_fields)]
pub struct Limits {
    /// How long an agent process is kept alive for an open ask before it is let go.
    pub hold: u32,
    /// How long an ask stays open before its default answers.
    pub ask_expiry: u32,
    /// Whether the agent decides when an ask expires; else the ask stays and the session stays paused.
    pub ask_default: bool,
    /// Attempts after the first that may fail without a person's word in between.
    pub max_retries: u32,
    /// Pause before the first retry; doubles up to an hour.
    pub retry_backoff: u32,
    /// From admission to the supervisor's hello.
    pub provisioning: u32,
    /// From the wish to stop an attempt to its end; after that it is given up as lost.
    pub stopping: u32,
    /// How long one attempt may run before it is held for a person.
    pub max_task_duration: u32,
    /// Dollars in millionths a session may spend before it is held for a person; 0 = no limit.
    pub max_cost_micro_usd: u64,
    /// Rounds of failing checks before the session fails.
    pub max_consecutive_failures: u32,
    /// Paused longer than this: cancelled, branch kept.
    pub paused_max: u32,
    /// How long a done session keeps its node for a follow-up.
    pub done_grace: u32,
    /// One check command may run this long.
    pub check_timeout: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hold: 5 * 60,
            ask_expiry: 24 * 3600,
            ask_default: false,
            max_retries: 3,
            retry_backoff: 10,
            provisioning: 10 * 60,
            stopping: 60,
            max_task_duration: 4 * 3600,
            max_cost_micro_usd: 0,
            max_consecutive_failures: 5,
            paused_max: 14 * 24 * 3600,
            done_grace: 3600,
            check_timeout: 20 * 60,
        }
    }
}

impl Limits {
    /// The wait before retry number `retry` (from 1): doubles, at most an hour.
    pub fn backoff(&self, retry: u32) -> TimeDelta {
        let factor = 1_i64 << retry.saturating_sub(1).min(12);
        TimeDelta::seconds((i64::from(self.retry_backoff) * factor).min(3600))
    }
}

/// A limit as a duration.
pub fn seconds(limit: u32) -> TimeDelta {
    TimeDelta::seconds(i64::from(limit))
}

/// What the work must show before it counts as done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default, deny_unknown_fields)]
pub struct Policy {
    /// A passing test check with at least one test must be among the evidence.
    pub require_tests: bool,
    /// Percent; 0 = not asked. Read from what a test check prints.
    pub min_coverage: u8,
    /// What the agent left uncommitted is committed for it; else it is told to commit.
    pub auto_commit: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { require_tests: false, min_coverage: 0, auto_commit: true }
    }
}
