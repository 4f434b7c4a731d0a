//! How a git command fails, and what that means to a person.
//!
//! Knows git's own sentences in the C locale; must not know which verb of ours asked.

use std::time::Duration;

use super::names::BadName;

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git could not be run")]
    Io(#[source] std::io::Error),
    #[error("`git {verb}` took longer than {}s", limit.as_secs())]
    TimedOut { verb: &'static str, limit: Duration },
    #[error("`git {verb}` printed more than {max} bytes")]
    TooMuch { verb: &'static str, max: usize },
    /// `last`: the end of what git printed on its standard error.
    #[error("`git {verb}` failed: {last}")]
    Failed { verb: &'static str, failure: Failure, last: String },
    #[error("`git {verb}` answered something that is not understood")]
    Odd { verb: &'static str },
    #[error(transparent)]
    Name(#[from] BadName),
}

/// What a failed command means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such repository, or we may not know of it.
    NoRepository,
    /// The path exists and holds none.
    NotARepository,
    /// git refuses a repository that belongs to another user of the machine.
    OtherOwner,
    UnknownRef,
    /// The remote wants a credential, or a better one.
    Auth,
    /// A ref is not where the push expected it: somebody else moved it.
    Stale,
    /// The branch is checked out in the repository that was pushed to.
    CheckedOut,
    /// The remote's own refusal, in its words.
    Rejected(String),
    Network,
    Other,
}

impl GitError {
    /// What the command's failure means; `None` where git did not get to fail.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// Whether the same command may work later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::TimedOut { .. }) || self.failure() == Some(&Failure::Network)
    }
}

/// First match wins: from the exact to the vague.
const SENTENCES: [(&str, Failure); 26] = [
    ("detected dubious ownership", Failure::OtherOwner),
    ("is currently checked out", Failure::CheckedOut),
    ("branch is currently checked out", Failure::CheckedOut),
    ("(stale info)", Failure::Stale),
    ("(non-fast-forward)", Failure::Stale),
    ("(fetch first)", Failure::Stale),
    ("(remote ref updated since checkout)", Failure::Stale),
    ("reference already exists", Failure::Stale),
    ("incorrect old value provided", Failure::Stale),
    ("(failed to update ref)", Failure::Stale),
    ("Authentication failed", Failure::Auth),
    ("could not read Username", Failure::Auth),
    ("could not read Password", Failure::Auth),
    ("returned error: 401", Failure::Auth),
    ("returned error: 403", Failure::Auth),
    ("Repository not found", Failure::NoRepository),
    ("repository not found", Failure::NoRepository),
    ("returned error: 404", Failure::NoRepository),
    ("does not exist", Failure::NoRepository),
    ("does not appear to be a git repository", Failure::NotARepository),
    ("not a git repository", Failure::NotARepository),
    ("invalid gitfile format", Failure::NotARepository),
    ("couldn't find remote ref", Failure::UnknownRef),
    ("unknown revision", Failure::UnknownRef),
    ("Needed a single revision", Failure::UnknownRef),
    ("bad revision", Failure::UnknownRef),
];

const NETWORK: [&str; 11] = [
    "Could not resolve host",
    "Failed to connect",
    "Connection refused",
    "Connection reset",
    "timed out",
    "unexpected disconnect",
    "early EOF",
    "hung up unexpectedly",
    "returned error: 429",
    "returned error: 5",
    "SSL",
];

/// What git's words mean.
pub(super) fn classify(text: &str) -> Failure {
    if let Some((_, failure)) = SENTENCES.iter().find(|(sentence, _)| text.contains(sentence)) {
        return failure.clone();
    }
    if let Some(reason) = rejection(text) {
        return Failure::Rejected(reason);
    }
    if NETWORK.iter().any(|sentence| text.contains(sentence)) {
        return Failure::Network;
    }
    Failure::Other
}

/// `remote:` lines and the reason in brackets of a ref the remote refused.
fn rejection(text: &str) -> Option<String> {
    let refused = text.lines().find(|l| l.contains("[remote rejected]"))?;
    let reason = refused.rsplit_once('(').map_or(refused, |(_, r)| r.trim_end_matches(')'));
    let said =
        text.lines().filter_map(|l| l.strip_prefix("remote:")).map(str::trim).filter(|l| !l.is_empty());
    let words: Vec<&str> = std::iter::once(reason).chain(said).take(10).collect();
    Some(words.join("; ").chars().take(1_000).collect())
}

/// The last lines of `stderr` without progress, control characters and git's own prefixes: what a person reads.
pub(super) fn last_lines(stderr: &str) -> String {
    let noise = |l: &&str| !l.trim().is_empty() && !l.starts_with("hint:");
    let mut lines: Vec<String> = stderr.lines().filter(noise).rev().take(4).map(plain).collect();
    lines.reverse();
    if lines.is_empty() { "it said nothing".to_owned() } else { lines.join("; ") }
}

fn plain(line: &str) -> String {
    let line = line.rsplit('\r').next().unwrap_or(line);
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}
