//! Laws of the git room, with the real git.

mod credential;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use secrecy::SecretString;

use super::credential::Lent;
use super::error::classify;
use super::fixture::{Yard, commit, everything, run, write};
use super::{BranchName, Failure, GitError, Identity, Lease, Mirror, Push, RefName, RemoteUrl, Sha};

const HOSTILE: [&str; 18] = [
    "--upload-pack=touch x",
    "-c",
    "ext::sh -c touch% x",
    "a..b",
    "a b",
    "a\nb",
    "a\0b",
    "a\u{7}",
    "",
    ".hidden/x",
    "a/.x",
    "a.lock",
    "a//b",
    "a/",
    "@",
    "a@{1}",
    "x/-y",
    "a~1",
];

#[test]
fn hostile_names_are_no_names() {
    for text in HOSTILE {
        assert!(text.parse::<BranchName>().is_err(), "{text:?}");
        assert!(text == "@" || format!("refs/heads/{text}").parse::<RefName>().is_err(), "{text:?}");
        assert!(text.parse::<Sha>().is_err(), "{text:?}");
        assert!(text.parse::<RemoteUrl>().is_err(), "{text:?}");
    }
    assert!("HEAD".parse::<BranchName>().is_err());
    assert!("a".repeat(201).parse::<BranchName>().is_err());
}

#[test]
fn only_https_loopback_http_and_absolute_paths_are_remotes() {
    for good in
        ["https://github.com/o/n.git", "http://127.0.0.1:80/o/n", "http://[::1]:1/x", "/srv/x", "file:///x"]
    {
        good.parse::<RemoteUrl>().unwrap_or_else(|e| panic!("{good}: {e}"));
    }
    for bad in [
        "http://example.com/x",
        "http://localhost.example.com/x",
        "https://user:secret@github.com/o/n",
        "https://github.com/../x",
        "https://github.com/o/n?x",
        "ssh://git@github.com/o/n",
        "git@github.com:o/n",
        "relative/path",
        "/a/../b",
        "ext::sh",
        "fd::3",
        "https:///x",
    ] {
        assert!(bad.parse::<RemoteUrl>().is_err(), "{bad}");
    }
}

proptest! {
    /// Whatever a name is, the argument made from it is one word that git cannot take for an option or a transport.
    #[test]
    fn a_name_that_is_accepted_is_safe_in_an_argument(text in "[-a-zA-Z0-9./:@{}~^*?\\[\\\\ \\t\\n\\x00\\x7f=ü]{0,24}") {
        if let Ok(name) = text.parse::<BranchName>() {
            let arg = name.as_str();
            prop_assert!(!arg.starts_with('-') && !arg.contains("..") && !arg.contains(':'));
            prop_assert!(arg.chars().all(|c| !c.is_control() && !c.is_whitespace()));
            prop_assert!(name.to_ref().as_str().parse::<RefName>().is_ok());
        }
        if let Ok(url) = text.parse::<RemoteUrl>() {
            let arg = url.as_arg().to_str().unwrap();
            prop_assert!(arg.starts_with('/') || arg.starts_with("http"));
            prop_assert!(!arg.contains("::") || arg.starts_with('/'));
        }
    }

    /// What we call a branch git calls one too.
    #[test]
    fn git_accepts_every_branch_name_we_accept(text in "[a-z./@{-]{1,12}") {
        if let Ok(name) = text.parse::<BranchName>() {
            let mut git = std::process::Command::new("git");
            let out = git.args(["check-ref-format", name.to_ref().as_str()]).output().unwrap();
            prop_assert!(out.status.success(), "{}", name);
        }
    }
}

#[test]
fn an_identity_cannot_forge_another() {
    let who = Identity::new("Ana <root@x>\nevil", "a@b>\n");
    assert_eq!((who.name.as_str(), who.email.as_str()), ("Ana root@xevil", "a@b"));
    assert_eq!(Identity::new(" <> ", "").name, "unknown");
}

#[tokio::test]
async fn a_remote_says_its_default_branch_and_refs() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    let url: RemoteUrl = repo.to_str().unwrap().parse().unwrap();
    let heads = yard.git().ls_remote(&url, &[], None).await.unwrap();
    assert_eq!(heads.default.unwrap().as_str(), "main");
    assert_eq!(heads.refs.len(), 1);
}

