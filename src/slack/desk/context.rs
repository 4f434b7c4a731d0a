//! The talk before a mention in a thread: what the brief's goal is about.
//!
//! It travels as the brief's context, which the agent reads as information and not as orders, whoever wrote it. Must
//! not know the goal.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Desk, Errand};
use crate::domain::brief::one_line;
use crate::slack::input::{What, plain};
use crate::slack::web::Line;

/// The newest lines say most.
const MAX_LINES: usize = 30;
const MAX_CHARS: usize = 12_000;
/// A brief without its context is better than none.
const FOR_A_LOOK: Duration = Duration::from_secs(3);

impl Desk {
    /// What was said in the thread before; empty outside of threads, and where Slack does not say.
    pub(super) async fn talk_before(&self, errand: Errand<'_>) -> String {
        let (What::Words(words), Some(place)) = (&errand.said.what, &errand.said.place) else {
            return String::new();
        };
        let Some(thread) = place.thread.as_deref() else { return String::new() };
        let look = self.web.talk(&place.channel, thread, &words.ts);
        match tokio::time::timeout(FOR_A_LOOK, look).await {
            Ok(Ok(lines)) => self.as_context(&lines).await,
            Ok(Err(error)) => {
                tracing::info!(%error, slack.channel = %place.channel, "a thread could not be read back");
                String::new()
            }
            Err(_) => String::new(),
        }
    }

    async fn as_context(&self, lines: &[Line]) -> String {
        let newest = lines.get(lines.len().saturating_sub(MAX_LINES)..).unwrap_or_default();
        let mut names = BTreeMap::new();
        for line in newest {
            if !names.contains_key(&line.user) {
                names.insert(line.user.clone(), self.name_of(&line.user).await);
            }
        }
        let said = |line: &Line| {
            let name = names.get(&line.user).map_or("somebody", String::as_str);
            format!("[{name}]: {}", plain(&line.text).trim())
        };
        newest_that_fit(newest.iter().map(said).collect())
    }

    /// How people here call somebody, for commits and pull requests; kept from when they were let in.
    pub(super) async fn called(&self, user: &str) -> Option<String> {
        self.web.user(user).await.ok().map(|person| person.name)
    }

    async fn name_of(&self, user: &str) -> String {
        self.web.user(user).await.map_or_else(|_| user.to_owned(), |person| one_line(&person.name, 40))
    }
}

/// As many of the last ones as there is room for, in their order.
fn newest_that_fit(lines: Vec<String>) -> String {
    let mut room = MAX_CHARS;
    let mut kept: Vec<String> = Vec::new();
    for line in lines.into_iter().rev() {
        let Some(left) = room.checked_sub(line.chars().count() + 1) else { break };
        room = left;
        kept.push(line);
    }
    kept.reverse();
    kept.join("\n")
}
