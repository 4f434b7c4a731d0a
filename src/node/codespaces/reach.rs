//! The way into a codespace: a seam, and what stands behind it, ssh through `gh codespace ssh --stdio`.
//!
//! Knows how `gh` is told which GitHub, whose token and which key. Must not know what ssh makes of it.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use secrecy::SecretString;

use super::super::bootstrap::{self, Binaries, Needs};
use super::super::ssh::{Ssh, Target};
use super::super::{Link, NodeError};

/// Where [`bootstrap::bring`] leaves our program, below the node's folder.
const PROGRAM: &str = "bin/devtask";
/// Told to whoever wants a codespace, and by the doctor.
const NO_BINARIES: &str = "DevTask has no program of its own to bring to a codespace: no `devtask-x86_64` lies beside \
    it or in `nodes.binaries`; `docker/node-binary` builds it";
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
    /// Bytes to its sshd over standard input and output; `gh` has this key let in first.
    pub fn proxy_command(&self, key: &Path) -> Vec<String> {
        let key = key.to_string_lossy();
        let own = ["codespace", "ssh", "--stdio", "-c", &self.codespace, "--", "-i", &key].map(str::to_owned);
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
    /// Brings our program to where it is missing. `checkout`: the repository's clone, without which this is not the
    /// container it should be.
    async fn bring(&self, link: &dyn Link, checkout: Option<PathBuf>) -> Result<(), NodeError>;
    /// Whether a codespace could be reached at all from here: asked before one is made, and paid for.
    async fn fit(&self, _gh: &[String]) -> Result<(), NodeError> {
        Ok(())
    }
    /// A codespace is gone: whatever was kept for it may go.
    fn forget(&self, _codespace: &str) {}
}

/// The system's ssh, through `gh`.
pub struct OverSsh {
    ssh: Ssh,
    binaries: Binaries,
}

impl OverSsh {
    pub fn new(ssh: Ssh, binaries: Binaries) -> Self {
        Self { ssh, binaries }
    }
}

#[async_trait]
impl Reach for OverSsh {
    async fn reach(&self, door: Door) -> Result<Box<dyn Link>, NodeError> {
        let key = self.ssh.key().await?;
        let link = self.ssh.link(Target {
            proxy_command: door.proxy_command(&key),
            env: door.proxy_env().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            program: door.home.join(PROGRAM),
            alias: door.codespace,
            user: door.ssh_user,
            home: door.home,
        })?;
        Ok(Box::new(link))
    }

    async fn bring(&self, link: &dyn Link, checkout: Option<PathBuf>) -> Result<(), NodeError> {
        bootstrap::bring(link, &self.binaries, &Needs { checkout }).await
    }

    async fn fit(&self, gh: &[String]) -> Result<(), NodeError> {
        let gh = gh.first().map_or("gh", String::as_str);
        for program in [gh, "ssh"] {
            if !is_there(program) {
                return Err(NodeError::Permanent(format!(
                    "`{program}` was not found where DevTask runs, and codespaces are reached through it; install it \
                     there and run again"
                )));
            }
        }
        if self.binaries.kinds()?.is_empty() {
            return Err(NodeError::Permanent(NO_BINARIES.to_owned()));
        }
        Ok(())
    }

    fn forget(&self, codespace: &str) {
        self.ssh.forget(codespace);
    }
}

/// As the shell would find it.
fn is_there(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
