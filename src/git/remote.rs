//! What a remote says, and getting objects from it.
//!
//! Knows ls-remote and fetch; must not know which refs matter to whom.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::error::GitError;
use super::names::{BranchName, RefName, RemoteUrl, Sha};
use super::place::Place;
use super::run::{Call, Git};

/// How `upload-pack` and `receive-pack` are started in a repository of this machine: its hooks stay out, a checked-out
/// branch is never moved, nothing is collected. Fixed texts, because git hands them to a shell.
const UPLOAD: &str = "--upload-pack=git -c core.hooksPath=/dev/null -c core.fsmonitor=false upload-pack";
pub(super) const RECEIVE: &str = "--receive-pack=git -c core.hooksPath=/dev/null -c core.fsmonitor=false \
     -c core.alternateRefsCommand=true -c receive.denyCurrentBranch=refuse -c receive.autogc=false -c gc.auto=0 \
     -c receive.fsckObjects=true receive-pack";

/// Every ref of a remote, and its default branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// What `HEAD` names there; `None` where it is detached or the remote does not say.
    pub default: Option<BranchName>,
    pub refs: BTreeMap<RefName, Sha>,
}

impl Heads {
    pub fn get(&self, name: &RefName) -> Option<&Sha> {
        self.refs.get(name)
    }

    pub fn branch(&self, name: &BranchName) -> Option<&Sha> {
        self.refs.get(&name.to_ref())
    }

    /// No commit was ever pushed.
    pub fn is_empty(&self) -> bool {
        self.refs.is_empty()
    }
}

impl Git {
    /// Asks a remote for its refs. `patterns`: full refs or `refs/heads/*`-like globs; none = all.
    /// Refs whose names we would not use ourselves are left out.
    pub async fn ls_remote(
        &self,
        url: &RemoteUrl,
        patterns: &[&str],
        credential: Option<&SecretString>,
    ) -> Result<Heads, GitError> {
        let call = local_only(self.call("ls-remote"), url, UPLOAD).arg("--symref");
        let call = call.arg("--").arg(url.as_arg()).args(patterns).talks_to(url, credential)?;
        let said = call.run().await?;
        Ok(parse(&String::from_utf8_lossy(&said.out)))
    }
}

impl Place {
    /// Fetches exactly these refspecs; no tags beside them, nothing written to `FETCH_HEAD`.
    pub async fn fetch(
        &self,
        url: &RemoteUrl,
        specs: &[String],
        credential: Option<&SecretString>,
    ) -> Result<(), GitError> {
        self.fetch_with(url, specs, credential, false).await
    }

    pub(super) async fn fetch_with(
        &self,
        url: &RemoteUrl,
        specs: &[String],
        credential: Option<&SecretString>,
        prune: bool,
    ) -> Result<(), GitError> {
        let call = local_only(self.call("fetch"), url, UPLOAD);
        let call = call.args(["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]);
        let call = if prune { call.arg("--prune") } else { call };
        let call = call.args(["--no-auto-maintenance", "--"]).arg(url.as_arg()).args(specs);
        call.talks_to(url, credential)?.run().await.map(drop)
    }
}

/// Adds `option` where the remote is a path: only there is the other side started by us.
pub(super) fn local_only<'a>(call: Call<'a>, url: &RemoteUrl, option: &str) -> Call<'a> {
    if url.path().is_some() { call.arg(option) } else { call }
}

fn parse(text: &str) -> Heads {
    let mut heads = Heads::default();
    for line in text.lines() {
        let Some((what, name)) = line.split_once('\t') else { continue };
        if let Some(target) = what.strip_prefix("ref: ") {
            if name == "HEAD" {
                heads.default = target.parse::<RefName>().ok().and_then(|r| r.branch());
            }
        } else if let (Ok(name), Ok(sha)) = (name.parse(), what.parse()) {
            heads.refs.insert(name, sha);
        }
    }
    // `HEAD` of an empty repository names a branch that is not there.
    heads
}
