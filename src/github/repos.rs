//! Whose the token is, and what it may do with a repository.
//!
//! Knows two read-only routes; `doctor` and the first step of a session stand on them.

use super::{Act, GitHub, GitHubError, Verb, error, names};

/// A repository as its token sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoView {
    /// `owner/name` as GitHub spells it today; differs from what was asked for after a rename.
    pub full_name: String,
    pub default_branch: String,
    /// What git clones from; `None` where GitHub does not say.
    pub clone_url: Option<String>,
    pub private: bool,
    /// The token's user may push; `None` without a token.
    pub push: Option<bool>,
}

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    pub login: String,
    /// A classic token's scopes; `None` for a fine-grained one, which has permissions instead.
    pub scopes: Option<Vec<String>>,
}

#[derive(serde::Deserialize)]
struct User {
    login: String,
}

impl GitHub {
    /// Whose the token is and what it was given.
    pub async fn login(&self) -> Result<Who, GitHubError> {
        let act = Act::plain(Verb::ReadViewer);
        let answer = self.get(&act, "/user").await?;
        let user: User = answer.json(&act)?;
        let scopes = answer.headers.get("x-oauth-scopes").and_then(|value| value.to_str().ok());
        let scopes = scopes.map(|text| error::scopes(text).map(str::to_owned).collect());
        Ok(Who { login: user.login, scopes })
    }

    /// The login of the token's user: the check that the token is good.
    pub async fn viewer(&self) -> Result<String, GitHubError> {
        let act = Act::plain(Verb::ReadViewer);
        let user = self.read(act, || async { self.crab.current().user().await }).await?;
        Ok(user.login)
    }

    pub async fn repo(&self, owner: &str, name: &str) -> Result<RepoView, GitHubError> {
        let act = Act::on(Verb::ReadRepo, owner, name);
        names::check(owner, name, &act)?;
        let found = self.read(act.clone(), || async { self.crab.repos(owner, name).get().await }).await?;
        let Some(default_branch) = found.default_branch else {
            return Err(GitHubError::Unreadable { act, why: "it has no default branch".into() });
        };
        Ok(RepoView {
            full_name: found.full_name.unwrap_or_else(|| format!("{owner}/{name}")),
            default_branch,
            clone_url: found.clone_url.map(String::from),
            private: found.private.unwrap_or(false),
            push: found.permissions.map(|may| may.push),
        })
    }
}
