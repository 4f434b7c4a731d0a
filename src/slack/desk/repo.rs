//! Which repository, where the text names none, and whether we are in the channel at all.
//!
//! In this order: the channel's topic (`repo:acme/api`, which people set on purpose), what was named last in the channel,
//! what the person named last, the settings. What was found is kept under the errand's key before it is used, so that a
//! repeat finds the same. Must not know whether the repository exists.

use std::time::Duration;

use super::{Desk, Stop};
use crate::domain::Repo;
use crate::slack::input::{Draft, plain};
use crate::slack::names::{Place, User};
use crate::slack::web::{Channel, WebError};
use crate::slack::words::troubles;

/// A name, not a link: a form's field shows none.
const HERE: &str = "this channel";
/// Names under which small facts are kept.
const REPO: &str = "repo";
const FOUND: &str = "found";
/// Somebody waits, and a form's trigger may be running out.
const FOR_A_LOOK: Duration = Duration::from_millis(1_500);

impl Desk {
    /// Becomes a member where it can, and says the channel's topic. Refused only where nobody but a person can help.
    pub(super) async fn enter(&self, place: &Place) -> Result<Option<String>, Stop> {
        if place.channel.starts_with('D') {
            return Ok(None);
        }
        let looked = tokio::time::timeout(FOR_A_LOOK, self.web.channel(&place.channel)).await;
        match looked {
            Ok(Ok(Channel { member: true, topic, .. })) => Ok(Some(topic)),
            Ok(Ok(Channel { private: true, .. })) => Err(troubles::not_in_channel(HERE).into()),
            Ok(Ok(Channel { topic, .. })) => {
                self.join(place).await;
                Ok(Some(topic))
            }
            Ok(Err(WebError::Refused { code })) if code == "channel_not_found" => {
                Err(troubles::not_in_channel(HERE).into())
            }
            // The sender joins before it posts, and says where it cannot.
            Ok(Err(_)) | Err(_) => Ok(None),
        }
    }

    async fn join(&self, place: &Place) {
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
        let found = match topic.and_then(named_in) {
            Some(repo) => repo,
            None => self.likely_repo(user, place).await?,
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
