//! What lies in a box's clone and nowhere else, and how it is brought out without starting the box.
//!
//! As GitHub does it: only the clone it made itself is looked at. Hooks and helpers that whoever worked in there has
//! configured are not run. Must not know who asks.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;

use super::dress::succeeded;
use super::{Checkout, Work};

/// `None` where there is no clone.
pub(super) async fn look(clone: &Path, checkout: &Checkout) -> Option<Work> {
    let upstream = format!("refs/remotes/origin/{}...HEAD", checkout.branch);
    let counted = git(clone, &["rev-list", "--left-right", "--count", &upstream], None).await.ok()?;
    let (behind, ahead) = counted.split_once('\t')?;
    let (behind, ahead) = (behind.parse().ok()?, ahead.parse().ok()?);
    let uncommitted = !git(clone, &["status", "--porcelain"], None).await.ok()?.is_empty();
    Some(Work { ahead, behind, unpushed: ahead > 0, uncommitted })
}

/// Pushes all there is, committed or not, to a branch; `None` where there is nothing that was not there before.
pub(super) async fn export(clone: &Path, checkout: &Checkout, branch: &str) -> io::Result<Option<String>> {
    let head = git(clone, &["rev-parse", "HEAD"], None).await?;
    let dirty = !git(clone, &["status", "--porcelain"], None).await?.is_empty();
    if !dirty && head == checkout.sha {
        return Ok(None);
    }
    let sha = if dirty { snapshot(clone, &head).await? } else { head };
    let to = format!("{sha}:refs/heads/{branch}");
    let from = checkout.from.to_string_lossy();
    git(clone, &["push", "--quiet", "--force", "--", &from, &to], None).await?;
    Ok(Some(sha))
}

/// A commit of everything as it lies there, which moves neither branch nor index.
async fn snapshot(clone: &Path, head: &str) -> io::Result<String> {
    let scratch = tempfile::tempdir()?;
    let index = scratch.path().join("index");
    git(clone, &["read-tree", "HEAD"], Some(&index)).await?;
    git(clone, &["add", "--all"], Some(&index)).await?;
    let tree = git(clone, &["write-tree"], Some(&index)).await?;
    git(clone, &["commit-tree", "-p", head, "-m", "Export of a codespace", &tree], None).await
}

async fn git(clone: &Path, args: &[&str], index: Option<&Path>) -> io::Result<String> {
    let mut command = tokio::process::Command::new("git");
    command.args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"]);
    command.args(["-c", "user.name=codespace", "-c", "user.email=codespace@localhost"]);
    command.arg("-C").arg(clone).args(args).stdin(Stdio::null()).kill_on_drop(true);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.envs(index.map(|index| (OsStr::new("GIT_INDEX_FILE"), index)));
    let output = command.output().await?;
    succeeded("git", &output)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
