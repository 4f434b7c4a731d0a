//! Real git over HTTP: who may fetch, who may push, and what a refused push leaves.

use devtask::github::GitHub;
use devtask::workbench::forge::{Access, Fault, Scope, What};
use secrecy::SecretString;

use super::world::{BRANCH, World, commit, git, said};

const PUSH: &str = "/acme/app.git/git-receive-pack";

fn heads(world: &World) -> String {
    git(&world.forge.repo_dir("acme", "app").unwrap(), &["for-each-ref", "--format=%(refname)"])
}

#[tokio::test]
async fn a_push_takes_a_credential_and_lands_whole() {
    let world = World::new().await;
    world.pushed().await;
    insta::assert_snapshot!(heads(&world), @"
    refs/devtask/attempt/7
    refs/heads/devtask/7-greet
    refs/heads/trunk
    ");
}

#[tokio::test]
async fn a_push_without_the_right_is_refused() {
    let world = World::new().await;
    let clone = world.clone_to("work", None).await;
    commit_something(&clone);
    let push = ["push", "--quiet", "origin", "HEAD:refs/heads/x"];
    let credential = async |login: &str, scope| world.github_of(login, scope).await.credential();
    let wrong = GitHub::new(&world.settings(Some(&SecretString::from("wrong")))).unwrap().credential();
    for (who, credential, wanted) in [
        ("nobody", None, "could not read Username"),
        ("a wrong token", wrong, "Authentication failed"),
        ("bob", credential("bob", Scope::FULL).await, "403"),
        ("a token to read", credential("ana", Scope::READ).await, "403"),
    ] {
        let out = world.git(&clone, &push, credential.as_ref()).await;
        assert!(!out.status.success() && said(&out).contains(wanted), "{who}: {}", said(&out));
    }
    assert_eq!(heads(&world), "refs/heads/trunk");
}

#[tokio::test]
async fn a_private_repository_is_fetched_only_by_who_may_see_it() {
    let world = World::new().await;
    world.forge.set_private("acme", "app", true).await.unwrap();
    let url = format!("{}/acme/app.git", world.forge.url());
    let list = ["ls-remote", "--heads", &url];
    let at = world.dir.path();
    let bob = world.github_of("bob", Scope::READ).await.credential();
    assert!(!world.git(at, &list, None).await.status.success());
    let out = world.git(at, &list, bob.as_ref()).await;
    assert!(!out.status.success() && said(&out).contains("not found"), "{}", said(&out));
    world.forge.grant("acme", "app", "bob", Access::Read).await.unwrap();
    assert!(world.git(at, &list, bob.as_ref()).await.status.success());
}

#[tokio::test]
async fn a_push_that_is_turned_down_leaves_nothing() {
    let world = World::new().await;
    let credential = world.github().credential();
    let clone = world.clone_to("work", credential.as_ref()).await;
    commit_something(&clone);
    let fault = What::RefusePush;
    world.forge.fault(Fault::new("POST", PUSH, fault));
    let push =
        ["push", "--atomic", "origin", &format!("HEAD:refs/heads/{BRANCH}"), "HEAD:refs/devtask/attempt/7"];

    let out = world.git(&clone, &push, credential.as_ref()).await;

    assert!(!out.status.success() && said(&out).contains("pre-receive hook declined"), "{}", said(&out));
    assert_eq!(heads(&world), "refs/heads/trunk");
    assert!(world.git(&clone, &push, credential.as_ref()).await.status.success(), "the fault is used up");
}

#[tokio::test]
async fn a_push_whose_answer_is_lost_has_happened_all_the_same() {
    let world = World::new().await;
    let credential = world.github().credential();
    let clone = world.clone_to("work", credential.as_ref()).await;
    commit_something(&clone);
    world.forge.fault(Fault::new("POST", PUSH, What::Drop).after());

    let out = world.git(&clone, &["push", "origin", "HEAD:refs/heads/x"], credential.as_ref()).await;

    assert!(!out.status.success(), "{}", said(&out));
    assert!(heads(&world).contains("refs/heads/x"));
}

#[tokio::test]
async fn a_large_push_and_its_clone_are_streamed() {
    let world = World::new().await;
    let credential = world.github().credential();
    let clone = world.clone_to("work", credential.as_ref()).await;
    // More than git sends in one piece, and not to be compressed away.
    let scattered = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()[2];
    let noise: Vec<u8> = (0..3_000_000).map(scattered).collect();
    std::fs::write(clone.join("noise"), &noise).unwrap();
    commit(&clone, "noise");
    let out = world.git(&clone, &["push", "--quiet", "origin", "HEAD:trunk"], credential.as_ref()).await;
    assert!(out.status.success(), "{}", said(&out));
    let second = world.clone_to("second", None).await;
    assert_eq!(std::fs::read(second.join("noise")).unwrap(), noise);
}

#[tokio::test]
async fn an_empty_repository_can_be_made_and_filled() {
    let world = World::new().await;
    world.forge.create_repo("ana", "new", None).await.unwrap();
    assert!(world.forge.create_repo("Ana", "NEW", None).await.is_err(), "names differ in more than case");
    assert!(world.forge.create_repo("..", "new", None).await.is_err());
    let clone = world.clone_to("work", None).await;
    let url = format!("{}/ana/new.git", world.forge.url());
    let out = world
        .git(&clone, &["push", "--quiet", &url, "HEAD:refs/heads/main"], world.github().credential().as_ref())
        .await;
    assert!(out.status.success(), "{}", said(&out));
    assert_eq!(world.github().repo("ana", "new").await.unwrap().default_branch, "main");
}

fn commit_something(clone: &std::path::Path) {
    std::fs::write(clone.join("x"), "x\n").unwrap();
    commit(clone, "x");
}
