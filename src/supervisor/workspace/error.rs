//! Why a clone cannot be made, saved or sent, in sentences for the person who asked for the work.
//!
//! Knows what git's failures mean here; must not know how they are shown.

use std::path::PathBuf;

use crate::domain::Attempt;
use crate::domain::report::Retry;
use crate::git::{BadName, Failure, GitError, RemoteUrl};

#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    #[error(transparent)]
    Name(#[from] BadName),
    #[error("there is no folder {0}")]
    NoFolder(RemoteUrl),
    #[error("{0} is no git repository")]
    NotARepository(RemoteUrl),
    #[error("{0} belongs to another user of the machine, and git does not read such repositories")]
    OtherOwner(RemoteUrl),
    #[error("there is no repository {0}, or DevTask may not see it")]
    NoRepository(RemoteUrl),
    #[error("{0} has no commit yet, so there is nothing to start from")]
    Empty(RemoteUrl),
    #[error("{0} is a shallow clone: its history is cut off")]
    Shallow(RemoteUrl),
    #[error("{url} has no branch `{base}`")]
    UnknownBase { url: RemoteUrl, base: String },
    #[error("{0} does not say which branch is its default")]
    NoDefault(RemoteUrl),
    #[error("{0} did not accept DevTask's credential")]
    Auth(RemoteUrl),
    #[error("attempt {ours} was overtaken by attempt {newer}; nothing of it counts any more")]
    Fenced { ours: Attempt, newer: Attempt },
    #[error("`{branch}` is checked out in {url}, and DevTask never touches a person's checkout")]
    CheckedOut { branch: String, url: RemoteUrl },
    #[error("the remote refused `{branch}`: {why}")]
    Rejected { branch: String, why: String },
    /// Its commits are in the clone as `origin/<branch>`.
    #[error("somebody else pushed to `{branch}`; their commits must be merged first")]
    Diverged { branch: String },
    #[error("the remote does not show `{branch}` where it was pushed")]
    NotVerified { branch: String },
    #[error("too many others use the name `{0}` on the remote")]
    NoName(String),
    #[error("the agent's clone is damaged: {} is not what git made", path.display())]
    Bent { path: PathBuf },
    #[error("the agent's clone has no commit checked out")]
    NoCommit,
    /// In git's words, or the path of a repository inside.
    #[error("not everything the agent left can be committed: {0}")]
    Uncommittable(String),
    #[error("the agent left {0} unfinished")]
    Unfinished(&'static str),
    #[error("the network to {url} failed")]
    Network {
        url: RemoteUrl,
        #[source]
        source: GitError,
    },
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("the node's disk failed")]
    Disk(#[from] std::io::Error),
}

impl WorkspaceError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoFolder(_) | Self::NotARepository(_) => {
                "say the path of a folder with a `.git` in it, or of a bare repository"
            }
            Self::OtherOwner(_) => "run DevTask as the repository's owner, or clone it as DevTask's user",
            Self::NoRepository(_) => "check the name, and that DevTask's GitHub account can open it",
            Self::Empty(_) => "push a first commit, even an empty README",
            Self::Shallow(_) => {
                "run `git fetch --unshallow` there, or name the repository it was cloned from"
            }
            Self::UnknownBase { .. } => "say another base, or none for the default branch",
            Self::NoDefault(_) => "say the base branch",
            Self::Auth(_) => "give the token the permission to push to this repository",
            Self::CheckedOut { .. } => "switch that checkout to another branch, then retry",
            Self::Rejected { .. } => {
                "let DevTask push such branches, or change `branch_pattern`, then run it again"
            }
            Self::NoName(_) => "delete old branches or change `branch_pattern`",
            _ => return None,
        })
    }

    /// What the agent itself can put right, as a sentence for it.
    pub fn wants(&self) -> Option<String> {
        let what = match self {
            Self::Unfinished(_) => "finish or abort that",
            Self::Uncommittable(_) => "remove it, ignore it, or commit it yourself as you mean it",
            Self::Diverged { branch } => {
                return Some(format!("{self}: they are `origin/{branch}` in your clone"));
            }
            Self::NoCommit => "check out the branch you work on",
            _ => return None,
        };
        Some(format!("{self}; {what}"))
    }

    /// What trying again would do.
    pub fn retry(&self) -> Retry {
        let later = match self {
            Self::Network { .. } | Self::NotVerified { .. } | Self::Disk(_) => true,
            Self::Git(e) => e.is_transient(),
            _ => false,
        };
        if later { Retry::Later } else { Retry::No }
    }

    /// What git's failure means where `url` was talked to about `branch`.
    pub(super) fn from_remote(source: GitError, url: &RemoteUrl, branch: &str) -> Self {
        let url = url.clone();
        match source.failure() {
            Some(Failure::NoRepository) => Self::NoRepository(url),
            Some(Failure::NotARepository) => Self::NotARepository(url),
            Some(Failure::OtherOwner) => Self::OtherOwner(url),
            Some(Failure::Auth) => Self::Auth(url),
            Some(Failure::CheckedOut) => Self::CheckedOut { branch: branch.to_owned(), url },
            Some(Failure::Rejected(why)) => Self::Rejected { branch: branch.to_owned(), why: why.clone() },
            _ if source.is_transient() => Self::Network { url, source },
            _ => Self::Git(source),
        }
    }
}
