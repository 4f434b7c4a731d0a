//! One GitHub user whose token we hold.
//!
//! Knows where the token comes from and keeps it only while GitHub takes it: a refused one is read again the next time,
//! so that putting a new one into its file is all it takes. Must not know codespaces.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::process::Command;

use super::super::NodeError;
use super::trouble;
use crate::clock::Clock;
use crate::domain::Actor;
use crate::github::{self, GitHub, GitHubError};

/// `gh auth token` answers from a file or a key ring.
const GH_LIMIT: Duration = Duration::from_secs(15);
/// What a classic token needs.
const SCOPE: &str = "codespace";

pub(super) struct Identity {
    /// What people call it.
    pub name: String,
    pub cap: usize,
    pub people: Vec<Actor>,
    /// As the settings or the link say; else GitHub is asked.
    said_login: Option<String>,
    source: Source,
    opened: Mutex<Option<Arc<Opened>>>,
    /// One creation at a time, so that no cap is passed twice.
    pub making: tokio::sync::Mutex<()>,
}

pub(super) enum Source {
    /// One of `token`, `token_file`, `token_env`.
    Given(github::Settings),
    Gh(Vec<String>),
}

/// An identity that GitHub knows.
pub(super) struct Opened {
    pub login: String,
    pub github: GitHub,
    pub token: SecretString,
}

/// What all identities have in common.
#[derive(Clone)]
pub(super) struct Forge {
    pub settings: github::Settings,
    pub clock: Clock,
}

impl Identity {
    pub(super) fn new(
        name: String,
        login: Option<String>,
        people: Vec<Actor>,
        cap: usize,
        source: Source,
    ) -> Self {
        let (opened, making) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { name, cap, people, said_login: login, source, opened, making }
    }

    /// With a token from a file: a person who linked their account.
    pub(super) fn of_file(login: &str, person: Actor, cap: usize, file: PathBuf, forge: &Forge) -> Self {
        let given = github::Settings {
            token: None,
            token_env: None,
            token_file: Some(file),
            ..forge.settings.clone()
        };
        let login = login.to_owned();
        Self::new(login.clone(), Some(login), vec![person], cap, Source::Given(given))
    }

    /// Signed in: the login is known, and a classic token has the scope it takes.
    pub(super) async fn open(&self, forge: &Forge) -> Result<Arc<Opened>, NodeError> {
        if let Some(opened) = self.opened().clone() {
            return Ok(opened);
        }
        let token = self.token().await?;
        let github = GitHub::with_token(&forge.settings, &token, forge.clock.clone())
            .map_err(|error| self.sort(error, forge))?;
        let who = github.login().await.map_err(|error| self.sort(error, forge))?;
        // None at all may also be a fine-grained token.
        let scopes = who.scopes.unwrap_or_default();
        if !scopes.is_empty() && !scopes.iter().any(|scope| scope == SCOPE) {
            return Err(self.unfit(format!("its token has no scope `{SCOPE}`; make one that has")));
        }
        let opened = Arc::new(Opened { login: who.login, github, token });
        *self.opened() = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Whether this is the user of that login; may have to ask GitHub.
    pub(super) async fn is(&self, login: &str, forge: &Forge) -> Result<bool, NodeError> {
        let same = |known: &str| known.eq_ignore_ascii_case(login);
        match &self.said_login {
            Some(said) => Ok(same(said)),
            None => Ok(same(&self.open(forge).await?.login)),
        }
    }

    /// GitHub's error as a node's; a token that was refused is forgotten.
    pub(super) fn sort(&self, error: GitHubError, forge: &Forge) -> NodeError {
        let error = trouble::sort(error, &self.name, forge.clock.now());
        if matches!(error, NodeError::Auth { .. }) {
            *self.opened() = None;
        }
        error
    }

    async fn token(&self) -> Result<SecretString, NodeError> {
        let found = match &self.source {
            Source::Given(settings) => settings.read_token().map_err(|e| self.unfit(e.to_string()))?,
            Source::Gh(command) => Some(self.ask_gh(command).await?),
        };
        found.ok_or_else(|| self.unfit("it has no token".to_owned()))
    }

    async fn ask_gh(&self, command: &[String]) -> Result<SecretString, NodeError> {
        let (program, first) = command.split_first().ok_or_else(|| self.unfit("no `gh` is set".into()))?;
        let mut gh = Command::new(program);
        gh.args(first).args(["auth", "token"]).kill_on_drop(true);
        gh.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let told =
            |why: &str| self.unfit(format!("`{program} auth token` {why}; sign in with `gh auth login`"));
        match tokio::time::timeout(GH_LIMIT, gh.output()).await {
            Ok(Ok(out)) if out.status.success() => match String::from_utf8(out.stdout) {
                Ok(text) if !text.trim().is_empty() => Ok(SecretString::from(text.trim())),
                _ => Err(told("printed no token")),
            },
            Ok(Ok(_)) => Err(told("failed")),
            Ok(Err(error)) => Err(told(&format!("cannot be run ({error})"))),
            Err(_) => Err(told("did not end")),
        }
    }

    fn unfit(&self, why: String) -> NodeError {
        NodeError::Auth { identity: self.name.clone(), why }
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, Option<Arc<Opened>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
