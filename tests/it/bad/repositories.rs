//! Repositories that cannot be worked on, and a dirty checkout that can.

use std::path::PathBuf;

use devtask::domain::session::Status;
use insta::assert_snapshot;
use serde_json::json;

use super::house::{House, git};

impl House {
    /// A checkout of Ana's with one commit.
    fn checkout(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir(&path).unwrap();
        git(&path, &["init", "-q"]);
        std::fs::write(path.join("README.md"), "# Hello\n").unwrap();
        git(&path, &["add", "."]);
        git(&path, &["commit", "-qm", "first"]);
        path
    }
}

#[tokio::test]
async fn a_repository_that_gives_nothing_to_start_from_fails_its_session() {
    let house = House::open().await;
    let empty = house.path("empty");
    std::fs::create_dir(&empty).unwrap();
    git(&empty, &["init", "-q"]);
    house.forge.create_repo("acme", "void", None).await.unwrap();
    let whole = house.checkout("whole");
    std::fs::write(whole.join("README.md"), "# Hello again\n").unwrap();
    git(&whole, &["commit", "-qam", "second"]);
    let url = format!("file://{}", whole.display());
    git(&house.path(""), &["clone", "-q", "--depth", "1", &url, "shallow"]);
    let hollow = house.checkout("hollow");
    std::fs::remove_dir_all(hollow.join(".git/refs")).unwrap();

    let ids = [
        house.made(json!({ "repo": empty })).await,
        house.made(json!({ "repo": "acme/void" })).await,
        house.made(json!({ "repo": house.path("shallow") })).await,
        house.made(json!({ "base": "no-such-branch" })).await,
        house.made(json!({ "repo": whole, "base": "no-such-branch" })).await,
        house.made(json!({ "repo": hollow })).await,
    ];
    let mut said = Vec::new();
    for id in ids {
        said.push(house.failure(id, 1).await);
    }
    assert_snapshot!(said.join("\n"), @"
    <dir>/empty has no commit yet, so there is nothing to start from (push a first commit, even an empty README)
    http://forge/acme/void.git has no commit yet, so there is nothing to start from (push a first commit, even an empty README)
    <dir>/shallow is a shallow clone: its history is cut off (run `git fetch --unshallow` there, or name the repository it was cloned from)
    http://forge/acme/greet.git has no branch `no-such-branch` (say another base, or none for the default branch)
    <dir>/whole has no branch `no-such-branch` (say another base, or none for the default branch)
    <dir>/hollow is no git repository (say the path of a folder with a `.git` in it, or of a bare repository)
    ");
    house.still_works().await;
}

#[tokio::test]
async fn a_dirty_checkout_is_worked_from_and_not_touched() {
    let house = House::open().await;
    let path = house.checkout("dirty");
    std::fs::write(path.join("README.md"), "# Half a thought\n").unwrap();
    std::fs::write(path.join("notes.txt"), "mine\n").unwrap();
    git(&path, &["add", "README.md"]);
    std::fs::write(path.join("README.md"), "# Half a thought more\n").unwrap();
    let look = || {
        let index = std::fs::read(path.join(".git/index")).unwrap();
        let files = ["README.md", "notes.txt"].map(|f| std::fs::read(path.join(f)).unwrap());
        (git(&path, &["diff", "HEAD"]), git(&path, &["rev-parse", "HEAD", "main"]), index, files)
    };
    let before = look();
    let view = house.settled(house.made(json!({ "repo": path })).await).await;
    assert_eq!(view.status, Status::Done, "{view:#?}");
    let branch = view.branch.unwrap();
    let log = git(&path, &["log", "--format=%s", &format!("main..{branch}")]);
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(
        !git(&path, &["ls-tree", "--name-only", &branch]).contains("notes.txt"),
        "what is not committed stays here"
    );
    assert_eq!(git(&path, &["branch", "--show-current"]), "main");
    assert!(look() == before, "the checkout is as it was");
    house.still_works().await;
}
