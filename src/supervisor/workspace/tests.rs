//! Laws of the workspace, with the real git on real folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use uuid::Uuid;

use super::{Credentials, Workspace, WorkspaceError};
use crate::domain::limits::{Limits, Policy};
use crate::domain::session::NewSession;
use crate::domain::{Actor, Attempt, SessionId, brief::Brief};
use crate::git::fixture::{Yard, commit, everything, run, write};
use crate::wire::run::{AgentRun, Person, Remote, Run, Sandbox};

/// For remotes that ask nobody.
#[derive(Clone, Copy, Debug)]
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn lend(&self) -> BoxFuture<'_, Option<SecretString>> {
        Box::pin(std::future::ready(None))
    }
}

/// An attempt on session 142 of a repository.
pub(crate) fn attempt(repo: &Path, number: u32) -> Run {
    let new = NewSession {
        id: SessionId::new(142).unwrap(),
        mark: Uuid::from_u128(7),
        owner: Actor::Person("local/ana".into()),
        brief: Brief { title: "Fix login".into(), goal: "Fix login".into(), ..Brief::default() },
        repo: repo.to_str().unwrap().parse().unwrap(),
        base: None,
        provider: "local".into(),
        agent: "claude".into(),
        model: None,
        effort: None,
        plan: false,
        priority: 0,
        labels: Vec::new(),
        branch_pattern: "devtask/{task_id}-{task_slug}".into(),
        require_approval_for: Vec::new(),
        limits: Limits::default(),
        policy: Policy::default(),
    };
    Run {
        conversation: new.conversation(),
        new,
        attempt: Attempt(number),
        instance: "test".into(),
        remote: Remote { url: repo.to_str().unwrap().into(), needs_credential: false },
        mirrors: None,
        branch: None,
        base_sha: None,
        resume: false,
        agent: AgentRun { command: Vec::new(), env: std::collections::BTreeMap::new() },
        sandbox: Sandbox { bubblewrap: None, hide: Vec::new() },
        author: Person { name: "Ana".into(), email: "ana@example.com".into() },
    }
}

async fn prepare(run: &Run, home: &Path) -> Result<Workspace, WorkspaceError> {
    std::fs::create_dir_all(home).unwrap();
    Workspace::prepare(run, home, Arc::new(NoCredentials)).await
}

async fn prepared(run: &Run, home: &Path) -> Workspace {
    prepare(run, home).await.unwrap_or_else(|e| panic!("{e}: {:?}", std::error::Error::source(&e)))
}

fn sha(repo: &Path, name: &str) -> String {
    run(repo, &["rev-parse", name])
}

/// What a person would notice: files, index, `HEAD`, their own branches, configuration.
fn checkout(repo: &Path) -> std::collections::BTreeMap<PathBuf, String> {
    let ours =
        [".git/objects", ".git/refs/devtask", ".git/refs/heads/devtask", ".git/logs/refs/heads/devtask"]
            .map(|p| repo.join(p));
    let mut all = everything(repo);
    all.retain(|path, _| !ours.iter().any(|o| path.starts_with(o)));
    all
}

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