#[tokio::test]
async fn what_is_no_repository_is_said() {
    let yard = Yard::new();
    std::fs::create_dir(yard.path("plain")).unwrap();
    let url: RemoteUrl = yard.path("plain").to_str().unwrap().parse().unwrap();
    let e = yard.git().ls_remote(&url, &[], None).await.unwrap_err();
    assert_eq!(e.failure(), Some(&Failure::NotARepository));
}

#[test]
fn failures_are_told_apart() {
    let said = |text: &str| classify(text);
    assert_eq!(said("fatal: Authentication failed for 'https://x/'"), Failure::Auth);
    assert_eq!(said("remote: Repository not found.\nfatal: repository 'x' not found"), Failure::NoRepository);
    assert_eq!(said("fatal: unable to access 'x': Could not resolve host: x"), Failure::Network);
    assert_eq!(said("! a:b [rejected] (stale info)"), Failure::Stale);
    let refused = "remote: GH013: no secrets, please\n! x:refs/heads/x\t[remote rejected] (push declined)";
    assert_eq!(said(refused), Failure::Rejected("push declined; GH013: no secrets, please".to_owned()));
}

#[tokio::test]
async fn a_push_is_all_or_nothing_and_only_from_where_it_was_seen() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    let bare = yard.bare(&repo, "b.git");
    let url: RemoteUrl = bare.to_str().unwrap().parse().unwrap();
    let place = yard.git().clone_at(&repo);
    let old = place.head().await.unwrap().unwrap();
    let new: Sha = commit(&repo, "second").parse().unwrap();
    let push = |name: &str, lease: Lease| Push { name: name.parse().unwrap(), to: Some(new.clone()), lease };

    let wrong = [push("refs/heads/a", Lease::Absent), push("refs/heads/main", Lease::Absent)];
    let e = place.push(&url, &wrong, None).await.unwrap_err();
    assert_eq!(e.failure(), Some(&Failure::Stale));
    assert_eq!(run(&bare, &["for-each-ref", "refs/heads/a"]), "");

    let right = [push("refs/heads/a", Lease::Absent), push("refs/heads/main", Lease::At(old))];
    place.push(&url, &right, None).await.unwrap();
    assert_eq!(run(&bare, &["rev-parse", "a"]), new.to_string());
}

#[tokio::test]
async fn a_checked_out_branch_is_never_pushed_over() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    run(&repo, &["config", "receive.denyCurrentBranch", "updateInstead"]);
    // A refused push may leave objects that nothing names.
    let look = || {
        let mut all = everything(&repo);
        all.retain(|path, _| !path.starts_with(repo.join(".git/objects")));
        all
    };
    let before = look();
    let url: RemoteUrl = repo.to_str().unwrap().parse().unwrap();
    let vault = yard.git().bare(yard.path("v"));
    vault.init().await.unwrap();
    vault.borrow_objects(&repo.join(".git")).await.unwrap();
    let old: Sha = run(&repo, &["rev-parse", "HEAD"]).parse().unwrap();
    let (tree, who) = (vault.empty_tree().await.unwrap(), Identity::new("x", "x@x"));
    let commit = super::Commit {
        tree: &tree,
        parents: std::slice::from_ref(&old),
        message: "x",
        author: &who,
        committer: &who,
    };
    let new = vault.commit(&commit).await.unwrap();
    let push = Push { name: "refs/heads/main".parse().unwrap(), to: Some(new), lease: Lease::At(old) };
    let e = vault.push(&url, &[push], None).await.unwrap_err();
    assert_eq!(e.failure(), Some(&Failure::CheckedOut), "{e}");
    assert_eq!(look(), before);
}

