//! What the forge holds: users, tokens, repositories, pull requests and comments; who may see and change what.
//!
//! Pure: the caller brings the time and what git says of the branches. Must not know HTTP, files or processes.

mod pulls;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::names;
use super::refusal::Refusal;
use crate::clock::Time;

/// Branch → commit, as git says.
pub(super) type Heads = BTreeMap<String, String>;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Model {
    users: BTreeMap<String, u64>,
    /// By SHA-256 of the token: the file holds no secret.
    tokens: BTreeMap<String, Token>,
    repos: BTreeMap<String, Repo>,
    last_id: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    pub user: String,
    pub scope: Scope,
}

/// What a token may do at most, wherever its user may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub contents: Access,
    pub pulls: Access,
    /// Whether it has the scope `codespace`.
    #[serde(default)]
    pub codespaces: bool,
}

impl Scope {
    pub const FULL: Self = Self { contents: Access::Write, pulls: Access::Write, codespaces: true };
    pub const READ: Self = Self { contents: Access::Read, pulls: Access::Read, codespaces: false };

    /// GitHub's words for it, as in `X-OAuth-Scopes`.
    pub fn words(self) -> String {
        let repo = self.contents == Access::Write && self.pulls == Access::Write;
        let all = [(self.codespaces, "codespace"), (repo, "repo")];
        all.into_iter().filter_map(|(has, word)| has.then_some(word)).collect::<Vec<_>>().join(", ")
    }

    /// What a list of scopes, as an app asks for them, allows.
    pub fn of_words(words: &str) -> Self {
        let has = |word: &str| words.split([' ', ',']).any(|w| w == word);
        let access = if has("repo") { Access::Write } else { Access::Read };
        Self { contents: access, pulls: access, codespaces: has("codespace") }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    None,
    Read,
    Write,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Repo {
    pub id: u64,
    pub owner: String,
    pub name: String,
    pub private: bool,
    pub default_branch: String,
    pub created_at: Time,
    grants: BTreeMap<String, Access>,
    /// Issues and pull requests share their numbers; this is the last one given.
    last_number: u64,
    pub pulls: BTreeMap<u64, Pull>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pull {
    pub id: u64,
    pub number: u64,
    pub user: String,
    pub title: String,
    pub body: Option<String>,
    pub head: String,
    pub head_sha: String,
    pub base: String,
    pub base_sha: String,
    pub draft: bool,
    pub open: bool,
    pub maintainer_can_modify: bool,
    pub created_at: Time,
    pub updated_at: Time,
    pub closed_at: Option<Time>,
    pub merged_at: Option<Time>,
    pub comments: Vec<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comment {
    pub id: u64,
    pub user: String,
    pub body: String,
    pub created_at: Time,
}

/// Who asks: a token that was known.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user: String,
    pub scope: Scope,
}

impl Model {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Adds a user; a known one stays as it is.
    pub fn add_user(&mut self, login: &str) -> Result<(), Refusal> {
        if !names::owner(login) {
            return Err(Refusal::field("User", "login", "invalid"));
        }
        if !self.users.contains_key(login) {
            let id = self.next_id();
            self.users.insert(login.to_owned(), id);
        }
        Ok(())
    }

    pub fn user_id(&self, login: &str) -> u64 {
        self.users.get(login).copied().unwrap_or_default()
    }

    pub fn add_token(&mut self, hash: String, user: &str, scope: Scope) -> Result<(), Refusal> {
        self.add_user(user)?;
        self.tokens.insert(hash, Token { user: user.to_owned(), scope });
        Ok(())
    }

    pub fn caller(&self, hash: &str) -> Option<Caller> {
        self.tokens.get(hash).map(|t| Caller { user: t.user.clone(), scope: t.scope })
    }

    pub fn add_repo(&mut self, owner: &str, name: &str, branch: &str, now: Time) -> Result<(), Refusal> {
        let key = names::key(owner, name).ok_or_else(|| Refusal::field("Repository", "name", "invalid"))?;
        if self.repos.contains_key(&key) {
            return Err(Refusal::custom("Repository", "name already exists on this account"));
        }
        self.add_user(owner)?;
        let id = self.next_id();
        let repo = Repo {
            id,
            owner: owner.to_owned(),
            name: name.to_owned(),
            private: false,
            default_branch: branch.to_owned(),
            created_at: now,
            grants: BTreeMap::from([(owner.to_owned(), Access::Write)]),
            last_number: 0,
            pulls: BTreeMap::new(),
        };
        self.repos.insert(key, repo);
        Ok(())
    }

    pub fn repos(&self) -> impl Iterator<Item = (&String, &Repo)> {
        self.repos.iter()
    }

    pub fn repo(&self, key: &str) -> Option<&Repo> {
        self.repos.get(key)
    }

    pub fn repo_by_id(&self, id: u64) -> Option<(&String, &Repo)> {
        self.repos.iter().find(|(_, repo)| repo.id == id)
    }

    pub fn repo_mut(&mut self, key: &str) -> Result<&mut Repo, Refusal> {
        self.repos.get_mut(key).ok_or_else(Refusal::not_found)
    }

    /// The repository if this caller may know of it; to all others it does not exist.
    pub fn seen(&self, key: &str, caller: Option<&Caller>) -> Result<&Repo, Refusal> {
        let repo = self.repos.get(key).ok_or_else(Refusal::not_found)?;
        let may = caller.map_or(Access::None, |c| repo.access(&c.user).min(c.scope.contents));
        if repo.private && may < Access::Read { Err(Refusal::not_found()) } else { Ok(repo) }
    }

    /// The repository, to change its pull requests.
    pub fn writable(&mut self, key: &str, caller: Option<&Caller>) -> Result<&mut Repo, Refusal> {
        self.seen(key, caller)?;
        let caller =
            caller.ok_or_else(|| Refusal::plain(StatusCode::UNAUTHORIZED, "Requires authentication"))?;
        let repo = self.repo_mut(key)?;
        let may = repo.access(&caller.user).min(caller.scope.pulls);
        if may < Access::Write { Err(Refusal::forbidden()) } else { Ok(repo) }
    }
}

impl Repo {
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// What a user may do here; everybody may read what is public.
    pub fn access(&self, login: &str) -> Access {
        let granted = self.grants.get(login).copied().unwrap_or(Access::None);
        if self.private { granted } else { granted.max(Access::Read) }
    }

    pub fn grant(&mut self, login: &str, access: Access) {
        self.grants.insert(login.to_owned(), access);
    }
}
