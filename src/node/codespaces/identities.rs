//! Whose codespace it is to be, and whose it is.
//!
//! Knows the identities of the settings and, through [`Accounts`], of people who linked their own. Must not know how a
//! link is made, nor where it is kept.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::super::NodeError;
use super::identity::{Forge, Identity, Source};
use super::settings::{IdentitySettings, Settings};
use crate::domain::Actor;
use crate::github;

/// A person who linked their GitHub account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub person: Actor,
    pub login: String,
    pub token_file: PathBuf,
}

/// People's own accounts; asked each time, so a new link counts at once.
#[async_trait]
pub trait Accounts: Send + Sync {
    async fn accounts(&self) -> Result<Vec<Account>, NodeError>;
}

/// Nobody has linked anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAccounts;

#[async_trait]
impl Accounts for NoAccounts {
    async fn accounts(&self) -> Result<Vec<Account>, NodeError> {
        Ok(Vec::new())
    }
}

pub(super) struct Identities {
    given: Vec<Arc<Identity>>,
    fallback: Option<Arc<Identity>>,
    accounts: Arc<dyn Accounts>,
    /// By login and file: an identity keeps its sign-in and its lock from one call to the next.
    linked: Mutex<HashMap<(String, PathBuf), Arc<Identity>>>,
    cap: usize,
    pub forge: Forge,
}

impl Identities {
    pub(super) fn new(settings: &Settings, forge: Forge, accounts: Arc<dyn Accounts>) -> Self {
        let make = |given: &IdentitySettings| Arc::new(identity(given, settings, &forge));
        let given: Vec<_> = settings.identities.iter().map(make).collect();
        let fallback = match &settings.default_identity {
            Some(name) => given.iter().find(|i| i.name == *name),
            None => given.first(),
        };
        let fallback = fallback.cloned();
        Self { given, fallback, accounts, linked: Mutex::default(), cap: settings.cap, forge }
    }

    /// Every identity there is.
    pub(super) async fn all(&self) -> Result<Vec<Arc<Identity>>, NodeError> {
        let accounts = self.accounts.accounts().await?;
        let mut linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = accounts.into_iter().map(|a| ((a.login, a.token_file), a.person));
        *linked = keys
            .map(|(key, person)| {
                let made = || {
                    let (login, file) = key.clone();
                    Arc::new(Identity::of_file(&login, person.clone(), self.cap, file, &self.forge))
                };
                let known = linked.get(&key).filter(|i| i.people.contains(&person)).cloned();
                let identity = known.unwrap_or_else(made);
                (key, identity)
            })
            .collect();
        Ok(self.given.iter().chain(linked.values()).cloned().collect())
    }

    /// Whose a session's node is to be: its owner's, else the default's.
    pub(super) async fn of(&self, owner: &Actor) -> Result<Arc<Identity>, NodeError> {
        let all = self.all().await?;
        let own = all.into_iter().find(|identity| identity.people.contains(owner));
        own.or_else(|| self.fallback.clone()).ok_or_else(|| NodeError::Auth {
            identity: owner.name().to_owned(),
            why: "no GitHub account is linked; link one with `devtask link`".to_owned(),
        })
    }

    /// The identity of a node that exists.
    pub(super) async fn with_login(&self, login: &str) -> Result<Arc<Identity>, NodeError> {
        let mut trouble = None;
        for identity in self.all().await? {
            match identity.is(login, &self.forge).await {
                Ok(true) => return Ok(identity),
                Ok(false) => {}
                Err(error) => trouble = Some(error),
            }
        }
        // One that could not be asked may be the one.
        Err(trouble.unwrap_or_else(|| NodeError::Auth {
            identity: login.to_owned(),
            why: "its token is neither in the settings nor linked any more".to_owned(),
        }))
    }
}

fn identity(given: &IdentitySettings, settings: &Settings, forge: &Forge) -> Identity {
    let source = if given.gh {
        Source::Gh(settings.gh.clone())
    } else {
        Source::Given(github::Settings {
            token: given.token.clone(),
            token_file: given.token_file.clone(),
            token_env: given.token_env.clone(),
            ..forge.settings.clone()
        })
    };
    let people = given.people.iter().cloned().map(Actor::Person).collect();
    let cap = given.cap.unwrap_or(settings.cap);
    Identity::new(given.name.clone(), given.login.clone(), people, cap, source)
}
