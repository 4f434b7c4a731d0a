//! What GitHub's lists do not say yet, and what they say only on the side.
//!
//! Knows that a list lags behind a creation: a key is not asked for again while it might still turn up. All of it may be
//! lost with the process; then two codespaces with one key are found, and the younger goes. Bounded.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use super::super::Price;
use crate::clock::Time;
use crate::domain::lease::Key;
use crate::github::codespaces::Codespace;

/// So long after a creation without an answer, or with one, a list that does not show it proves nothing.
pub(super) const GRACE: TimeDelta = TimeDelta::minutes(2);
const MOST: usize = 2_000;

/// GitHub's prices, in millionths of a dollar: a core's hour, a gigabyte's month.
const CORE_HOUR: u64 = 90_000;
const GB_MONTH: u64 = 70_000;
const HOURS_OF_MONTH: u64 = 730;

#[derive(Default)]
pub(super) struct Memory(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    asked: HashMap<Key, Asked>,
    exports: HashMap<String, String>,
    prices: HashMap<String, Price>,
}

/// A codespace was asked for.
#[derive(Clone)]
pub(super) struct Asked {
    pub at: Time,
    /// GitHub's name for it, where it answered.
    pub made: Option<String>,
}

impl Memory {
    /// `made`: `None` where the answer was lost.
    pub(super) fn asked(&self, key: &Key, at: Time, made: Option<&str>) {
        let mut inside = self.lock();
        inside.asked.retain(|_, asked| at - asked.at < GRACE);
        inside.asked.insert(key.clone(), Asked { at, made: made.map(str::to_owned) });
    }

    /// What was asked for and may not be listed yet.
    pub(super) fn lately(&self, key: &Key, now: Time) -> Option<Asked> {
        self.lock().asked.get(key).filter(|asked| now - asked.at < GRACE).cloned()
    }

    /// How many were asked for lately of which no list that names `listed` knows.
    pub(super) fn unlisted(&self, now: Time, listed: &[Codespace]) -> usize {
        let is_new = |asked: &&Asked| {
            let named = |made: &String| listed.iter().any(|c| c.name == *made);
            now - asked.at < GRACE && !asked.made.as_ref().is_some_and(named)
        };
        self.lock().asked.values().filter(is_new).count()
    }

    pub(super) fn forget(&self, key: &Key) {
        self.lock().asked.remove(key);
    }

    pub(super) fn exporting(&self, node: &str) -> Option<String> {
        self.lock().exports.get(node).cloned()
    }

    /// `None`: it is over.
    pub(super) fn set_export(&self, node: &str, id: Option<String>) {
        let mut inside = self.lock();
        match id {
            Some(id) if inside.exports.len() < MOST => drop(inside.exports.insert(node.to_owned(), id)),
            _ => drop(inside.exports.remove(node)),
        }
    }

    pub(super) fn price(&self, node: &str) -> Option<Price> {
        self.lock().prices.get(node).copied()
    }

    /// Takes down what a codespace of this size costs.
    pub(super) fn saw(&self, node: &str, codespace: &Codespace) {
        let Some(cpus) = codespace.cpus else { return };
        let gigabytes = codespace.storage_in_bytes.unwrap_or_default() >> 30;
        let price =
            Price { up_hour: u64::from(cpus) * CORE_HOUR, kept_hour: gigabytes * GB_MONTH / HOURS_OF_MONTH };
        let mut inside = self.lock();
        if inside.prices.len() >= MOST {
            inside.prices.clear();
        }
        inside.prices.insert(node.to_owned(), price);
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
