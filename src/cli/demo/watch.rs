//! What a reader of the event streams has seen: every `seq`, and every numbered marker the agents said.
//!
//! Counts from outside what was lost or doubled; must not look into the database.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use crate::client::Remote;
use crate::domain::SessionId;
use crate::wire::api::{Control, Filter};
use crate::wire::view::EventView;
use crate::workbench::script::Markers;

/// How often it is looked for new sessions.
const LOOK_EVERY: Duration = Duration::from_millis(500);

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
    /// Follows a session's stream, from what was seen of it last, until it is settled, through every restart of the
    /// control plane.
    pub fn follow(&self, remote: Remote, id: SessionId) -> JoinHandle<()> {
        let seen = self.clone();
        let after = self.of(id, |s| s.last);
        tokio::spawn(async move {
            let Ok(mut events) = remote.events(id, after).await else { return };
            while let Some(Ok(event)) = events.next().await {
                seen.take(id, &event);
            }
        })
    }

    /// Follows every session there is and will be, also one that goes on after its end. Never ends by itself.
    pub async fn follow_all(&self, remote: &Remote) {
        let mut followed: HashMap<SessionId, AbortOnDropHandle<()>> = HashMap::new();
        loop {
            // While nobody answers there is nothing new to follow.
            let newest = remote.list(Filter { limit: Some(200), ..Filter::default() }).await;
            for session in newest.into_iter().flat_map(|page| page.sessions) {
                let idle = followed.get(&session.id).is_none_or(AbortOnDropHandle::is_finished);
                if idle && session.head > self.of(session.id, |s| s.last) {
                    let following = self.follow(remote.clone(), session.id);
                    followed.insert(session.id, AbortOnDropHandle::new(following));
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn take(&self, id: SessionId, event: &EventView) {
        let mut all = self.all();
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

    /// Over all sessions: breaks in the ids, and markers of these series that were skipped or came again.
    pub fn lost_in_all(&self, series: &[Markers]) -> u64 {
        let lost = |s: &Stream| s.breaks + series.iter().map(|markers| s.wrong(markers)).sum::<u64>();
        self.all().values().map(lost).sum()
    }

    /// How many sessions have told anything.
    pub fn sessions(&self) -> usize {
        self.all().values().filter(|s| s.last > 0).count()
    }

    fn of<T>(&self, id: SessionId, read: impl FnOnce(&Stream) -> T) -> T {
        read(self.all().entry(id).or_default())
    }

    fn all(&self) -> MutexGuard<'_, HashMap<SessionId, Stream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    /// Of a series that may have been broken off: those up to the last one said which were not said exactly once.
    fn wrong(&self, series: &Markers) -> u64 {
        let times = |n: u64| self.said.get(&series.text(n)).copied().unwrap_or(0);
        let last = (1..=series.count).rev().find(|n| times(*n) > 0).unwrap_or(0);
        (1..=last).map(|n| times(n).abs_diff(1)).sum()
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

#[cfg(test)]
mod tests;
