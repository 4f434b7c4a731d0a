//! What goes wrong, in kinds and in sentences.

use std::fmt::Write as _;

use devtask::github::{GitHub, GitHubError, Retry, Settings};
use devtask::workbench::forge::{Fault, Scope, What};
use secrecy::SecretString;

use super::world::{BRANCH, PULLS, World, always, new_pull};

#[tokio::test]
async fn every_refusal_has_its_kind_its_advice_and_its_sentence() {
    let world = World::new().await;
    world.pushed().await;
    let mut told = String::new();
    let mut tell = |case: &str, error: GitHubError| {
        writeln!(told, "{case}: {:?}\n  {error}\n  {}", error.retry(), error.sentence()).unwrap();
    };
    for status in [401, 403, 404, 422, 500] {
        world.forge.fault(Fault::status("POST", PULLS, status));
        tell(&status.to_string(), world.github().open_pull(&new_pull()).await.unwrap_err());
    }
    world.forge.fault(Fault::new("POST", PULLS, What::Hang));
    tell("never", world.hasty().open_pull(&new_pull()).await.unwrap_err());
    world.forge.fault(Fault::new("GET", PULLS, What::Hang));
    tell("never, reading", world.hasty().find_pull("acme", "app", BRANCH).await.unwrap_err());
    let wrong = GitHub::new(&world.settings(Some(&SecretString::from("wrong")))).unwrap();
    tell("wrong token", wrong.viewer().await.unwrap_err());
    let none = GitHub::new(&world.settings(None)).unwrap();
    tell("no token", none.publish(&new_pull(), &always).await.unwrap_err());
    let reader = world.github_of("bob", Scope::FULL).await;
    tell("may read", reader.publish(&new_pull(), &always).await.unwrap_err());
    let scoped = world.github_of("ana", Scope::READ).await;
    tell("read token", scoped.comment("acme", "app", 1, "x").await.unwrap_err());
    tell("no repository", world.github().repo("acme", "nothing").await.unwrap_err());
    let gone = devtask::github::NewPull { head: "nothing".into(), ..new_pull() };
    tell("no branch", world.github().publish(&gone, &always).await.unwrap_err());
    tell("no number", world.github().update_pull("acme", "app", 9, Some("t"), None).await.unwrap_err());
    insta::assert_snapshot!("refusals", told);
    assert!(world.forge.pulls().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rate_limit_says_until_when() {
    let world = World::new().await;
    let at = "/api/v3/user";
    world.forge.fault(Fault::new("GET", at, What::RateLimited { seconds: 1_800 }));
    let before = devtask::clock::Clock::system().now();

    let error = world.github().viewer().await.unwrap_err();

    let Retry::NotBefore(until) = error.retry() else { panic!("{error:?}") };
    let wait = (until - before).num_seconds();
    assert!((1_798..=1_810).contains(&wait), "{wait}");
    assert!(error.sentence().starts_with("GitHub asks us to wait until "), "{}", error.sentence());
    assert_eq!(world.forge.calls().count("GET", at), 1, "asked once");
}

#[tokio::test]
async fn reads_are_repeated_and_writes_are_not() {
    let world = World::new().await;
    world.pushed().await;
    world.forge.fault(Fault::status("GET", PULLS, 503));
    world.forge.fault(Fault::new("GET", PULLS, What::Drop));
    assert_eq!(world.github().find_pull("acme", "app", BRANCH).await.unwrap(), None);
    assert_eq!(world.forge.calls().count("GET", PULLS), 3);

    for fault in [What::Status { status: 503, message: None }, What::Drop] {
        world.forge.fault(Fault::new("POST", PULLS, fault));
        let error = world.github().open_pull(&new_pull()).await.unwrap_err();
        assert_eq!(error.retry(), Retry::AfterLooking, "{error}");
    }
    assert_eq!(world.forge.calls().count("POST", PULLS), 2);
}

#[tokio::test]
async fn nobody_listening_is_no_unknown_outcome() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api_url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let github = GitHub::new(&Settings { api_url, ..Settings::default() }).unwrap();
    let error = github.open_pull(&new_pull()).await.unwrap_err();
    assert!(matches!(error, GitHubError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.retry(), Retry::Later);
}

#[tokio::test]
async fn faults_and_calls_are_reached_over_http_too() {
    let world = World::new().await;
    let fault =
        r#"{"method": "GET", "path": "/api/v3/*", "times": 2, "fault": {"kind": "status", "status": 418}}"#;
    assert_eq!(world.ask("POST", "/_forge/faults", None, fault).await.status, 204);
    assert_eq!(world.ask("POST", "/_forge/faults", None, r#"{"method": "GET"}"#).await.status, 422);
    for wanted in [418, 418, 401] {
        assert_eq!(world.ask("GET", "/api/v3/user?x=1", None, "").await.status, wanted);
    }
    assert_eq!(world.ask("POST", "/_forge/faults", None, fault).await.status, 204);
    assert_eq!(world.ask("DELETE", "/_forge/faults", None, "").await.status, 204);
    assert_eq!(world.ask("GET", "/api/v3/user", None, "").await.status, 401);
    let calls = world.ask("GET", "/_forge/calls", None, "").await.body;
    assert_eq!(calls["counts"]["GET /api/v3/user"], 4);
    assert_eq!(calls["calls"][0]["status"], 418);
    assert_eq!(calls["calls"][0]["query"], "x=1");
}
