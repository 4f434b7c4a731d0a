//! Codespaces in the configuration: `[nodes.codespaces]`.
//!
//! Knows the shape, the defaults and what GitHub would refuse anyway. Must not talk to anybody.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

/// What GitHub takes.
const IDLE_MINUTES: std::ops::RangeInclusive<u32> = 5..=240;
const MOST_RETENTION_MINUTES: u32 = 43_200;

/// The provider is there once it has an identity, or people have linked theirs.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whose codespaces they are.
    pub identities: Vec<IdentitySettings>,
    /// The identity of everybody who has none of their own; the first where it is not said. `""` = nobody's.
    pub default_identity: Option<String>,
    /// Codespaces of ours that an identity may have at once, stopped ones among them, where it does not say itself.
    pub cap: usize,
    /// The machine type; GitHub's choice where it is not said.
    pub machine: Option<String>,
    /// Taken, in this order, where the first is not to be had for a repository.
    pub fallback_machines: Vec<String>,
    pub devcontainer_path: Option<String>,
    /// `EuropeWest`, `SoutheastAsia`, `UsEast` or `UsWest`; near to us where it is not said.
    pub geo: Option<String>,
    /// Without traffic for so long GitHub stops one.
    pub idle_timeout_minutes: u32,
    /// Stopped for so long GitHub deletes it: the last to tidy up when we are gone for good.
    pub retention_minutes: u32,
    /// Our folder in a codespace; below `/workspaces`, which outlives a stop.
    pub home: PathBuf,
    /// GitHub's command line, and what stands before its own arguments.
    pub gh: Vec<String>,
    /// Whom ssh signs in as.
    pub ssh_user: String,
}

/// A GitHub user whose token we hold, given in exactly one way.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySettings {
    pub name: String,
    /// Their login; asked of GitHub where it is not said.
    pub login: Option<String>,
    pub token: Option<SecretString>,
    pub token_file: Option<PathBuf>,
    pub token_env: Option<String>,
    /// Ask `gh auth token`.
    pub gh: bool,
    pub cap: Option<usize>,
    /// Whose sessions run in their codespaces: `local/ana`, `slack/U024BE7LH`.
    pub people: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            identities: Vec::new(),
            default_identity: None,
            cap: 10,
            machine: None,
            fallback_machines: Vec::new(),
            devcontainer_path: None,
            geo: None,
            idle_timeout_minutes: 60,
            retention_minutes: 1_440,
            home: PathBuf::from("/workspaces/.devtask"),
            gh: vec!["gh".to_owned()],
            ssh_user: "codespace".to_owned(),
        }
    }
}

impl Settings {
    /// What can only be said of the whole; names the key.
    pub fn check(&self) -> Result<(), String> {
        let bad = |key: &str, why: &str| Err(format!("`nodes.codespaces.{key}` {why}"));
        if !IDLE_MINUTES.contains(&self.idle_timeout_minutes) {
            return bad("idle_timeout_minutes", "is not within 5 and 240");
        }
        if self.retention_minutes > MOST_RETENTION_MINUTES {
            return bad("retention_minutes", "is more than 43200, which is 30 days");
        }
        if self.gh.first().is_none_or(String::is_empty) {
            return bad("gh", "names no program");
        }
        if !self.home.is_absolute() {
            return bad("home", "is no absolute path");
        }
        if self.ssh_user.is_empty() || self.ssh_user.starts_with('-') {
            return bad("ssh_user", "is no user's name");
        }
        self.check_identities()
    }

    fn check_identities(&self) -> Result<(), String> {
        let mut names = Vec::new();
        for identity in &self.identities {
            let name = identity.name.as_str();
            if name.is_empty() {
                return Err("`nodes.codespaces.identities` has one without a name".to_owned());
            }
            if names.contains(&name) {
                return Err(format!("`nodes.codespaces.identities` has the name `{name}` twice"));
            }
            names.push(name);
            let given = [
                identity.token.is_some(),
                identity.token_file.is_some(),
                identity.token_env.is_some(),
                identity.gh,
            ];
            if given.iter().filter(|given| **given).count() != 1 {
                return Err(format!(
                    "`nodes.codespaces.identities` gives for `{name}` not exactly one of `token`, `token_file`, \
                     `token_env` and `gh = true`"
                ));
            }
        }
        match self.default_identity.as_deref() {
            Some(name) if !name.is_empty() && !names.contains(&name) => Err(format!(
                "`nodes.codespaces.default_identity` is `{name}`, which is none of the identities"
            )),
            _ => Ok(()),
        }
    }

    /// The machine types in the order they are wanted; empty = GitHub's choice.
    pub(super) fn machines(&self) -> impl Iterator<Item = &str> {
        self.machine.iter().chain(&self.fallback_machines).map(String::as_str)
    }
}
