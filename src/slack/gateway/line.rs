//! When a line opens its next socket, as a pure policy.
//!
//! A socket that lived is followed at once; one that did not costs a pause that doubles, so that no storm of
//! disconnects becomes a storm of opens. Time and chance are handed in; must not know connections.

use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use crate::domain::Time;

/// Who lived so long did not fail.
const STEADY: TimeDelta = TimeDelta::seconds(60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Refusals that no waiting changes.
const FOR_GOOD: &[&str] = &[
    "account_inactive",
    "invalid_auth",
    "invalid_token",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "token_expired",
    "token_revoked",
];

/// How the last try or the last socket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// None came about, or it broke.
    Broke(String),
    /// Slack wants another one.
    Told(String),
    /// Slack says how long to wait.
    Limited(Duration),
    /// Slack's own word.
    Refused(String),
    /// Slack wants none.
    Disabled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Open after this pause.
    After(Duration),
    /// Never again; the text is for the operator.
    Stop(String),
}

#[derive(Debug, Default)]
pub struct Line {
    strikes: u32,
    live_since: Option<Time>,
}

impl Line {
    /// A socket was greeted.
    pub fn live(&mut self, now: Time) {
        self.live_since = Some(now);
    }

    /// What follows. `chance` spreads those who failed together.
    pub fn step(&mut self, ended: &Ended, now: Time, chance: Uuid) -> Next {
        let lived = self.live_since.take().is_some_and(|since| now - since >= STEADY);
        if lived {
            self.strikes = 0;
        }
        match ended {
            Ended::Disabled => Next::Stop("Slack has turned Socket Mode off for this app".to_owned()),
            Ended::Refused(code) if FOR_GOOD.contains(&code.as_str()) => {
                Next::Stop(format!("Slack refuses the app token: {code}"))
            }
            Ended::Told(_) if lived => Next::After(Duration::ZERO),
            Ended::Limited(after) => Next::After(self.pause(chance).max(*after)),
            Ended::Told(_) | Ended::Broke(_) | Ended::Refused(_) => Next::After(self.pause(chance)),
        }
    }

    /// Between half and all of 1, 2, 4 … 60 seconds.
    fn pause(&mut self, chance: Uuid) -> Duration {
        let full = FIRST_PAUSE.saturating_mul(1 << self.strikes.min(6)).min(LONGEST_PAUSE);
        self.strikes = self.strikes.saturating_add(1);
        let half = full / 2;
        let spread = u32::try_from(chance.as_u128() % 1000).unwrap_or_default();
        half + half * spread / 1000
    }
}
