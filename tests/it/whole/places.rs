//! A real repository with a real history: this project's own, cloned beside the test.
//!
//! As a path without a forge the work ends in a branch there, and the checkout is not touched; on the forge it ends in a
//! pull request. Where the tests do not run from a git checkout, that is said.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use devtask::domain::session::Status;
use devtask::workbench::sample;
use devtask::workbench::script::{Script, Step};
use sha2::{Digest, Sha256};

use super::house::{House, Rules, finish};
use crate::figures;

/// Runs git and gives what it printed.
fn git(at: &Path, args: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(at).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A full clone of this project at `to`, on a branch `main`, or `None` where there is no history to clone.
fn clone(to: &Path) -> Option<PathBuf> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shallow =
        Command::new("git").arg("-C").arg(from).args(["rev-parse", "--is-shallow-repository"]).output();
    let whole = shallow.is_ok_and(|o| o.status.success() && o.stdout.starts_with(b"false"));
    if !from.join(".git").exists() || !whole {
        figures::skipped("the real repository: the tests do not run from a whole git checkout");
        return None;
    }
    let to_text = to.to_string_lossy();
    git(from, &["clone", "--quiet", "--no-local", "--single-branch", "--", ".", &to_text]);
    git(to, &["checkout", "--quiet", "-B", "main"]);
    // Where it came from is no place to push to.
    git(to, &["remote", "remove", "origin"]);
    Some(to.to_owned())
}

/// What may appear in somebody's repository: the branch and its reflog, the attempt's mark, the objects they name.
const OURS: [&str; 4] =
    [".git/objects", ".git/refs/heads/devtask", ".git/logs/refs/heads/devtask", ".git/refs/devtask"];

/// Every entry of a checkout with its `.git`: name, mode, and what a file or link holds, to the byte.
fn checkout(at: &Path) -> BTreeMap<String, String> {
    let (mut entries, mut folders) = (BTreeMap::new(), vec![at.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = std::fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(at).unwrap().to_str().unwrap().to_owned();
            let holds = if meta.is_dir() {
                folders.push(path);
                "folder".to_owned()
            } else if meta.is_symlink() {
                format!("-> {}", std::fs::read_link(&path).unwrap().display())
            } else {
                format!("{:x?}", Sha256::digest(std::fs::read(&path).unwrap()).as_slice())
            };
            entries.insert(name, format!("{:o} {holds}", meta.mode()));
        }
    }
    entries
}

/// Not a byte of what was there has changed, and what is new is ours.
fn assert_untouched(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
    for (name, was) in before {
        assert_eq!(after.get(name), Some(was), "`{name}` was touched");
    }
    let new = after.keys().filter(|name| !before.contains_key(*name));
    let strange: Vec<_> =
        new.filter(|name| !OURS.iter().any(|ours| Path::new(name).starts_with(ours))).collect();
    assert!(strange.is_empty(), "left behind: {strange:?}");
}

