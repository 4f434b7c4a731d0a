//! Names that are safe in an argument: branches, refs, object ids and remotes.
//!
//! Knows what git accepts and what we refuse beyond it; must not know where a name came from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::domain::without_user;

/// Longest branch or ref name, in bytes: fits a file system's 255 with room for `.lock`.
const MAX_NAME: usize = 200;
/// Longest address or path, in bytes.
const MAX_URL: usize = 1_000;

/// The text cannot be used as a name, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: {why}")]
pub struct BadName {
    /// The text, shortened and without control characters, user and password.
    pub text: String,
    pub what: &'static str,
    pub why: &'static str,
}

impl BadName {
    fn new(text: &str, what: &'static str, why: &'static str) -> Self {
        let text =
            without_user(text).chars().take(100).map(|c| if c.is_control() { '·' } else { c }).collect();
        Self { text, what, why }
    }
}

/// A branch without its `refs/heads/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchName(String);

/// A full ref, `refs/…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(String);

/// An object id: 40 or 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha(String);

/// What git may talk to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RemoteUrl {
    /// An absolute path without `..`.
    Path(PathBuf),
    /// https, or http to this machine; never with a user or password in it.
    Web { url: String, origin: String },
}

impl BranchName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn to_ref(&self) -> RefName {
        RefName(format!("refs/heads/{}", self.0))
    }
}

impl RefName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The branch this ref is, if it is one.
    pub fn branch(&self) -> Option<BranchName> {
        self.0.strip_prefix("refs/heads/").map(|name| BranchName(name.to_owned()))
    }
}

impl Sha {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BranchName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = |why| Err(BadName::new(text, "branch name", why));
        match wrong_with(text) {
            Some(why) => bad(why),
            None if text == "HEAD" || text == "@" => bad("git has another meaning for it"),
            None if text.starts_with("refs/") => bad("leave `refs/heads/` away"),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl FromStr for RefName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = |why| Err(BadName::new(text, "ref", why));
        match wrong_with(text) {
            Some(why) => bad(why),
            None if text.strip_prefix("refs/").is_some_and(|rest| rest.contains('/')) => {
                Ok(Self(text.to_owned()))
            }
            None => bad("it does not start with `refs/` and a kind"),
        }
    }
}

impl FromStr for Sha {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex && matches!(text.len(), 40 | 64) {
            return Ok(Self(text.to_owned()));
        }
        Err(BadName::new(text, "object id", "it is not 40 or 64 hexadecimal digits"))
    }
}

/// git's own rules (`git check-ref-format`) and two of ours: no leading `-`, a bounded length.
fn wrong_with(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Some("it is empty or longer than 200 bytes");
    }
    if name.chars().any(|c| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c)) {
        return Some("it holds a space, a control character or one of ~^:?*[\\");
    }
    if name.contains("..") || name.contains("@{") {
        return Some("it holds `..` or `@{`");
    }
    let part_is_bad = |part: &str| {
        let lock = Path::new(part).extension().is_some_and(|e| e == "lock");
        part.is_empty() || part.starts_with(['.', '-']) || part.ends_with('.') || lock
    };
    name.split('/')
        .any(part_is_bad)
        .then_some("a part is empty, starts with `.` or `-`, or ends with `.` or `.lock`")
}

impl RemoteUrl {
    /// As an argument: always after `--`, and never starting with `-` by itself.
    pub fn as_arg(&self) -> &std::ffi::OsStr {
        match self {
            Self::Path(path) => path.as_os_str(),
            Self::Web { url, .. } => url.as_ref(),
        }
    }

    /// The folder, where the remote is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Web { .. } => None,
        }
    }

    /// The only transport git may use for it.
    pub(super) fn protocol(&self) -> &'static str {
        match self {
            Self::Path(_) => "file",
            Self::Web { url, .. } if url.starts_with("http:") => "http",
            Self::Web { .. } => "https",
        }
    }

    /// `https://host[:port]`, the only place a lent credential may go to.
    pub(super) fn origin(&self) -> Option<&str> {
        match self {
            Self::Path(_) => None,
            Self::Web { origin, .. } => Some(origin),
        }
    }
}

impl FromStr for RemoteUrl {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = |why| BadName::new(text, "git remote", why);
        if text.len() > MAX_URL || text.chars().any(char::is_control) {
            return Err(bad("it is too long or holds a control character"));
        }
        let path = text.strip_prefix("file://").unwrap_or(text);
        if path.starts_with('/') {
            if Path::new(path).components().any(|c| c == std::path::Component::ParentDir) {
                return Err(bad("it holds `..`"));
            }
            return Ok(Self::Path(PathBuf::from(path)));
        }
        let Some((scheme @ ("https" | "http"), rest)) = text.split_once("://") else {
            return Err(bad("say an https address or an absolute path"));
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c)) || host.is_empty() {
            return Err(bad("its host is odd, or it carries a user or password"));
        }
        if scheme == "http" && !is_loopback(host) {
            return Err(bad("http is only for this machine; say https"));
        }
        let ok = |c: char| c.is_ascii_alphanumeric() || "-._~/%+@".contains(c);
        if path.is_empty() || path.split('/').any(|p| p == "..") || !path.chars().all(ok) {
            return Err(bad("its path is empty or holds odd characters"));
        }
        Ok(Self::Web { url: text.to_owned(), origin: format!("{scheme}://{host}") })
    }
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The first `max` bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8], max: usize) -> String {
    use fmt::Write as _;
    bytes.iter().take(max).fold(String::new(), |mut out, b| {
        // Writing to a string does not fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

macro_rules! shown {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
shown!(BranchName, RefName, Sha);

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Web { url, .. } => f.write_str(url),
        }
    }
}
