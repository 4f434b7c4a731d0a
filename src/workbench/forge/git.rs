//! The forge's own git: bare repositories made, seeded, read.
//!
//! Knows git's command line by argument list, in a cleared environment, within a time and a size. Must not know
//! pull requests.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::model::Heads;

const LIMIT: Duration = Duration::from_mins(1);
/// The most we read of one command's output; a longer diff is cut.
const MOST_OUTPUT: u64 = 1024 * 1024;
const MOST_ERROR: u64 = 16 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum GitFailed {
    #[error("git could not be run")]
    Run(#[from] std::io::Error),
    #[error("git took longer than {} s", LIMIT.as_secs())]
    Slow,
    #[error("git {verb} failed: {said}")]
    Said { verb: String, said: String },
}

/// A git that reads no configuration but the repository's, runs no hook and never asks.
pub(super) fn command(dir: &Path) -> Command {
    let mut git = Command::new("git");
    git.env_clear().current_dir(dir).kill_on_drop(true);
    if let Some(path) = std::env::var_os("PATH") {
        git.env("PATH", path);
    }
    git.env("HOME", dir)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0");
    git
}

/// Settings for one command, as git takes them from the environment; its children take them too.
pub(super) fn configure(git: &mut Command, settings: &[(&str, &str)]) {
    git.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (n, (key, value)) in settings.iter().enumerate() {
        git.env(format!("GIT_CONFIG_KEY_{n}"), key).env(format!("GIT_CONFIG_VALUE_{n}"), value);
    }
}

async fn run(dir: &Path, args: &[&OsStr]) -> Result<Vec<u8>, GitFailed> {
    let mut git = command(dir);
    configure(&mut git, &[("core.hooksPath", "/dev/null")]);
    git.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = git.spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let both = async {
        let (said, erred) = tokio::try_join!(read(out, MOST_OUTPUT), read(err, MOST_ERROR))?;
        Ok::<_, std::io::Error>((said, erred, child.wait().await?))
    };
    let (said, erred, status) = tokio::time::timeout(LIMIT, both).await.map_err(|_| GitFailed::Slow)??;
    // A reader that stopped at its limit closes the pipe on git: cut output is no failure.
    if status.success() || said.len() as u64 >= MOST_OUTPUT {
        return Ok(said);
    }
    let verb = args.first().map(|a| a.to_string_lossy().into_owned()).unwrap_or_default();
    Err(GitFailed::Said { verb, said: String::from_utf8_lossy(&erred).trim().to_owned() })
}

async fn read(from: Option<impl tokio::io::AsyncRead + Unpin>, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn args<'a>(words: &[&'a str]) -> Vec<&'a OsStr> {
    words.iter().map(|w| OsStr::new(*w)).collect()
}

/// Makes a bare repository at `to`, whose parent exists: empty with a branch `main` to come, or with all that
/// `from` has. Appears whole or not at all.
pub(super) async fn make(parent: &Path, to: &Path, from: Option<&Path>) -> Result<(), GitFailed> {
    let beside = tempfile::Builder::new().prefix(".making-").tempdir_in(parent)?;
    let new = beside.path().join("repo.git");
    let mut words = match from {
        None => args(&["init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--"]),
        Some(_) => args(&["clone", "--quiet", "--bare", "--no-hardlinks", "--template=", "--"]),
    };
    let from = from.map(std::path::absolute).transpose()?;
    words.extend(from.iter().map(|path| path.as_os_str()));
    words.push(new.as_os_str());
    run(parent, &words).await?;
    tokio::fs::rename(&new, to).await?;
    Ok(())
}

/// The branch HEAD names, whether or not it has a commit.
pub(super) async fn default_branch(dir: &Path) -> Result<String, GitFailed> {
    let said = run(dir, &args(&["symbolic-ref", "--short", "HEAD"])).await?;
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

pub(super) async fn heads(dir: &Path) -> Result<Heads, GitFailed> {
    let format = "--format=%(objectname) %(refname:lstrip=2)";
    let said = run(dir, &args(&["for-each-ref", format, "refs/heads/"])).await?;
    let text = String::from_utf8_lossy(&said);
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    Ok(pairs.map(|(sha, name)| (name.to_owned(), sha.to_owned())).collect::<BTreeMap<_, _>>())
}

/// Files of a commit at or below any of `paths`, which are ours.
pub(super) async fn files(dir: &Path, sha: &str, paths: &[&str]) -> Result<Vec<String>, GitFailed> {
    let mut words = vec!["ls-tree", "-r", "-z", "--name-only", sha, "--"];
    words.extend(paths);
    let said = run(dir, &args(&words)).await?;
    let text = String::from_utf8_lossy(&said);
    Ok(text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// Makes a branch, or moves it. `sha` is an object name from [`heads`].
pub(super) async fn set_branch(dir: &Path, branch: &str, sha: &str) -> Result<(), GitFailed> {
    let name = format!("refs/heads/{branch}");
    run(dir, &args(&["update-ref", "--no-deref", &name, sha])).await.map(drop)
}

/// Commits of `head` that `base` has not: is there one? Both are object names from [`heads`].
pub(super) async fn is_ahead(dir: &Path, base: &str, head: &str) -> Result<bool, GitFailed> {
    let range = format!("{base}..{head}");
    let said = run(dir, &args(&["rev-list", "--max-count=1", &range, "--"])).await?;
    Ok(!said.is_empty())
}

/// What a reviewer sees: the change since `head` left `base`, at most 1 MiB of it.
pub(super) async fn diff(dir: &Path, base: &str, head: &str) -> Result<String, GitFailed> {
    let range = format!("{base}...{head}");
    let words = ["diff", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", &range, "--"];
    let said = run(dir, &args(&words)).await?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}