/// A file that is new, one that is staged, one that is changed, one put away, a hook and a script.
fn in_the_middle_of_something(repo: &Path) {
    let me = ["-c", "user.name=Ana", "-c", "user.email=ana@example.com"];
    std::fs::write(repo.join("README.md"), "put away\n").unwrap();
    git(repo, &[&me[..], &["stash", "push", "--quiet"]].concat());
    std::fs::write(repo.join("README.md"), "changed\n").unwrap();
    std::fs::write(repo.join("staged.txt"), "staged\n").unwrap();
    git(repo, &["add", "--", "staged.txt"]);
    std::fs::write(repo.join("unsaved.txt"), "new\n").unwrap();
    let hook = repo.join(".git/hooks/post-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\ntouch hooked\n").unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Leaves a file behind; the checks of the brief look for it, since the project's own take minutes.
fn script() -> Script {
    Script::of(vec![
        Step::write("docs/whole.md", "# Whole\n\nWritten by a session.\n"),
        Step::text("Written."),
    ])
}

#[tokio::test]
async fn work_on_a_path_without_a_forge_ends_in_a_branch_and_leaves_the_checkout_alone() {
    let mut house = House::open(Rules::default()).await;
    let Some(repo) = clone(&house.dir.path().join("project")) else {
        house.end().await;
        return;
    };
    in_the_middle_of_something(&repo);
    let before = checkout(&repo);
    let id = house.create_checked(&repo.to_string_lossy(), script(), &["test -f docs/whole.md"]).await;
    let done = house.until(id, "is done", |s| s.status == Status::Done).await;
    house.told(id).await;
    assert_untouched(&before, &checkout(&repo));
    assert_eq!(done.pull_request, None);
    let branch = done.branch.unwrap();
    assert_eq!(Some(git(&repo, &["rev-parse", &format!("refs/heads/{branch}")])), done.pushed_sha);
    assert_eq!(git(&repo, &["diff", "--name-only", "main", &branch]), "docs/whole.md");
    assert!(done.evidence.iter().all(|e| e.exit_code == Some(0)) && !done.evidence.is_empty());
    house.end().await;
}

#[tokio::test]
async fn work_on_the_same_repository_on_a_forge_ends_in_a_pull_request() {
    let mut house = House::open(Rules::default()).await;
    let Some(repo) = clone(&house.dir.path().join("project")) else {
        house.end().await;
        return;
    };
    house.forge.create_repo("demo", "project", Some(&repo)).await.unwrap();
    let id = house.create_checked("demo/project", script(), &["test -f docs/whole.md"]).await;
    house.done(id).await;
    let pulls = house.forge.pulls().await.unwrap();
    assert!(pulls[0].diff.contains("+Written by a session."), "{}", pulls[0].diff);
    assert!(pulls[0].body.contains("test -f docs/whole.md"), "{}", pulls[0].body);
    house.end().await;
}

#[tokio::test]
async fn what_the_agent_left_that_cannot_be_committed_goes_back_to_it() {
    let mut house = House::open(Rules::default()).await;
    let mut first = vec![Step::run("git init -q inner"), Step::write("inner/a.txt", "a\n")];
    first.extend(finish());
    let second = vec![Step::run("rm -rf inner"), Step::text("Removed.")];
    let id = house.create_on("demo/sample", Script { rounds: vec![first, second] }).await;
    let done = house.done(id).await;
    assert_eq!(done.attempt.0, 1);
    let seen = house.seen(id);
    assert_eq!(
        (seen.count("agent.turn_ended"), seen.count("check.ended")),
        (2, 1),
        "checked when it was whole"
    );
    house.end().await;
}

#[tokio::test]
async fn set_up_commands_have_run_when_the_agent_begins() {
    let mut house = House::open(Rules::default()).await;
    let repo = house.dir.path().join("fresh");
    sample::make(&repo).unwrap();
    let toml = "[setup]\nrun = ['sh setup.sh']\n[checks]\ntest = 'sh test.sh'\n";
    for (name, text) in
        [(".devtask.toml", toml), ("setup.sh", "echo all set >> made\n"), (".gitignore", "made\n")]
    {
        std::fs::write(repo.join(name), text).unwrap();
    }
    git(&repo, &["add", "--all"]);
    let me = ["-c", "user.name=Ana", "-c", "user.email=ana@example.com"];
    git(&repo, &[&me[..], &["commit", "--quiet", "--no-gpg-sign", "--message=Set up"]].concat());
    house.forge.create_repo("demo", "fresh", Some(&repo)).await.unwrap();
    let mut steps = vec![Step::run("cat made"), Step::say("{{last_tool_result}}")];
    steps.extend(finish());
    let id = house.create_on("demo/fresh", Script::of(steps)).await;
    house.done(id).await;
    assert!(house.seen(id).said().contains(&"all set"), "{:?}", house.seen(id).said());
    house.end().await;
}
