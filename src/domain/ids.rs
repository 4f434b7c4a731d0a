//! Names of things: sessions, attempts, asks, actors, repositories.
//!
//! Knows how each name is spelt and parsed; must not know what the things do.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A moment, to the microsecond.
pub type Time = DateTime<Utc>;

/// Position of an event in its session's log: gapless from 1.
pub type Seq = u64;

/// A session's number, spelt `dt-142`; people and routes may also say `142`.
///
/// ```
/// use devtask::domain::SessionId;
/// assert_eq!("142".parse::<SessionId>().unwrap().to_string(), "dt-142");
/// assert!("dt-0".parse::<SessionId>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema), schema(value_type = String, description = "`dt-142`"))]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(u32);

impl SessionId {
    /// `None` for 0: numbers start at 1.
    pub fn new(number: u32) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    pub fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dt-{}", self.0)
    }
}

/// The text is no session id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no session id; they look like `dt-142`")]
pub struct BadSessionId(String);

impl FromStr for SessionId {
    type Err = BadSessionId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("dt-").unwrap_or(text);
        let plain = digits.bytes().all(|b| b.is_ascii_digit());
        let number = if plain { digits.parse().ok() } else { None };
        number.and_then(Self::new).ok_or_else(|| BadSessionId(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for SessionId {
    type Error = BadSessionId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.to_string()
    }
}

/// One admission to run. Rises with each; a higher one fences all lower ones. 0 = never admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Attempt(pub u32);

impl Attempt {
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The agent's own id of the tool call that waits; stable over deferral and resume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct AskId(pub String);

impl fmt::Display for AskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who caused something. Spelt `person:local/ana`, `control` or `node`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Actor {
    /// A person, named by the door they came through: `local/ana`, later `slack/U024`.
    Person(String),
    /// DevTask's own clock and dispatcher.
    Control,
    /// The supervisor on a node, or the agent behind it.
    Node,
}

impl Actor {
    pub fn is_person(&self) -> bool {
        matches!(self, Self::Person(_))
    }

    /// The name without its door, for sentences.
    pub fn name(&self) -> &str {
        match self {
            Self::Person(name) => name.rsplit('/').next().unwrap_or(name),
            Self::Control => "DevTask",
            Self::Node => "the agent",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => write!(f, "person:{name}"),
            Self::Control => f.write_str("control"),
            Self::Node => f.write_str("node"),
        }
    }
}

impl TryFrom<String> for Actor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "control" => Ok(Self::Control),
            "node" => Ok(Self::Node),
            other => match other.strip_prefix("person:") {
                Some(name) if !name.is_empty() => Ok(Self::Person(name.to_owned())),
                _ => Err(format!("`{other}` is no actor")),
            },
        }
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.to_string()
    }
}

/// Where a session's work starts and goes: a repository on a forge, or a folder without one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Repo {
    /// `owner/name` on the configured forge: ends in a pull request.
    Forge { owner: String, name: String },
    /// An absolute path: ends in a branch there (its checkout is never touched), or in a pull request
    /// where its `origin` is a forge's.
    Path(String),
}

/// The text names no repository.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no repository; say `owner/name`, a GitHub address or an absolute path")]
pub struct BadRepo(String);

impl FromStr for Repo {
    type Err = BadRepo;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadRepo(without_user(text).chars().take(200).collect());
        if text.chars().any(char::is_control) || text.len() > 1_000 {
            return Err(bad());
        }
        if text.starts_with('/') {
            return Ok(Self::Path(text.to_owned()));
        }
        let short = ["https://github.com/", "git@github.com:", "ssh://git@github.com/", "github.com/"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .unwrap_or(text);
        let short = short.strip_suffix('/').unwrap_or(short);
        let short = short.strip_suffix(".git").unwrap_or(short);
        match short.split_once('/') {
            Some((owner, name)) if is_forge_name(owner) && is_forge_name(name) => {
                Ok(Self::Forge { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(bad()),
        }
    }
}

/// An address as it may be shown: what stands before the host may be a user's password or token.
pub fn without_user(address: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = address.split_once("://") else { return address.into() };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}").into(),
        None => address.into(),
    }
}

/// Letters, digits, `-`, `_` and `.`, not starting with `-` or `.`: safe in an argument, a path and a URL.
fn is_forge_name(text: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 100 && text.chars().all(ok) && !text.starts_with(['-', '.'])
}

impl fmt::Display for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forge { owner, name } => write!(f, "{owner}/{name}"),
            Self::Path(path) => f.write_str(path),
        }
    }
}

impl TryFrom<String> for Repo {
    type Error = BadRepo;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Repo> for String {
    fn from(repo: Repo) -> Self {
        repo.to_string()
    }
}
