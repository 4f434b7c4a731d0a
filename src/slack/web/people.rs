//! Who we are and who somebody is.
//!
//! Knows what Slack says of a person, kept for a while; must not know what a person may do.

use std::collections::HashMap;
use std::sync::PoisonError;

use chrono::TimeDelta;
use serde::Deserialize;

use super::{Web, WebError};
use crate::clock::Time;

/// Ourselves, as the token makes us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    /// `T024…`.
    pub team: String,
    pub team_name: String,
    /// The bot's user: `U024…`. Mentions name it.
    pub user: String,
    /// `B024…`; on messages of ours.
    pub bot: Option<String>,
    /// The bot's name, without `@`.
    pub name: String,
}

/// A person, or a bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    pub name: String,
    /// Their own workspace, which in a shared channel may be another one.
    pub team: Option<String>,
    /// Single- or multi-channel guest, or from outside.
    pub guest: bool,
    pub bot: bool,
    /// Admin or owner of the workspace.
    pub admin: bool,
}

#[derive(Deserialize)]
struct SelfTold {
    team_id: String,
    #[serde(default)]
    team: String,
    user_id: String,
    #[serde(default)]
    user: String,
    bot_id: Option<String>,
}

#[derive(Deserialize)]
struct UserTold {
    user: Told,
}

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "Slack's flags, as it sends them")]
struct Told {
    id: String,
    team_id: Option<String>,
    #[serde(default)]
    name: String,
    real_name: Option<String>,
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    is_admin: bool,
    #[serde(default)]
    is_owner: bool,
    #[serde(default)]
    is_bot: bool,
    #[serde(default)]
    is_restricted: bool,
    #[serde(default)]
    is_ultra_restricted: bool,
    #[serde(default)]
    is_stranger: bool,
}

#[derive(Default, Deserialize)]
struct Profile {
    display_name: Option<String>,
}

impl Web {
    /// Who the token makes us. Also the cheapest way to see whether it is valid.
    pub async fn auth_test(&self) -> Result<Bot, WebError> {
        let told: SelfTold = self.read("auth.test", Vec::new()).await?;
        let SelfTold { team_id, team, user_id, user, bot_id } = told;
        Ok(Bot { team: team_id, team_name: team, user: user_id, bot: bot_id, name: user })
    }

    /// Who this is; asked at most every ten minutes.
    pub async fn user(&self, id: &str) -> Result<Person, WebError> {
        let now = self.0.clock.now();
        if let Some(person) = self.people().known(id, now) {
            return Ok(person);
        }
        let told: UserTold = self.read("users.info", vec![("user", Some(id.to_owned()))]).await?;
        let person = Person::from(told.user);
        self.people().keep(person.clone(), now);
        Ok(person)
    }

    fn people(&self) -> std::sync::MutexGuard<'_, People> {
        self.0.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Told> for Person {
    fn from(told: Told) -> Self {
        let said = |name: Option<String>| name.filter(|n| !n.trim().is_empty());
        let name = said(told.profile.display_name).or_else(|| said(told.real_name)).unwrap_or(told.name);
        Self {
            id: told.id,
            name,
            team: told.team_id,
            guest: told.is_restricted || told.is_ultra_restricted || told.is_stranger,
            bot: told.is_bot,
            admin: told.is_admin || told.is_owner,
        }
    }
}

/// People we asked for lately.
#[derive(Default)]
pub(super) struct People(HashMap<String, (Time, Person)>);

const FRESH: TimeDelta = TimeDelta::minutes(10);
/// More than that many are not kept: a workspace can be large.
const MAX_KEPT: usize = 5_000;

impl People {
    fn known(&self, id: &str, now: Time) -> Option<Person> {
        self.0.get(id).filter(|(at, _)| now - *at < FRESH).map(|(_, person)| person.clone())
    }

    fn keep(&mut self, person: Person, now: Time) {
        if self.0.len() >= MAX_KEPT {
            self.0.retain(|_, (at, _)| now - *at < FRESH);
        }
        if self.0.len() >= MAX_KEPT {
            self.0.clear();
        }
        self.0.insert(person.id.clone(), (now, person));
    }
}
