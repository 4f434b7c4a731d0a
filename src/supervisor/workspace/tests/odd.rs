//! Repositories that cannot be worked on, and clones that an agent bent.

use super::*;

#[tokio::test]
async fn a_branch_that_a_person_checked_out_is_not_moved() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    let w = prepared(&attempt(&repo, 1), &yard.path("home")).await;
    run(&repo, &["checkout", "-q", w.branch()]);
    write(&w.path(), "a", "1\n");
    w.commit_all("a").await.unwrap();
    let before = checkout(&repo);
    let e = w.push().await.unwrap_err();
    assert!(matches!(e, WorkspaceError::CheckedOut { .. }), "{e:?}");
    assert!(e.hint().is_some());
    assert_eq!(checkout(&repo), before);
    assert!(w.checkpoint().await.is_ok(), "the work is safe all the same");
}

#[tokio::test]
async fn what_cannot_be_worked_on_is_said_in_a_sentence() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    commit(&repo, "second");
    std::fs::create_dir(yard.path("plain")).unwrap();
    run(&yard.path(""), &["init", "-q", "empty"]);
    let url = format!("file://{}", repo.display());
    run(&yard.path(""), &["clone", "-q", "--depth", "1", &url, "shallow"]);
    let mut unknown = attempt(&repo, 1);
    unknown.new.base = Some("nope".into());
    let mut option = attempt(&repo, 1);
    option.new.base = Some("--upload-pack=touch x".into());
    let mut said = Vec::new();
    for (n, run) in [
        attempt(&yard.path("absent"), 1),
        attempt(&yard.path("plain"), 1),
        attempt(&yard.path("empty"), 1),
        attempt(&yard.path("shallow"), 1),
        unknown,
        option,
    ]
    .into_iter()
    .enumerate()
    {
        let e = prepare(&run, &yard.path(&format!("home{n}"))).await.unwrap_err();
        said.push(e.to_string().replace(yard.path("").to_str().unwrap(), "…/"));
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    there is no folder …/absent
    …/plain is no git repository
    …/empty has no commit yet, so there is nothing to start from
    …/shallow is a shallow clone: its history is cut off
    …/r has no branch `nope`
    `--upload-pack=touch x` is no branch name: it holds a space, a control character or one of ~^:?*[\
    ");
}

#[tokio::test]
async fn nothing_the_agent_writes_to_its_clone_is_run_by_us() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let w = prepared(&attempt(&bare, 1), &yard.path("home")).await;
    let work = w.path();
    let marker = yard.path("MARKER");
    let touch = format!("touch {}", marker.display());
    write(&work, ".gitattributes", "* filter=evil diff=evil merge=evil\n");
    write(&work, "a", "1\n");
    for (key, value) in [
        ("filter.evil.clean", touch.as_str()),
        ("filter.evil.smudge", &touch),
        ("filter.evil.process", &touch),
        ("filter.evil.required", "true"),
        ("core.fsmonitor", &touch),
        ("core.sshCommand", &touch),
        ("core.alternateRefsCommand", &touch),
        ("core.gitProxy", &touch),
        ("credential.helper", &format!("!{touch}")),
        ("diff.external", &touch),
        ("remote.origin.receivepack", &touch),
        ("remote.origin.uploadpack", &touch),
        ("core.worktree", yard.path("").to_str().unwrap()),
    ] {
        run(&work, &["config", key, value]);
    }
    run(&work, &["config", &format!("url.ext::sh -c {touch}.insteadOf"), bare.to_str().unwrap()]);
    for hook in
        ["pre-commit", "commit-msg", "post-commit", "pre-push", "reference-transaction", "post-index-change"]
    {
        write(&work.join(".git/hooks"), hook, &format!("#!/bin/sh\n{touch}\n"));
        let path = work.join(".git/hooks").join(hook);
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    assert!(w.is_dirty().await.unwrap());
    w.checkpoint().await.unwrap();
    w.commit_all("a").await.unwrap().unwrap();
    w.push().await.unwrap();
    w.export().await.unwrap();
    assert!(w.is_safe().await.unwrap());
    let mut next = attempt(&bare, 2);
    next.branch = Some(w.branch().to_owned());
    prepared(&next, &yard.path("home")).await;
    assert!(!marker.exists());
}

#[tokio::test]
async fn a_git_folder_that_was_bent_is_refused() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let w = prepared(&attempt(&bare, 1), &yard.path("home")).await;
    let (dot, aside) = (w.path().join(".git"), w.path().join("aside"));
    std::fs::rename(&dot, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &dot).unwrap();
    for refused in
        [w.push().await.map(drop), w.checkpoint().await.map(drop), w.commit_all("x").await.map(drop)]
    {
        assert!(matches!(refused, Err(WorkspaceError::Bent { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_merge_under_way_is_not_flattened() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let w = prepared(&attempt(&bare, 1), &yard.path("home")).await;
    write(&w.path().join(".git"), "MERGE_HEAD", w.base_sha());
    write(&w.path(), "a", "1\n");
    let e = w.commit_all("x").await.unwrap_err();
    assert_eq!(e.wants().unwrap(), "the agent left a merge unfinished; finish or abort that");
}

#[tokio::test]
async fn a_repository_inside_the_work_does_not_stop_a_checkpoint_and_is_told() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let w = prepared(&attempt(&bare, 1), &yard.path("home")).await;
    write(&w.path(), "a", "1\n");
    run(&w.path(), &["init", "-q", "inner"]);
    write(&w.path(), "inner/b", "2\n");
    let saved = w.checkpoint().await.unwrap();
    assert!(!saved.missed.is_empty());
    assert!(run(&bare, &["ls-tree", "--name-only", saved.sha.as_str()]).contains('a'));
    assert!(!w.is_safe().await.unwrap(), "what is not on the remote is not safe");
    commit(&w.path().join("inner"), "inner");
    for _ in 0..2 {
        w.checkpoint().await.unwrap();
        assert!(!w.is_safe().await.unwrap(), "its name alone is not its content");
    }
    assert!(matches!(w.commit_all("x").await, Err(WorkspaceError::Uncommittable(_))));
}

#[tokio::test]
async fn a_damaged_index_of_ours_is_made_again() {
    let yard = Yard::new();
    let bare = yard.bare(&yard.repo("r"), "b.git");
    let home = yard.path("home");
    let w = prepared(&attempt(&bare, 1), &home).await;
    write(&w.path(), "a", "1\n");
    w.checkpoint().await.unwrap();
    write(&home, "git/work.index", "no index");
    write(&home, "git/work.index.lock", "");
    write(&w.path(), "b", "2\n");
    w.checkpoint().await.unwrap();
    assert_eq!(run(&bare, &["show", "refs/devtask/wip/142:b"]), "2");
}
