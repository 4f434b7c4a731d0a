//! Which repository, where the text names none, and whether we may be in the channel at all.
//!
//! In this order: the session whose thread it is, the channel's topic (`repo:acme/api`, which people set on purpose), what was named last in the channel,
//! what the person named last, the settings. What was found is kept under the errand's key before it is used, so that a
//! repeat finds the same. Must not know whether the repository exists.

use std::time::Duration;

use super::{Desk, Stop};
use crate::domain::Repo;
use crate::slack::input::{Draft, plain};
use crate::slack::names::{Place, User};
use crate::slack::web::{Channel, WebError};
use crate::slack::words::troubles;
use crate::wire::api::Filter;

/// A name, not a link: a form's field shows none.
const HERE: &str = "this channel";
/// So many of the newest sessions are looked through for repositories, and so many of these are offered: a menu takes a
/// hundred.
const SESSIONS: u32 = 200;
const MAX_KNOWN: usize = 100;
/// Names under which small facts are kept.
const REPO: &str = "repo";
const FOUND: &str = "found";
/// Somebody waits, and a form's trigger may be running out.
const FOR_A_LOOK: Duration = Duration::from_millis(1_500);

/// A channel, as far as Slack told.
#[derive(Default)]
pub(super) struct Room {
    pub topic: Option<String>,
    /// We are not in it and can join.
    pub stranger: bool,
}

impl Desk {
    /// Whether a session's root can be posted there. Refused only where nobody but a person can help. Nobody joins yet:
    /// for what is refused later there is no root.
    pub(super) async fn look_in(&self, place: &Place) -> Result<Room, Stop> {
        if place.channel.starts_with('D') {
            return Ok(Room::default());
        }
        let looked = tokio::time::timeout(FOR_A_LOOK, self.web.channel(&place.channel)).await;
        match looked {
            Ok(Ok(Channel { private: true, member: false, .. })) => {
                Err(troubles::not_in_channel(HERE).into())
            }
            Ok(Ok(Channel { topic, member, .. })) => Ok(Room { topic: Some(topic), stranger: !member }),
            Ok(Err(WebError::Refused { code })) if code == "channel_not_found" => {
                Err(troubles::not_in_channel(HERE).into())
            }
            // The sender says where it cannot post.
            Ok(Err(_)) | Err(_) => Ok(Room::default()),
        }
    }

    /// Before anything is said in the channel; only members hear replies.
    pub(super) async fn join(&self, place: &Place) {
        if let Err(error) = self.web.join(&place.channel).await {
            tracing::info!(slack.channel = %place.channel, %error, "could not join; the sender tries again");
        }
    }

    /// The usual repository here, for this person; the same at every repeat of the errand.
    pub(super) async fn usual_repo(
        &self,
        key: &str,
        user: &User,
        place: &Place,
        topic: Option<&str>,
    ) -> Option<String> {
        if let Some(found) = self.recalled(FOUND, key).await {
            return Some(found);
        }
        let found = match (self.repo_of_thread(place).await, topic.and_then(named_in)) {
            (Some(repo), _) | (None, Some(repo)) => repo,
            (None, None) => self.likely_repo(user, place).await?,
        };
        self.keep(FOUND, key, &found).await;
        Some(found)
    }

    /// What needs no call of Slack.
    pub(super) async fn likely_repo(&self, user: &User, place: &Place) -> Option<String> {
        if let Some(repo) = self.recalled(REPO, &channel_name(place)).await {
            return Some(repo);
        }
        match self.recalled(REPO, &user_name(user)).await {
            Some(repo) => Some(repo),
            None => self.repo.clone(),
        }
    }

    /// To choose from: the likely one, then those of the newest sessions, then the settings'.
    pub(super) async fn known_repos(&self, likely: Option<&str>) -> Vec<String> {
        let filter = Filter { limit: Some(SESSIONS), ..Filter::default() };
        let newest = self.control.list(filter).await.map(|page| page.sessions).unwrap_or_default();
        let all = likely.map(str::to_owned).into_iter();
        let all = all.chain(newest.into_iter().map(|view| view.repo)).chain(self.repo.clone());
        let mut known: Vec<String> = Vec::new();
        for repo in all {
            if known.len() < MAX_KNOWN && !known.contains(&repo) {
                known.push(repo);
            }
        }
        known
    }

    /// Where its thread is about a session, that session's.
    async fn repo_of_thread(&self, place: &Place) -> Option<String> {
        let sessions = self.notes.thread_at(&place.channel, place.thread.as_deref()?).await.ok()?;
        Some(self.control.show(*sessions.first()?).await.ok()?.repo)
    }

    /// Remembers what was named, for the channel and for the person.
    pub(super) async fn remember_repo(&self, user: &User, place: &Place, repo: &str) {
        self.keep(REPO, &channel_name(place), repo).await;
        self.keep(REPO, &user_name(user), repo).await;
    }

    async fn recalled(&self, scope: &str, name: &str) -> Option<String> {
        self.notes.recall(scope, name).await.ok().flatten()
    }

    async fn keep(&self, scope: &str, name: &str, value: &str) {
        if let Err(error) = self.notes.remember(scope, name, value).await {
            tracing::warn!(%error, "a repository could not be remembered");
        }
    }
}

fn channel_name(place: &Place) -> String {
    format!("channel:{}", place.channel)
}

fn user_name(user: &User) -> String {
    format!("user:{}", user.id)
}

/// The repository a topic names.
pub(super) fn named_in(topic: &str) -> Option<String> {
    let named = Draft::of(&plain(topic)).repo?;
    match named.parse() {
        Ok(repo @ Repo::Forge { .. }) => Some(repo.to_string()),
        _ => None,
    }
}
