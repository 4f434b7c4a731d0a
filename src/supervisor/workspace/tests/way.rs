//! From a clone to a push, also after crashes and beside others.

use super::*;

#[tokio::test]
async fn the_whole_way_leaves_a_persons_checkout_untouched() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    write(&repo, "README.md", "being edited\n");
    write(&repo, "untracked", "x\n");
    let before = checkout(&repo);
    let mut given = attempt(&repo, 1);
    given.mirrors = Some(yard.path("mirrors"));
    let w = prepared(&given, &yard.path("home")).await;
    assert_eq!(w.branch(), "devtask/142-fix-login");
    assert_eq!(w.base(), "main");
    assert!(w.notes()[0].contains("not committed"), "{:?}", w.notes());
    assert!(!w.changed().await.unwrap());
    write(&w.path(), "new.txt", "work\n");
    w.checkpoint().await.unwrap();
    let made = w.commit_all("Fix login").await.unwrap().unwrap();
    assert!(w.changed().await.unwrap());
    let pushed = w.push().await.unwrap();
    assert_eq!(pushed.sha, made.to_string());
    assert_eq!(sha(&repo, "devtask/142-fix-login"), pushed.sha);
    assert_eq!(sha(&repo, "devtask/142-fix-login^{tree}"), pushed.tree);
    assert!(w.is_safe().await.unwrap());
    assert_eq!(checkout(&repo), before);
    let who = run(&repo, &["log", "-1", "--format=%an %ae %cn", "devtask/142-fix-login"]);
    assert_eq!(who, "Ana ana@example.com DevTask");
}

#[tokio::test]
async fn a_checkpoint_holds_untracked_files_and_leaves_index_and_head_alone() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let w = prepared(&attempt(&bare, 1), &yard.path("home")).await;
    let work = w.path();
    write(&work, ".gitignore", "ignored\n");
    write(&work, "staged", "1\n");
    run(&work, &["add", "staged"]);
    write(&work, "staged", "2\n");
    write(&work, "deep/er/untracked", "3\n");
    write(&work, "ignored", "4\n");
    std::fs::remove_file(work.join("README.md")).unwrap();
    let before = everything(&work);
    let saved = w.checkpoint().await.unwrap();
    assert_eq!(everything(&work), before);
    assert!(saved.missed.is_empty());
    let files = run(&bare, &["ls-tree", "-r", "--name-only", "refs/devtask/wip/142"]);
    assert_eq!(files, ".gitignore\ndeep/er/untracked\nstaged");
    assert_eq!(run(&bare, &["show", "refs/devtask/wip/142:staged"]), "2");
    assert!(w.is_safe().await.unwrap());
    assert_eq!(w.checkpoint().await.unwrap(), saved, "nothing new: nothing pushed");
    write(&work, "later", "5\n");
    assert!(!w.is_safe().await.unwrap());
}

#[tokio::test]
async fn work_that_was_never_pushed_survives_its_node() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let w = prepared(&attempt(&bare, 1), &yard.path("one")).await;
    let work = w.path();
    write(&work, "committed", "1\n");
    let local = commit(&work, "a commit nobody pushed");
    run(&work, &["checkout", "-q", "-b", "side"]);
    write(&work, "side", "2\n");
    let side = commit(&work, "on a branch of the agent's own");
    run(&work, &["checkout", "-q", w.branch()]);
    write(&work, "loose", "3\n");
    w.checkpoint().await.unwrap();
    assert!(w.is_safe().await.unwrap());
    std::fs::remove_dir_all(yard.path("one")).unwrap();

    let mut next = attempt(&bare, 2);
    next.branch = Some(w.branch().to_owned());
    next.base_sha = Some(w.base_sha().to_owned());
    let w = prepared(&next, &yard.path("two")).await;
    assert_eq!(w.head().await.unwrap().as_str(), local);
    assert_eq!(std::fs::read_to_string(w.path().join("loose")).unwrap(), "3\n");
    assert_eq!(run(&w.path(), &["status", "--porcelain"]), "?? loose");
    assert_eq!(sha(&w.path(), "refs/devtask/saved/1"), side);
    let pushed = w.push().await.unwrap();
    assert_eq!(pushed.sha, local);
}

#[tokio::test]
async fn a_clone_that_is_there_is_gone_on_with() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let home = yard.path("home");
    let w = prepared(&attempt(&bare, 1), &home).await;
    write(&w.path(), "half done", "x\n");
    let mut next = attempt(&bare, 2);
    next.branch = Some(w.branch().to_owned());
    let before = everything(&w.path());
    let again = prepared(&next, &home).await;
    assert_eq!(everything(&again.path()), before);
    assert_eq!((again.branch(), again.base_sha()), (w.branch(), w.base_sha()));
}

#[tokio::test]
async fn a_name_that_others_have_gets_a_number() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    run(&repo, &["branch", "devtask/142-fix-login"]);
    run(&repo, &["branch", "devtask/142-fix-login-2"]);
    let w = prepared(&attempt(&repo, 1), &yard.path("home")).await;
    assert_eq!(w.branch(), "devtask/142-fix-login-3");
    let mut other = attempt(&repo, 1);
    other.new.mark = Uuid::from_u128(8);
    let other = prepared(&other, &yard.path("other")).await;
    assert_eq!(other.branch(), "devtask/142-fix-login-4");
    write(&w.path(), "a", "a");
    write(&other.path(), "b", "b");
    w.checkpoint().await.unwrap();
    other.checkpoint().await.unwrap();
    assert_eq!(run(&repo, &["for-each-ref", "--format=%(refname)", "refs/devtask/wip"]).lines().count(), 2);
}

