//! What a reader of the event streams has seen: every `seq`, and every numbered marker the agents said.
//!
//! Counts from outside what was lost or doubled; must not look into the database.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use tokio::task::JoinHandle;

use crate::client::Remote;
use crate::domain::SessionId;
use crate::wire::api::Control;
use crate::wire::view::EventView;

/// Everything seen so far, of all sessions.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<HashMap<SessionId, Stream>>>);

#[derive(Default)]
struct Stream {
    last: u64,
    /// Ids that were skipped or came again.
    breaks: u64,
    /// How often each text of a marker was said.
    said: BTreeMap<String, u64>,
    kinds: Vec<String>,
    checks_failed: u64,
}

impl Seen {
    /// Follows a session's stream until it is settled, through every restart of the control plane.
    pub fn follow(&self, remote: Remote, id: SessionId) -> JoinHandle<()> {
        let seen = self.clone();
        tokio::spawn(async move {
            let Ok(mut events) = remote.events(id, 0).await else { return };
            while let Some(Ok(event)) = events.next().await {
                seen.take(id, &event);
            }
        })
    }

    fn take(&self, id: SessionId, event: &EventView) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = all.entry(id).or_default();
        stream.breaks += event.seq.abs_diff(stream.last + 1);
        stream.last = event.seq;
        stream.kinds.push(event.kind.clone());
        stream.checks_failed += u64::from(is_red_check(event));
        if event.kind == "agent.message"
            && let Some(text) = message_text(event)
        {
            *stream.said.entry(text).or_default() += 1;
        }
    }

    /// Whether the session's stream has shown an event of this kind.
    pub fn has(&self, id: SessionId, kind: &str) -> bool {
        self.of(id, |s| s.kinds.iter().any(|k| k == kind))
    }

    pub fn failed_a_check(&self, id: SessionId) -> bool {
        self.of(id, |s| s.checks_failed > 0)
    }

    /// How many of `expected` were said at least once.
    pub fn said(&self, id: SessionId, expected: &[String]) -> usize {
        self.of(id, |s| expected.iter().filter(|text| s.said.contains_key(*text)).count())
    }

    /// Breaks in the ids, and how many of `expected` were not said exactly once.
    pub fn lost(&self, id: SessionId, expected: &[String]) -> u64 {
        self.of(id, |s| {
            let wrong = |text: &&String| s.said.get(*text).copied() != Some(1);
            s.breaks + expected.iter().filter(wrong).count() as u64
        })
    }

    fn of<T>(&self, id: SessionId, read: impl FnOnce(&Stream) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        read(all.entry(id).or_default())
    }
}

fn is_red_check(event: &EventView) -> bool {
    #[derive(serde::Deserialize)]
    struct Body {
        evidence: crate::domain::report::Evidence,
    }
    event.kind == "check.ended"
        && serde_json::from_str::<Body>(event.body.get()).is_ok_and(|body| !body.evidence.passed())
}

fn message_text(event: &EventView) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Body {
        text: String,
    }
    serde_json::from_str::<Body>(event.body.get()).ok().map(|body| body.text)
}
