//! What an installation lets its sessions do: slots, limits, agents, names.
//!
//! Knows the settings' names, defaults and which of them make no sense; must not know where they were read from.
//! A session copies what it needs when it is created, so a change never rewrites history.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::limits::{Limits, Policy};
use crate::domain::queue::Caps;

/// The `[control]` part of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default, deny_unknown_fields)]
pub struct Settings {
    /// Sessions that may run at once.
    pub slots: u32,
    /// Of one owner; 0 = as many as there are slots.
    pub per_owner: u32,
    /// Where a session runs that names no provider.
    pub provider: String,
    /// Who works on a session that names no agent.
    pub agent: String,
    pub agents: BTreeMap<String, AgentSettings>,
    /// `{task_id}` and `{task_slug}` are replaced.
    pub branch_pattern: String,
    /// Tools whose use waits for a person.
    pub require_approval_for: Vec<String>,
    pub limits: Limits,
    pub policy: Policy,
    /// Seconds a node with our mark may belong to nobody before it goes.
    pub stray_grace: u32,
    /// Who is named as the author of what agents commit, where the requester has no address of their own.
    pub author: Author,
    /// How supervisors are started on this machine. Found out at the start, never configured by hand.
    #[serde(skip)]
    pub machine: Machine,
}

/// How one agent is started.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default, deny_unknown_fields)]
pub struct AgentSettings {
    /// Program and leading arguments.
    pub command: Vec<String>,
    /// Environment that is no secret.
    pub env: BTreeMap<String, String>,
    /// *Names* of this process's environment variables that are handed on; their values are never stored.
    pub secrets: Vec<String>,
}

/// Of the environment the names only: somebody will put a key there all the same.
impl fmt::Debug for AgentSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let env: Vec<&String> = self.env.keys().collect();
        let mut shown = f.debug_struct("AgentSettings");
        shown.field("command", &self.command).field("env", &env).field("secrets", &self.secrets).finish()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default, deny_unknown_fields)]
pub struct Author {
    pub name: String,
    pub email: String,
}

/// What the machine has: the program to start supervisors with, mirrors, the sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// `None` = the program that runs now.
    pub program: Option<PathBuf>,
    /// Folder for bare mirrors shared by local sessions.
    pub mirrors: Option<PathBuf>,
    /// The bubblewrap program; `None` = there is none.
    pub bubblewrap: Option<PathBuf>,
    /// Folder for tokens of people who linked their accounts.
    pub links: Option<PathBuf>,
    /// Paths agents must not see: our data folder, our secrets.
    pub hide: Vec<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        let claude = AgentSettings {
            command: vec!["claude".to_owned()],
            env: BTreeMap::new(),
            secrets: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"]
                .map(str::to_owned)
                .to_vec(),
        };
        Self {
            slots: 4,
            per_owner: 0,
            provider: "local".to_owned(),
            agent: "claude".to_owned(),
            agents: BTreeMap::from([("claude".to_owned(), claude)]),
            branch_pattern: "devtask/{task_id}-{task_slug}".to_owned(),
            require_approval_for: Vec::new(),
            limits: Limits::default(),
            policy: Policy::default(),
            stray_grace: 30 * 60,
            author: Author::default(),
            machine: Machine::default(),
        }
    }
}

impl Default for Author {
    fn default() -> Self {
        Self { name: "DevTask".to_owned(), email: "devtask@localhost".to_owned() }
    }
}

/// A setting that makes no sense, and what to do about it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    #[error("`control.slots` is 0, so nothing would ever run; say at least 1")]
    NoSlots,
    #[error("`control.agent` is `{0}`, and there is no `[agents.{0}]`")]
    UnknownAgent(String),
    #[error("`control.agents.{0}.command` is empty; name a program")]
    NoCommand(String),
    #[error("`control.branch_pattern` has no `{{task_id}}`, so two sessions would share a branch")]
    SharedBranch,
    #[error("`control.branch_pattern` is `{0}`, which is no branch name")]
    BadBranch(String),
    #[error("`control.policy.min_coverage` is {0}; it is a percentage")]
    BadCoverage(u8),
}

impl Settings {
    /// Refuses what could never work.
    pub fn check(&self) -> Result<(), BadSettings> {
        if self.slots == 0 {
            return Err(BadSettings::NoSlots);
        }
        if !self.agents.contains_key(&self.agent) {
            return Err(BadSettings::UnknownAgent(self.agent.clone()));
        }
        let bare = |a: &AgentSettings| a.command.first().is_none_or(String::is_empty);
        if let Some((name, _)) = self.agents.iter().find(|(_, a)| bare(a)) {
            return Err(BadSettings::NoCommand(name.clone()));
        }
        if !self.branch_pattern.contains("{task_id}") {
            return Err(BadSettings::SharedBranch);
        }
        let sample = self.branch_pattern.replace("{task_id}", "1").replace("{task_slug}", "task");
        if !is_branch_name(&sample) {
            return Err(BadSettings::BadBranch(self.branch_pattern.clone()));
        }
        if self.policy.min_coverage > 100 {
            return Err(BadSettings::BadCoverage(self.policy.min_coverage));
        }
        Ok(())
    }

    pub(super) fn caps(&self) -> Caps {
        Caps { total: self.slots, per_owner: self.per_owner }
    }
}

/// A careful part of git's own rules: nothing here can be mistaken for an option or a revision.
pub(super) fn is_branch_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+' | '#' | '@');
    let part = |p: &str| !p.is_empty() && !p.starts_with('.') && !has_end(p, ".lock") && !p.ends_with('.');
    name.len() <= 200
        && !name.starts_with('-')
        && name.chars().all(plain)
        && name.split('/').all(part)
        && !name.contains("..")
        && !name.contains("@{")
        && name != "@"
}

fn has_end(text: &str, end: &str) -> bool {
    text.len() >= end.len() && text.get(text.len() - end.len()..).is_some_and(|t| t.eq_ignore_ascii_case(end))
}
