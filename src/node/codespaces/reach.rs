//! The way into a codespace, as a seam: whoever builds the link is handed all it takes.
//!
//! Knows how `gh` is told which GitHub and whose token. Must not know ssh.

use std::path::PathBuf;

use async_trait::async_trait;
use secrecy::SecretString;

use super::super::{Link, NodeError};

const GITHUB: &str = "https://api.github.com";

/// What it takes to reach one codespace.
#[derive(Clone, Debug)]
pub struct Door {
    /// GitHub's name for it.
    pub codespace: String,
    /// The login it belongs to.
    pub login: String,
    pub token: SecretString,
    pub api_url: String,
    /// Our folder in there.
    pub home: PathBuf,
    pub ssh_user: String,
    /// `gh`, and what stands before its own arguments.
    pub gh: Vec<String>,
}

impl Door {
    /// Bytes to its sshd over standard input and output.
    pub fn proxy_command(&self) -> Vec<String> {
        let own = ["codespace", "ssh", "--stdio", "-c", &self.codespace].map(str::to_owned);
        self.gh.iter().cloned().chain(own).collect()
    }

    /// What `gh` reads: for a GitHub of another address it takes a token only under another name.
    pub fn proxy_env(&self) -> Vec<(&'static str, SecretString)> {
        let token = self.token.clone();
        if self.api_url.trim_end_matches('/') == GITHUB {
            return vec![("GH_TOKEN", token)];
        }
        vec![("GITHUB_API_URL", SecretString::from(self.api_url.as_str())), ("GH_ENTERPRISE_TOKEN", token)]
    }

    /// The token's own text never belongs into a name; this does.
    pub fn label(&self) -> String {
        format!("{}/{}", self.login, self.codespace)
    }

    #[cfg(test)]
    pub(super) fn exposed(&self) -> Vec<(&'static str, String)> {
        self.proxy_env()
            .into_iter()
            .map(|(name, value)| (name, secrecy::ExposeSecret::expose_secret(&value).to_owned()))
            .collect()
    }
}

/// Builds links into codespaces.
#[async_trait]
pub trait Reach: Send + Sync {
    async fn reach(&self, door: Door) -> Result<Box<dyn Link>, NodeError>;
    /// Brings our program to where it is missing.
    async fn bring(&self, link: &dyn Link) -> Result<(), NodeError>;
}