#[tokio::test]
async fn a_crash_before_the_branch_was_reported_makes_no_second_one() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let first = prepared(&attempt(&bare, 1), &yard.path("one")).await;
    let again = prepared(&attempt(&bare, 1), &yard.path("one")).await;
    let elsewhere = prepared(&attempt(&bare, 2), &yard.path("two")).await;
    assert_eq!(first.branch(), again.branch());
    assert_eq!(first.branch(), elsewhere.branch());
    assert_eq!(run(&bare, &["for-each-ref", "refs/heads/devtask"]).lines().count(), 1);
}

#[tokio::test]
async fn an_attempt_that_was_overtaken_cannot_push_or_save() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let old = prepared(&attempt(&bare, 1), &yard.path("one")).await;
    let mut next = attempt(&bare, 2);
    next.branch = Some(old.branch().to_owned());
    let new = prepared(&next, &yard.path("two")).await;
    write(&old.path(), "late", "x");
    commit(&old.path(), "late");
    let before = run(&bare, &["for-each-ref"]);
    for refused in [old.push().await.map(drop), old.checkpoint().await.map(drop)] {
        let is = matches!(refused, Err(WorkspaceError::Fenced { ours: Attempt(1), newer: Attempt(2) }));
        assert!(is, "{refused:?}");
    }
    assert_eq!(run(&bare, &["for-each-ref"]), before);
    let back = prepare(&attempt(&bare, 1), &yard.path("three")).await;
    assert!(matches!(back, Err(WorkspaceError::Fenced { .. })));
    write(&new.path(), "mine", "x");
    new.commit_all("mine").await.unwrap();
    new.push().await.unwrap();
}

#[tokio::test]
async fn commits_of_others_are_brought_in_and_never_pushed_over() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    let bare = yard.bare(&repo, "b.git");
    let w = prepared(&attempt(&bare, 1), &yard.path("home")).await;
    write(&w.path(), "mine", "x\n");
    w.commit_all("mine").await.unwrap();
    w.push().await.unwrap();

    run(&repo, &["fetch", "-q", bare.to_str().unwrap(), w.branch()]);
    run(&repo, &["checkout", "-q", "FETCH_HEAD"]);
    write(&repo, "theirs", "y\n");
    let theirs = commit(&repo, "a reviewer's");
    run(&repo, &["push", "-q", bare.to_str().unwrap(), &format!("HEAD:{}", w.branch())]);

    write(&w.path(), "mine", "more\n");
    w.commit_all("more").await.unwrap();
    assert!(matches!(w.push().await, Err(WorkspaceError::Diverged { .. })));
    assert_eq!(sha(&bare, w.branch()), theirs);
    run(&w.path(), &["merge", "-q", "--no-edit", &format!("origin/{}", w.branch())]);
    let pushed = w.push().await.unwrap();
    assert_eq!(run(&bare, &["merge-base", &pushed.sha, &theirs]), theirs);
}

#[tokio::test]
async fn history_the_agent_rewrote_is_pushed_over_our_own() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let w = prepared(&attempt(&bare, 1), &yard.path("home")).await;
    write(&w.path(), "a", "1\n");
    w.commit_all("first try").await.unwrap();
    w.push().await.unwrap();
    run(&w.path(), &["commit", "-q", "--amend", "-m", "better"]);
    let pushed = w.push().await.unwrap();
    assert_eq!(run(&bare, &["log", "-1", "--format=%s", &pushed.sha]), "better");
}

#[tokio::test]
async fn a_push_whose_answer_was_lost_is_taken_up() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let w = prepared(&attempt(&bare, 1), &yard.path("home")).await;
    write(&w.path(), "a", "1\n");
    w.commit_all("a").await.unwrap();
    let old = w.remote.lock().await.clone();
    w.push().await.unwrap();
    *w.remote.lock().await = old;
    write(&w.path(), "b", "2\n");
    w.checkpoint().await.unwrap();
    w.commit_all("b").await.unwrap();
    let pushed = w.push().await.unwrap();
    assert_eq!(sha(&bare, w.branch()), pushed.sha);
}

#[tokio::test]
async fn checks_get_the_committed_tree_and_keep_what_is_ignored() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let w = prepared(&attempt(&bare, 1), &yard.path("home")).await;
    write(&w.path(), ".gitignore", "target\n");
    w.commit_all("ignore").await.unwrap();
    write(&w.path(), "uncommitted", "x\n");
    let (folder, tree) = w.export().await.unwrap();
    assert_eq!(tree, w.tree().await.unwrap());
    assert!(!folder.join("uncommitted").exists());
    assert_eq!(run(&folder, &["status", "--porcelain"]), "");
    write(&folder, "target/cache", "kept\n");
    write(&folder, "litter", "goes\n");
    write(&folder, "README.md", "changed by a check\n");
    w.commit_all("more").await.unwrap();
    w.export().await.unwrap();
    assert!(folder.join("target/cache").exists() && folder.join("uncommitted").exists());
    assert!(!folder.join("litter").exists());
    assert_eq!(std::fs::read_to_string(folder.join("README.md")).unwrap(), "hello\n");
}
