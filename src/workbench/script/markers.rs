//! Numbered messages, by which tests prove that nothing was lost and nothing came twice.
//!
//! A marker is the message `marker 17 of 40`. Its line's `uuid` follows from the conversation and the place in the
//! script, so the same marker has the same uuid however often it is said. The agent prints a marker first and notes
//! it in its transcript second. Therefore: as long as the agent's process and the reader of its output live, each
//! marker is said exactly once, whatever happens to links and to the control plane; a kill -9 of the agent between
//! the two repeats at most one, the first after the resume, under the same uuid; a kill of the *reader* can lose the
//! lines that lay unread in the pipe, which the transcript still has. [`Tally`] counts accordingly.
//! Must not know how lines travel.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// `count` messages, `every_ms` milliseconds apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Markers {
    pub count: u64,
    #[serde(default)]
    pub every_ms: u64,
    #[serde(default = "prefix")]
    pub prefix: String,
}

fn prefix() -> String {
    "marker".into()
}

impl Markers {
    pub fn text(&self, number: u64) -> String {
        format!("{} {number} of {}", self.prefix, self.count)
    }
}

/// The uuid of a marker's line.
pub fn marker_id(conversation: Uuid, round: usize, step: usize, number: u64) -> Uuid {
    Uuid::new_v5(&conversation, format!("marker/{round}/{step}/{number}").as_bytes())
}

/// How often each number of one series was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    count: u64,
    seen: BTreeMap<u64, u64>,
}

impl Tally {
    /// Counts the markers in texts (messages, lines, page text: each text holds any number of them).
    pub fn of<'a>(markers: &Markers, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut seen = BTreeMap::new();
        for text in texts {
            for number in numbers(markers, text) {
                *seen.entry(number).or_default() += 1;
            }
        }
        Self { count: markers.count, seen }
    }

    /// Numbers of the series never seen.
    pub fn lost(&self) -> Vec<u64> {
        (1..=self.count).filter(|n| !self.seen.contains_key(n)).collect()
    }

    /// Numbers seen more than once.
    pub fn doubled(&self) -> Vec<u64> {
        self.seen.iter().filter(|(_, times)| **times > 1).map(|(n, _)| *n).collect()
    }

    /// The highest number seen, 0 if none.
    pub fn last(&self) -> u64 {
        self.seen.keys().next_back().copied().unwrap_or(0)
    }
}

fn numbers(markers: &Markers, text: &str) -> Vec<u64> {
    let before = format!("{} ", markers.prefix);
    let after = format!(" of {}", markers.count);
    text.split(before.as_str())
        .skip(1)
        .filter_map(|rest| {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, behind) = rest.split_at(digits);
            let whole = behind.strip_prefix(after.as_str())?;
            (!whole.starts_with(|c: char| c.is_ascii_digit())).then(|| number.parse().ok())?
        })
        .collect()
}
