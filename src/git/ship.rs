//! Pushing: everything or nothing, each ref only from where we last saw it.
//!
//! Knows leases and atomic pushes, and how objects go between two repositories of one machine;
//! must not know what a ref stands for.

use std::path::Path;

use secrecy::SecretString;

use super::error::GitError;
use super::names::{RefName, RemoteUrl, Sha};
use super::place::Place;
use super::remote::{RECEIVE, local_only};

/// Where a ref must stand on the remote for a push to move it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    /// It must not exist.
    Absent,
    At(Sha),
}

impl From<Option<Sha>> for Lease {
    fn from(at: Option<Sha>) -> Self {
        at.map_or(Self::Absent, Self::At)
    }
}

/// One ref of a push. `to` = `None` deletes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    pub name: RefName,
    pub to: Option<Sha>,
    pub lease: Lease,
}

impl Place {
    /// Moves all of these refs on the remote, or none. A lease that does not hold is [`super::Failure::Stale`].
    ///
    /// A ref that already stands where it should go is no part of what the remote checks: a fence must move with
    /// every push to count.
    pub async fn push(
        &self,
        url: &RemoteUrl,
        refs: &[Push],
        credential: Option<&SecretString>,
    ) -> Result<(), GitError> {
        let call = local_only(self.call("push"), url, RECEIVE);
        let mut call = call.args(["--porcelain", "--atomic", "--no-verify", "--no-thin", "--no-signed"]);
        for push in refs {
            let at = match &push.lease {
                Lease::Absent => "",
                Lease::At(sha) => sha.as_str(),
            };
            call = call.arg(format!("--force-with-lease={}:{at}", push.name));
        }
        call = call.arg("--").arg(url.as_arg());
        for push in refs {
            call = call.arg(format!("{}:{}", push.to.as_ref().map_or("", Sha::as_str), push.name));
        }
        call.talks_to(url, credential)?.run().await.map(drop)
    }

    /// Copies what `tips` reach and `known` do not into another repository, past its configuration: no transport runs.
    /// `scratch`: a folder of ours for the pack.
    pub async fn hand_over(
        &self,
        to: &Self,
        tips: &[Sha],
        known: &[Sha],
        scratch: &Path,
    ) -> Result<(), GitError> {
        let file = tempfile::tempfile_in(scratch).map_err(GitError::Io)?;
        let mut wanted = String::new();
        for tip in tips {
            wanted.push_str(tip.as_str());
            wanted.push('\n');
        }
        for known in known {
            wanted.push_str(&format!("^{known}\n"));
        }
        let sink = file.try_clone().map_err(GitError::Io)?;
        let call = self.call("pack-objects").args(["--revs", "--stdout", "--quiet"]);
        call.stdin(wanted.into_bytes()).stdout_to(sink).run().await?;
        let mut file = file;
        std::io::Seek::rewind(&mut file).map_err(GitError::Io)?;
        to.call("unpack-objects").arg("-q").stdin_file(file).run().await.map(drop)
    }
}
