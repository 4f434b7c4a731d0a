//! What a supervisor is given before it starts: `run.json`, written once per attempt with mode 0600.
//!
//! Holds no secret: those come over the link. Knows no provider.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::Attempt;
use crate::domain::session::NewSession;

/// The files below a session's home that both sides of a node know by name.
pub mod file {
    /// [`super::Run`] as JSON, 0600.
    pub const RUN: &str = "run.json";
    /// The supervisor's Unix socket, 0600.
    pub const SOCKET: &str = "s.sock";
    /// Held (flock) while a supervisor lives; its content is `<pid> <attempt>\n`.
    pub const LOCK: &str = "lock";
    /// The clone the agent works in.
    pub const WORK: &str = "work";
    /// Stands while the clone may hold work that is nowhere else: from the agent's start until everything was seen on
    /// the remote. A folder with it is never deleted.
    pub const UNSAVED: &str = "unsaved";
}

/// The environment variable every process of an attempt carries; its value is [`Run::mark`] and the attempt.
pub const MARK: &str = "DEVTASK_RUN";

/// Variables of a machine's environment that pass to what runs for a session: where programs, certificates, proxies
/// and toolchains are. Everything else is cleared.
pub const PASSED: &[&str] = &[
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TERM",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "GOROOT",
    "GOMODCACHE",
    "GOFLAGS",
    "GOPROXY",
    "JAVA_HOME",
    "NVM_DIR",
    "NODE_PATH",
    "PYENV_ROOT",
    "VIRTUAL_ENV",
];

impl Run {
    /// `<instance>/<session>.`: what the marks of all attempts of this session start with.
    pub fn mark(&self) -> String {
        format!("{}/{}.", self.instance, self.new.id)
    }
}

/// One attempt, all a supervisor needs to know of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    pub new: NewSession,
    pub attempt: Attempt,
    /// The installation's mark; part of the environment marker `DEVTASK_RUN`.
    pub instance: String,
    pub remote: Remote,
    /// Folder for bare mirrors shared by the sessions of this machine; `None` = clone from the remote itself.
    pub mirrors: Option<PathBuf>,
    /// Where an earlier attempt left the branch and what it started from.
    pub branch: Option<String>,
    pub base_sha: Option<String>,
    /// The agent's conversation id, and whether it has begun (then: resume).
    pub conversation: Uuid,
    pub resume: bool,
    pub agent: AgentRun,
    pub sandbox: Sandbox,
    pub author: Person,
}

/// Where the work comes from and goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remote {
    /// What git fetches from and pushes to: an https address or an absolute path. Validated, never an option.
    pub url: String,
    /// A credential is to be asked for over the link before git talks to it.
    pub needs_credential: bool,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentRun {
    /// Program and leading arguments; the adapter adds its own.
    pub command: Vec<String>,
    /// Environment that is no secret.
    pub env: BTreeMap<String, String>,
}

/// Of the environment the names only: somebody will put a key there all the same.
impl fmt::Debug for AgentRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let env: Vec<&String> = self.env.keys().collect();
        f.debug_struct("AgentRun").field("command", &self.command).field("env", &env).finish()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sandbox {
    /// The bubblewrap program; `None` = there is none.
    pub bubblewrap: Option<PathBuf>,
    /// Paths the agent must not see.
    pub hide: Vec<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    pub name: String,
    pub email: String,
}
