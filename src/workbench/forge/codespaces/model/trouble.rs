//! What befalls codespaces when a test wants it to.
//!
//! Changes the rows as GitHub's own troubles would. Must not know tests, requests or machines.

use serde::{Deserialize, Serialize};

use super::super::machines::Work;
use super::super::settings::Settings;
use super::requests::SPENT;
use super::{Codespace, Model, Phase};
use crate::clock::Time;

/// How a creation to come ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    Good,
    /// 202: a part of it failed and is tried again in the background.
    Retried,
    /// 201, and `Failed` in the end.
    Fails,
    /// 201, and in the end a recovery container that looks `Available`.
    Recovery,
    /// 503; nothing is made.
    Unavailable,
}

/// Why GitHub stops a codespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopWhy {
    Idle,
    /// Twelve hours since its start.
    Lifetime,
    SpendingLimit,
}

/// Laid upon one codespace, from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trouble {
    /// Stops now, if it runs.
    Stop { why: StopWhy },
    /// It is gone, as if somebody had deleted it in the browser.
    Vanish,
    /// Its state is shown as this word until `None` takes it away.
    Show { state: Option<String> },
    /// An operation of GitHub's own is under way, or over.
    Pending { pending: bool },
    /// Its next start ends in a recovery container, or as it should.
    Recovery { recovery: bool },
    /// Its next start ends as `Failed`, or as it should.
    Fail { fail: bool },
    /// What GitHub believes to be in it.
    Work { work: Work },
}

impl StopWhy {
    pub(super) fn notice(self, codespace: &Codespace) -> String {
        match self {
            Self::Idle => {
                format!("Your codespace was stopped: it was idle for {} minutes.", codespace.idle_minutes)
            }
            Self::Lifetime => "Your codespace was stopped: it had been running for 12 hours.".into(),
            Self::SpendingLimit => SPENT.into(),
        }
    }
}

impl Model {
    pub fn next_create(&mut self, next: Next) {
        self.next.push_back(next);
    }

    /// Says `false` where there is no such codespace.
    pub fn befall(&mut self, name: &str, trouble: Trouble, settings: &Settings, now: Time) -> bool {
        let Some(codespace) = self.get_mut(name) else { return false };
        match trouble {
            Trouble::Stop { why } => {
                if codespace.is_active() && codespace.phase != Phase::ShuttingDown {
                    codespace.begin_stop(Some(&why), settings, now);
                }
            }
            Trouble::Vanish => codespace.enter(Phase::Deleted, now, chrono::TimeDelta::zero()),
            Trouble::Show { state } => codespace.trouble.shown = state,
            Trouble::Pending { pending } => codespace.trouble.pending = pending,
            Trouble::Recovery { recovery } => codespace.trouble.recovery = recovery,
            Trouble::Fail { fail } => codespace.trouble.fails = fail,
            Trouble::Work { work } => codespace.work = work,
        }
        true
    }
}