#[tokio::test]
async fn hooks_and_configuration_of_a_repository_run_nothing() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    let marker = yard.path("MARKER");
    let touch = format!("touch {}", marker.display());
    write(&repo, ".gitattributes", "* filter=evil diff=evil\n");
    commit(&repo, "attributes");
    write(&repo, "README.md", "changed\n");
    for hook in
        ["pre-receive", "update", "post-receive", "post-update", "reference-transaction", "post-checkout"]
    {
        write(&repo.join(".git/hooks"), hook, &format!("#!/bin/sh\n{touch}\n"));
        let path = repo.join(".git/hooks").join(hook);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let included = yard.path("included");
    std::fs::write(&included, format!("[core]\n fsmonitor = {touch}\n")).unwrap();
    for (key, value) in [
        ("filter.evil.clean", touch.as_str()),
        ("filter.evil.smudge", &touch),
        ("filter.evil.required", "true"),
        ("filter.a=b.clean", &touch),
        ("diff.evil.command", &touch),
        ("diff.evil.textconv", &touch),
        ("diff.external", &touch),
        ("core.fsmonitor", &touch),
        ("core.pager", &touch),
        ("core.sshCommand", &touch),
        ("core.alternateRefsCommand", &touch),
        ("uploadpack.packObjectsHook", &touch),
        ("credential.helper", &format!("!{touch}")),
        ("gpg.program", &touch),
        ("include.path", included.to_str().unwrap()),
        ("url.ext::sh -c touch% x.insteadOf", "https://example.com"),
    ] {
        run(&repo, &["config", "--add", key, value]);
    }
    let place = yard.git().clone_at(&repo);
    let url: RemoteUrl = repo.to_str().unwrap().parse().unwrap();
    assert!(!marker.exists(), "the test itself ran something");
    assert!(place.is_dirty().await.unwrap());
    assert!(!marker.exists(), "status");
    let head = place.head().await.unwrap().unwrap();
    place.refs(&["refs/heads"]).await.unwrap();
    place.set_ref(&"refs/x/y".parse().unwrap(), &head).await.unwrap();
    assert!(!marker.exists(), "refs");
    place.reset_index(&place.tree_of(&head).await.unwrap()).await.unwrap();
    assert!(!marker.exists(), "refs and index");
    let mirror = Mirror::new(&yard.git(), &yard.path("mirrors"), &url).refresh(None).await.unwrap();
    let push = Push { name: "refs/heads/new".parse().unwrap(), to: Some(head), lease: Lease::Absent };
    mirror.push(&url, &[push], None).await.unwrap();
    let web: RemoteUrl = "https://example.com/x".parse().unwrap();
    place.fetch(&web, &["main".to_owned()], None).await.unwrap_err();
    assert!(!marker.exists());
}

#[tokio::test]
async fn parallel_sessions_share_a_mirror_without_colliding() {
    let yard = Yard::new();
    let repo = yard.repo("r");
    let url: RemoteUrl = repo.to_str().unwrap().parse().unwrap();
    let git = yard.git();
    let mirror = Mirror::new(&git, &yard.path("mirrors"), &url);
    let all = futures_util::future::join_all((0..6).map(|_| mirror.refresh(None))).await;
    for place in all {
        assert!(place.unwrap().find(&"refs/heads/main".parse().unwrap()).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_command_that_hangs_is_killed_with_its_children() {
    let yard = Yard::new();
    let script = yard.path("slow-git");
    let pid = yard.path("pid");
    std::fs::write(&script, format!("#!/bin/sh\nsleep 600 &\necho $! > {}\nwait\n", pid.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let git = yard.git().with_program(&script).with_limit(Duration::from_millis(700));
    let url: RemoteUrl = "/x".parse().unwrap();
    let e = git.ls_remote(&url, &[], None).await.unwrap_err();
    assert!(matches!(e, GitError::TimedOut { .. }), "{e}");
    let child = std::fs::read_to_string(pid).unwrap();
    gone(child.trim()).await;
}

async fn gone(pid: &str) {
    for _ in 0..200 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if stat.is_empty() || stat.contains(") Z ") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{pid} still lives");
}

/// A program in git's place that writes its arguments, environment and what the askpass program says.
fn recorder(yard: &Yard) -> std::path::PathBuf {
    let script = yard.path("recorder");
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > {0}/args\nenv > {0}/env\n\
         for q in \"Username for 'https://forge.test': \" \"Password for 'https://bot@forge.test': \" \\\n\
         \"Password for 'https://evilforge.test': \"; do \"$GIT_ASKPASS\" \"$q\" >> {0}/said; done\nexit 0\n",
        yard.path("").display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    script
}

#[tokio::test]
async fn the_environment_of_git_is_ours() {
    let yard = Yard::new();
    let git = yard.git().with_program(recorder(&yard));
    let place = git.bare(yard.path("v"));
    place.init().await.unwrap();
    let env = std::fs::read_to_string(yard.path("env")).unwrap();
    for line in ["GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C"]
    {
        assert!(env.lines().any(|l| l == line), "{line}");
    }
    assert!(env.contains("GIT_ALLOW_PROTOCOL=none"));
    assert!(!env.contains("CARGO"));
}
