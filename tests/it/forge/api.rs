//! The forge is as strict as GitHub, speaks as GitHub, and octocrab's own models read all that it says.

use std::fmt::Write as _;

use devtask::workbench::forge::{Access, Scope};
use octocrab::Octocrab;
use octocrab::params::State;
use proptest::prelude::*;
use secrecy::ExposeSecret;
use serde_json::json;

use super::world::{BRANCH, PULLS, World, always, new_pull};

#[tokio::test]
async fn octocrabs_models_read_every_answer() {
    let world = World::new().await;
    world.pushed().await;
    devtask::github::install_crypto();
    let crab = Octocrab::builder()
        .base_uri(world.forge.api_url())
        .unwrap()
        .personal_token(world.token.expose_secret().to_owned())
        .build()
        .unwrap();
    assert_eq!(crab.current().user().await.unwrap().login, "ana");
    let repo = crab.repos("acme", "app").get().await.unwrap();
    assert_eq!(repo.full_name.as_deref(), Some("acme/app"));
    assert!(repo.permissions.unwrap().push);
    let pulls = crab.pulls("acme", "app");
    let made = pulls.create("t", BRANCH, "trunk").body("b").draft(true).send().await.unwrap();
    assert_eq!((made.number, made.draft), (1, Some(true)));
    let changed = pulls.update(1).title("u").body("c").send().await.unwrap();
    assert_eq!(changed.title.as_deref(), Some("u"));
    let listed =
        pulls.list().head(format!("acme:{BRANCH}")).state(State::All).per_page(10).send().await.unwrap();
    assert_eq!(listed.items.len(), 1);
    assert_eq!(pulls.get(1).await.unwrap().head.ref_field, BRANCH);
    let issues = crab.issues("acme", "app");
    assert_eq!(issues.create_comment(1, "c").await.unwrap().body.as_deref(), Some("c"));
    assert_eq!(issues.list_comments(1).send().await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn what_github_would_not_take_is_refused_in_its_words() {
    let world = World::new().await;
    world.pushed().await;
    let token = world.token.expose_secret().to_owned();
    world.github().publish(&new_pull(), &always).await.unwrap();
    let mut told = String::new();
    let good = json!({ "title": "t", "head": BRANCH, "base": "trunk" });
    let with = |key: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[key] = value;
        body.to_string()
    };
    let cases = [
        ("a second one", good.to_string()),
        ("no such head", with("head", json!("nothing"))),
        ("someone's fork", with("head", json!(format!("bob:{BRANCH}")))),
        ("no such base", with("base", json!("nothing"))),
        ("nothing to merge", json!({ "title": "t", "head": "trunk", "base": BRANCH }).to_string()),
        ("a number for a title", with("title", json!(1))),
        ("a stranger's key", with("labels", json!([]))),
        ("a title too long", with("title", json!("x".repeat(257)))),
        ("half a body", "{".into()),
    ];
    for (case, body) in cases {
        let answer = world.ask("POST", PULLS, Some(&token), &body).await;
        let why = answer.body["errors"][0].to_string();
        writeln!(told, "{case}: {} {} {why}", answer.status, answer.body["message"]).unwrap();
    }
    insta::assert_snapshot!("strictness", told);
    assert_eq!(world.forge.pulls().await.unwrap().len(), 1);
    let answer = world.ask("POST", PULLS, Some(&token), &good.to_string()).await;
    for header in
        ["x-ratelimit-limit: 5000", "x-ratelimit-remaining: ", "x-ratelimit-reset: ", "x-github-request-id: "]
    {
        assert!(answer.head.contains(header), "{header} in {}", answer.head);
    }
}

#[tokio::test]
async fn who_may_what_is_githubs_too() {
    let world = World::new().await;
    world.pushed().await;
    let ana = world.token.expose_secret().to_owned();
    let bob = world.forge.token("bob", Scope::FULL).await.unwrap().expose_secret().to_owned();
    let pull = json!({ "title": "t", "head": BRANCH, "base": "trunk" }).to_string();
    let repo = "/api/v3/repos/acme/app";
    for (token, method, path, wanted) in [
        (None, "GET", "/api/v3/user", 401),
        (Some("wrong"), "GET", repo, 401),
        (None, "GET", repo, 200),
        (None, "POST", PULLS, 401),
        (Some(bob.as_str()), "POST", PULLS, 403),
        (Some(ana.as_str()), "DELETE", PULLS, 404),
        (Some(ana.as_str()), "GET", "/api/v3/repos/ACME/App", 200),
        (Some(ana.as_str()), "GET", "/api/v3/repos/acme/other", 404),
        (Some(ana.as_str()), "GET", "/api/v3/repos/acme/app/pulls/x", 404),
        (Some(ana.as_str()), "GET", "/api/v3/repos/acme/app/branches/devtask/7-greet", 200),
        (Some(ana.as_str()), "GET", "/api/v3/repos/acme/app/branches/nothing", 404),
    ] {
        assert_eq!(world.ask(method, path, token, &pull).await.status, wanted, "{method} {path} {token:?}");
    }
    world.forge.set_private("acme", "app", true).await.unwrap();
    for (token, wanted) in [(None, 404), (Some(bob.as_str()), 404), (Some(ana.as_str()), 200)] {
        assert_eq!(world.ask("GET", repo, token, "").await.status, wanted, "private, {token:?}");
    }
    world.forge.grant("acme", "app", "bob", Access::Read).await.unwrap();
    assert_eq!(world.ask("GET", repo, Some(&bob), "").await.status, 200);
    let request = format!("GET {repo} HTTP/1.1\r\nhost: forge\r\nconnection: close\r\n\r\n");
    assert_eq!(world.raw(request.as_bytes()).await.status, 403, "who does not say what it is");
}

#[tokio::test]
async fn a_head_without_its_owner_filters_nothing_as_at_github() {
    let world = World::new().await;
    world.pushed().await;
    world.github().publish(&new_pull(), &always).await.unwrap();
    for (query, found) in [
        ("head=acme:other", 0),
        ("head=other", 1),
        ("head=acme:devtask/7-greet", 1),
        ("state=closed", 0),
        ("page=2", 0),
    ] {
        let answer = world.ask("GET", &format!("{PULLS}?{query}"), None, "").await;
        assert_eq!(answer.body.as_array().map(Vec::len), Some(found), "{query}");
    }
    assert_eq!(world.ask("GET", &format!("{PULLS}?stat=all"), None, "").await.status, 422);
}

/// Pieces from which a path is made that should lead nowhere.
fn garbage() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("..".to_owned()),
        Just("%2e%2e".to_owned()),
        Just("%2f".to_owned()),
        Just("%00".to_owned()),
        Just("acme".to_owned()),
        Just("app.git".to_owned()),
        Just("info".to_owned()),
        Just("refs".to_owned()),
        Just("repos".to_owned()),
        Just("api/v3".to_owned()),
        Just("pulls".to_owned()),
        Just("HEAD".to_owned()),
        Just("config".to_owned()),
        Just("forge.json".to_owned()),
        "[a-zA-Z0-9%._~-]{0,8}",
    ];
    let query =
        prop_oneof![Just(String::new()), Just("?service=git-upload-pack".to_owned()), "\\?[a-z=&%]{0,10}"];
    (proptest::collection::vec(piece, 0..7), query)
        .prop_map(|(parts, query)| format!("/{}{query}", parts.join("/")))
}

#[test]
fn no_path_brings_it_down_or_leads_out_of_its_folder() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(path in garbage(), method in prop_oneof![Just("GET"), Just("POST"), Just("PATCH"), Just("PUT")])| {
        let answer = runtime.block_on(world.ask(method, &path, None, "{}"));
        prop_assert!(answer.status >= 200 && answer.status < 500, "{} {}: {}", method, path, answer.head);
        let shown = answer.body.to_string();
        prop_assert!(!shown.contains("repositoryformatversion") && !shown.contains("last_id"), "{}", path);
    });
    assert_eq!(runtime.block_on(world.ask("GET", "/api/v3/repos/acme/app", None, "")).status, 200);
}
