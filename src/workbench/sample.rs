//! The demo's sample repository: a shell script that greets, and a test that fails until somebody repairs it.
//!
//! Needs `git` and `sh` only. Knows the files and how to make the repository; must not know sessions.

use std::path::Path;
use std::process::{Command, Stdio};

use super::script::Step;

/// The script as it is found: no comma, nobody greeted without a name.
pub const BROKEN: &str = r#"#!/bin/sh
# Greets everyone named on the command line.
for name in "$@"; do
    echo "Hello $name"
done
"#;

/// The script as the test wants it.
pub const REPAIRED: &str = r#"#!/bin/sh
# Greets everyone named on the command line, or the world.
[ "$#" -gt 0 ] || set -- world
for name in "$@"; do
    echo "Hello, $name!"
done
"#;

/// The script half repaired: one test passes, one still fails.
pub const HALF: &str = r#"#!/bin/sh
# Greets everyone named on the command line.
for name in "$@"; do
    echo "Hello, $name!"
done
"#;

const TEST: &str = r#"#!/bin/sh
# The project's test. Run it with `sh test.sh`.
passed=0
failed=0
check() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        echo "ok $((passed + failed)) - $1"
    else
        failed=$((failed + 1))
        echo "not ok $((passed + failed)) - $1: expected \"$2\", got \"$3\""
    fi
}
check "greets by name" "Hello, Ada!" "$(sh greet.sh Ada)"
check "greets the world without a name" "Hello, world!" "$(sh greet.sh)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
"#;

const README: &str = "# greet\n\nGreets people: `sh greet.sh Ada Grace`. Its test: `sh test.sh`.\n";
const CHECKS: &str = "[checks]\ntest = \"sh test.sh\"\n";
const AUTHOR: &str = "Sample Author";
const EMAIL: &str = "sample@example.com";
const DATE: &str = "2026-01-01T12:00:00+00:00";

/// What can go wrong while the repository is made.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("cannot write the sample repository")]
    Io(#[from] std::io::Error),
    #[error("`git {verb}` failed: {said}")]
    Git { verb: String, said: String },
}

/// Makes the repository at `path` (created if absent, must be empty) with one commit on `main`. The commit's id is
/// the same everywhere.
pub fn make(path: &Path) -> Result<(), SampleError> {
    std::fs::create_dir_all(path)?;
    for (name, content) in
        [("greet.sh", BROKEN), ("test.sh", TEST), ("README.md", README), (".devtask.toml", CHECKS)]
    {
        std::fs::write(path.join(name), content)?;
    }
    git(path, &["init", "--quiet", "--initial-branch=main"])?;
    git(path, &["add", "--all"])?;
    git(path, &["commit", "--quiet", "--no-gpg-sign", "--message=Greet people"])
}

fn git(path: &Path, args: &[&str]) -> Result<(), SampleError> {
    let output = Command::new("git")
        .args(["-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", "-c", "core.fileMode=false"])
        .args(args)
        .current_dir(path)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", AUTHOR), ("GIT_AUTHOR_EMAIL", EMAIL), ("GIT_AUTHOR_DATE", DATE)])
        .envs([("GIT_COMMITTER_NAME", AUTHOR), ("GIT_COMMITTER_EMAIL", EMAIL), ("GIT_COMMITTER_DATE", DATE)])
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(SampleError::Git { verb: args.first().copied().unwrap_or_default().to_owned(), said })
}

/// Whether this folder is the sample repository, not yet repaired.
pub fn is_here(folder: &Path) -> bool {
    std::fs::read_to_string(folder.join("greet.sh")).is_ok_and(|text| text == BROKEN)
        && folder.join("test.sh").is_file()
}

/// The scripted agent's own story for this repository.
pub fn repair() -> Vec<Step> {
    vec![
        Step::say("I will run the test first, to see what is wrong."),
        Step::run("sh test.sh"),
        Step::say("The greeting lacks its comma, and nobody is greeted without a name. I will repair both."),
        Step::write("greet.sh", REPAIRED),
        Step::run("sh test.sh"),
        Step::text("greet.sh greets as the test wants it. The test says:\n\n{{last_tool_result}}"),
    ]
}

#[cfg(test)]
mod tests;
