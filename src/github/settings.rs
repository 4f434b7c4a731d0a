//! Where GitHub is and with which token: the `[github]` table of the configuration.
//!
//! Knows the shape, the defaults (github.com) and where a token may come from. Must not talk to anybody.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use super::{Act, GitHubError, Verb, names, token};
use crate::domain::without_user;

/// A token is given in at most one way: by value, as a file, or as the name of an environment variable. Nothing is
/// taken from the environment unasked, so that a token for github.com never travels to another `api_url`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The REST API's root; `https://HOST/api/v3` for an own server.
    pub api_url: String,
    /// What stands before `/owner/name.git` for git.
    pub git_base_url: String,
    pub token: Option<SecretString>,
    pub token_file: Option<PathBuf>,
    pub token_env: Option<String>,
    /// Of an OAuth app with the device flow: people link their accounts through it. No secret.
    pub client_id: Option<String>,
    /// The longest a call may take, repeats of reads included; 1 to 600 seconds.
    pub timeout_s: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_url: "https://api.github.com".into(),
            git_base_url: "https://github.com".into(),
            token: None,
            token_file: None,
            token_env: None,
            client_id: None,
            timeout_s: 20,
        }
    }
}

impl Settings {
    /// Refuses at the door what could only fail later.
    pub(super) fn check(&self) -> Result<(), GitHubError> {
        for url in [&self.api_url, &self.git_base_url] {
            check_url(url)?;
        }
        if !(1..=600).contains(&self.timeout_s) {
            return Err(settings(format!("timeout_s = {} is not within 1 and 600", self.timeout_s)));
        }
        let ways = [self.token.is_some(), self.token_file.is_some(), self.token_env.is_some()];
        if ways.iter().filter(|given| **given).count() > 1 {
            return Err(settings("give only one of `token`, `token_file` and `token_env`"));
        }
        Ok(())
    }

    /// The token from wherever it is kept; an empty one counts as none.
    pub fn read_token(&self) -> Result<Option<SecretString>, GitHubError> {
        let found = match (&self.token, &self.token_file, &self.token_env) {
            (Some(token), _, _) => token.clone(),
            (None, Some(path), _) => read_file(path)?,
            (None, None, Some(name)) => match std::env::var(name) {
                Ok(value) => SecretString::from(value),
                Err(_) => return Err(settings(format!("the environment has no readable `{name}`"))),
            },
            (None, None, None) => return Ok(None),
        };
        token::fit(&found)
    }
}

/// What git fetches `owner/name` from and pushes it to; holds no credential.
///
/// # Errors
/// [`GitHubError::BadName`] where the two are no repository's name.
pub fn remote_url(settings: &Settings, owner: &str, name: &str) -> Result<String, GitHubError> {
    names::check(owner, name, &Act::on(Verb::ReadRepo, owner, name))?;
    Ok(format!("{}/{owner}/{name}.git", settings.git_base_url.trim_end_matches('/')))
}

fn check_url(url: &str) -> Result<(), GitHubError> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let fits = rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        !host.is_empty()
            && !host.contains('@')
            && rest.bytes().all(|b| b.is_ascii_graphic() && !b"?#\\".contains(&b))
    });
    if fits {
        Ok(())
    } else {
        Err(settings(format!("`{}` is no address for GitHub", names::short(&without_user(url)))))
    }
}

fn read_file(path: &Path) -> Result<SecretString, GitHubError> {
    token::from_file(path).map_err(|why| settings(format!("the token file {} {why}", path.display())))
}

fn settings(why: impl Into<String>) -> GitHubError {
    GitHubError::Settings(why.into())
}
