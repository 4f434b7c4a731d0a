//! Work trees: their content as a tree object, and filling them.
//!
//! Knows indexes and files. An index is always named by the caller: reading a work tree never touches the clone's own.
//! Must not know what the content is for.

use std::path::Path;

use super::error::GitError;
use super::names::{BranchName, Sha};
use super::place::Place;
use super::run::Call;

/// A work tree's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    pub tree: Sha,
    /// What could not be taken in, in git's words: unreadable files, repositories inside.
    pub missed: Vec<String>,
}

impl Place {
    /// Writes the whole work tree (untracked files too, ignored ones not) as a tree object, through `index`: a file of
    /// ours, which also remembers what was read before. `exclude`: one more file of ignore patterns.
    pub async fn sweep(&self, index: &Path, exclude: Option<&Path>) -> Result<Swept, GitError> {
        unlock(index).await;
        let call = self.indexed("add", index).args(["--all", "--ignore-errors"]);
        let call = match exclude {
            Some(file) => call.setting("core.excludesFile", file),
            None => call,
        };
        let said = call.args(["--", "."]).may_fail(&[1]).run().await?;
        let complaint = |l: &&str| l.starts_with("error:") || l.starts_with("warning: adding embedded");
        let mut missed: Vec<String> =
            said.err.lines().filter(complaint).take(20).map(str::to_owned).collect();
        if said.code != 0 && missed.is_empty() {
            missed.push(super::error::last_lines(&said.err));
        }
        let tree = self.indexed("write-tree", index).run().await?.text();
        Ok(Swept { tree: tree.parse().map_err(|_| GitError::Odd { verb: "write-tree" })?, missed })
    }

    fn indexed(&self, verb: &'static str, index: &Path) -> Call<'_> {
        self.call(verb).env("GIT_INDEX_FILE", index)
    }

    /// Makes a branch at a commit and fills the work tree. For clones nobody else has written to yet: the files'
    /// own filters are not looked at, because such a clone names none.
    pub async fn checkout_new(&self, branch: &BranchName, at: &Sha) -> Result<(), GitError> {
        let call = self.call("checkout").args([
            "--quiet",
            "--no-track",
            "--force",
            "-B",
            branch.as_str(),
            at.as_str(),
        ]);
        call.arg("--").run().await.map(drop)
    }

    /// Files and index become `tree`; `HEAD` stays. What is not in `tree` and was in the index goes.
    pub async fn fill(&self, tree: &Sha) -> Result<(), GitError> {
        self.call("read-tree").args(["--reset", "-u", tree.as_str()]).run().await.map(drop)
    }

    /// The index becomes `tree`; files and `HEAD` stay.
    pub async fn reset_index(&self, tree: &Sha) -> Result<(), GitError> {
        self.call("read-tree").args(["--reset", tree.as_str()]).run().await.map(drop)
    }

    /// The work tree becomes exactly `tree`, through `index`: changed files are restored, untracked ones go, ignored
    /// ones stay.
    pub async fn pour(&self, tree: &Sha, index: &Path) -> Result<(), GitError> {
        unlock(index).await;
        self.indexed("read-tree", index).args(["--reset", "-u", tree.as_str()]).run().await?;
        self.indexed("clean", index).args(["--quiet", "-d", "--force", "--force"]).run().await.map(drop)
    }

    /// Whether files differ from `HEAD` or are untracked. The repository's filters are switched off for the look,
    /// nothing is written.
    pub async fn is_dirty(&self) -> Result<bool, GitError> {
        let names = self.call("config").args(["--local", "--name-only", "--get-regexp", "^filter\\."]);
        let names = names.may_fail(&[1]).run().await?.text();
        let mut call = self.call("status").args(["--porcelain", "--ignore-submodules=all", "--no-renames"]);
        for filter in names.lines().filter_map(|l| Some(l.rsplit_once('.')?.0)).take(50) {
            for key in ["clean", "smudge", "process"] {
                call = call.setting(format!("{filter}.{key}"), "");
            }
            call = call.setting(format!("{filter}.required"), "false");
        }
        Ok(!call.run().await?.out.is_empty())
    }
}

/// Takes away the lock a killed command left: nobody but us uses this index.
async fn unlock(index: &Path) {
    let mut lock = index.as_os_str().to_owned();
    lock.push(".lock");
    tokio::fs::remove_file(Path::new(&lock)).await.ok();
}
