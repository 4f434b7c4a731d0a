//! A walk through all routes; every request and answer is held against GitHub's document.

use chrono::TimeDelta;
use devtask::workbench::forge::Scope;
use devtask::workbench::forge::codespaces::{Next, Settings, StopWhy, Trouble};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::spec::Spec;
use super::world::{OF_APP, OWN, Still};
use crate::forge::world::{Answer, BRANCH};

struct Walk {
    still: Still,
    spec: Spec,
}

impl Walk {
    async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let answer = self.still.ask(method, path, body).await;
        self.spec.check(method, path, body, &answer);
        answer
    }

    async fn ask_as(&self, token: &SecretString, method: &str, path: &str) -> u16 {
        let answer = self.still.ask_as(token, method, path, "").await;
        self.spec.check(method, path, "", &answer);
        answer.status
    }

    /// Asks, and says what came of it in a word: the status and GitHub's message.
    async fn told(&self, method: &str, path: &str, body: &str) -> String {
        let answer = self.ask(method, path, body).await;
        let message = answer.body["message"].as_str().unwrap_or_default().replace('\n', "|");
        format!("{} {message}", answer.status)
    }

    async fn made(&self, path: &str, body: &str) -> String {
        let made = self.ask("POST", path, body).await;
        assert!((201..=202).contains(&made.status), "{}", made.body);
        made.body["name"].as_str().unwrap().to_owned()
    }
}

async fn id_of_app(walk: &Walk) -> u64 {
    walk.ask("GET", "/api/v3/repos/acme/app", "").await.body["id"].as_u64().unwrap()
}

#[tokio::test]
async fn every_route_speaks_as_githubs_document_says() {
    let walk = Walk { still: Still::new().await, spec: Spec::load() };
    let id = what_a_repository_offers(&walk).await;
    let name = the_life_of_one(&walk, id).await;
    what_may_be_asked_of_one(&walk, &name).await;
    secrets(&walk, id).await;
    who_is_not_let_in(&walk, &name).await;
    assert_eq!(walk.spec.missing(), Vec::<String>::new(), "seen: {:#?}", walk.spec.seen());
    assert!(walk.spec.seen().len() >= 40, "{:#?}", walk.spec.seen());
}

async fn what_a_repository_offers(walk: &Walk) -> u64 {
    let me = walk.ask("GET", "/api/v3/user", "").await;
    assert!(me.head.contains("x-oauth-scopes: codespace, repo"), "{}", me.head);
    let machines = walk.ask("GET", &format!("{OF_APP}/machines?ref=trunk"), "").await.body;
    assert_eq!(
        (machines["total_count"].clone(), machines["machines"][0]["cpus"].clone()),
        (json!(4), json!(2))
    );
    let containers = walk.ask("GET", &format!("{OF_APP}/devcontainers?per_page=1"), "").await.body;
    assert_eq!(containers["total_count"], 2, "{containers}");
    assert_eq!(containers["devcontainers"], json!([{ "path": ".devcontainer/devcontainer.json" }]));
    walk.ask("GET", &format!("{OF_APP}/new?ref=trunk"), "").await;
    let asked = "permissions_check?ref=trunk&devcontainer_path=.devcontainer/devcontainer.json";
    assert_eq!(walk.ask("GET", &format!("{OF_APP}/{asked}"), "").await.body, json!({ "accepted": true }));
    assert_eq!(walk.ask("GET", &format!("{OF_APP}/permissions_check?ref=trunk"), "").await.status, 422);
    assert_eq!(walk.ask("GET", "/api/v3/repos/acme/nothing/codespaces/new", "").await.status, 404);
    id_of_app(walk).await
}

/// Makes, lists, stops, starts, exports and deletes; one stays, `Available`.
async fn the_life_of_one(walk: &Walk, id: u64) -> String {
    let still = &walk.still;
    let whole = json!({
        "repository_id": id, "ref": "trunk", "machine": "standardLinux32gb", "geo": "EuropeWest",
        "devcontainer_path": ".devcontainer/devcontainer.json", "multi_repo_permissions_opt_out": true,
        "idle_timeout_minutes": 60, "retention_period_minutes": 1440, "display_name": "dt-1a2b-7-1",
    });
    let name = walk.made(OWN, &whole.to_string()).await;
    still.codespaces().next_create(Next::Retried);
    let later = walk.ask("POST", OF_APP, "").await;
    assert_eq!((later.status, later.body["state"].as_str()), (202, Some("Queued")));
    still.turn(TimeDelta::seconds(5));
    let of_pull = of_a_pull_request(walk, id).await;
    still.turn(TimeDelta::seconds(5));

    let page = walk.ask("GET", &format!("{OWN}?per_page=2&page=1&repository_id={id}"), "").await;
    assert_eq!(page.body["total_count"], 4);
    let next =
        format!("<{}{}>; rel=\"next\"", still.world.forge.url(), "/api/v3/user/codespaces?per_page=2&page=2");
    assert!(page.head.contains(&next), "{}", page.head);
    assert_eq!(walk.ask("GET", &format!("{OF_APP}?per_page=2&page=2"), "").await.body["total_count"], 4);

    let at = format!("{OWN}/{name}");
    let read = walk.ask("GET", &at, "").await.body;
    let shown = ["state", "location", "idle_timeout_minutes", "retention_period_minutes", "display_name"];
    let shown: Vec<&Value> = shown.iter().map(|key| &read[key]).collect();
    assert_eq!(json!(shown), json!(["Available", "WestEurope", 60, 1440, "dt-1a2b-7-1"]));
    walk.ask("GET", &format!("{at}/machines"), "").await;
    assert_eq!(walk.told("POST", &format!("{at}/start"), "").await, "409 Codespace is already running");
    assert_eq!(walk.ask("POST", &format!("{at}/stop"), "").await.status, 200);
    still.turn(TimeDelta::seconds(1));
    let stopped = walk.ask("GET", &at, "").await.body;
    assert_eq!(stopped["retention_expires_at"], "2026-03-03T12:00:10.300Z", "{stopped}");
    export(walk, &at).await;
    assert_eq!(walk.ask("POST", &format!("{at}/start"), "").await.status, 200);
    assert_eq!(walk.ask("POST", &format!("{at}/start"), "").await.status, 304);
    still.turn_until_up();
    for gone in of_pull {
        assert_eq!(walk.ask("DELETE", &format!("{OWN}/{gone}"), "").await.body, json!({}));
        assert_eq!(walk.ask("DELETE", &format!("{OWN}/{gone}"), "").await.status, 304);
    }
    still.turn(TimeDelta::seconds(5));
    name
}

/// Both forms; their names.
async fn of_a_pull_request(walk: &Walk, id: u64) -> [String; 2] {
    let world = &walk.still.world;
    world.pushed().await;
    let pull = json!({ "title": "Greet", "head": BRANCH, "base": "trunk" }).to_string();
    let pull = walk.still.ask("POST", crate::forge::world::PULLS, &pull).await;
    assert_eq!(pull.status, 201, "{}", pull.body);
    let form = json!({ "pull_request": { "pull_request_number": 1, "repository_id": id } });
    let one = walk.made(OWN, &form.to_string()).await;
    let other = walk.made("/api/v3/repos/acme/app/pulls/1/codespaces", "{}").await;
    assert_eq!(walk.ask("GET", &format!("{OWN}/{one}"), "").await.body["git_status"]["ref"], BRANCH);
    [one, other]
}

async fn export(walk: &Walk, at: &str) {
    let begun = walk.ask("POST", &format!("{at}/exports"), "").await;
    assert_eq!((begun.status, begun.body["state"].as_str()), (202, Some("in_progress")));
    assert_eq!(walk.ask("GET", at, "").await.body["state"], "Exporting");
    assert!(walk.told("POST", &format!("{at}/start"), "").await.starts_with("422 Codespace has a pending"));
    walk.still.turn(TimeDelta::seconds(1));
    let id = begun.body["id"].as_str().unwrap();
    let done = walk.ask("GET", &format!("{at}/exports/{id}"), "").await.body;
    assert_eq!(done["state"], "succeeded", "{done}");
    let branch = done["branch"].as_str().unwrap();
    let there = walk.still.ask("GET", &format!("/api/v3/repos/acme/app/branches/{branch}"), "").await;
    assert_eq!(there.body["commit"]["sha"], done["sha"]);
    assert_eq!(walk.ask("GET", &format!("{at}/exports/none"), "").await.status, 404);
}

async fn what_may_be_asked_of_one(walk: &Walk, name: &str) {
    let (still, at) = (&walk.still, format!("{OWN}/{name}"));
    let renamed = walk.ask("PATCH", &at, r#"{"display_name": "kept", "recent_folders": ["/a"]}"#).await;
    assert_eq!(renamed.body["display_name"], "kept");
    let grown = walk.ask("PATCH", &at, r#"{"machine": "premiumLinux"}"#).await;
    assert_eq!(grown.body["machine"]["name"], "standardLinux32gb", "a running one keeps what it has");
    walk.ask("POST", &format!("{at}/stop"), "").await;
    still.turn(TimeDelta::seconds(1));
    let started = walk.ask("POST", &format!("{at}/start"), "").await;
    assert_eq!(started.body["machine"]["name"], "premiumLinux");
    still.turn_until_up();
    let with = |change: &dyn Fn(&mut Settings)| still.codespaces().settings(change);

    let mut told = vec![
        walk.told("PATCH", &at, r#"{"machin": "premiumLinux"}"#).await,
        walk.told("POST", OF_APP, r#"{"machine": 3}"#).await,
        walk.told("POST", OF_APP, r#"{"geo": "Mars"}"#).await,
        walk.told("POST", OF_APP, r#"{"display-name": "x"}"#).await,
        walk.told("POST", OWN, "{}").await,
        walk.told("POST", OF_APP, r#"{"machine": "hugeLinux"}"#).await,
        walk.told("POST", OF_APP, r#"{"ref": "nothing"}"#).await,
        walk.told("POST", OF_APP, r#"{"idle_timeout_minutes": 4}"#).await,
        walk.told("POST", OF_APP, r#"{"retention_period_minutes": 43201}"#).await,
        walk.told("POST", OF_APP, &json!({ "display_name": "x".repeat(49) }).to_string()).await,
    ];
    with(&|s| s.allowed_machines = Some(["basicLinux32gb".to_owned()].into()));
    told.push(walk.told("POST", OF_APP, r#"{"machine": "premiumLinux"}"#).await);
    with(&|s| s.allowed_machines = Some(std::collections::BTreeSet::new()));
    told.push(walk.told("POST", OF_APP, "{}").await);
    with(&|s| s.allowed_machines = None);
    with(&|s| _ = s.without_codespaces.insert("acme/app".into()));
    told.push(walk.told("POST", OF_APP, "{}").await);
    with(&|s| _ = s.without_codespaces.remove("acme/app"));
    with(&|s| _ = s.asks_permissions.insert("acme/app".into()));
    told.push(walk.told("POST", OF_APP, "{}").await);
    with(&|s| _ = s.asks_permissions.remove("acme/app"));
    with(&|s| (s.most, s.most_active) = (2, 5));
    told.push(walk.told("POST", OF_APP, "{}").await);
    with(&|s| (s.most, s.most_active) = (10, 1));
    told.push(walk.told("POST", OF_APP, "{}").await);
    with(&|s| s.most_active = 5);
    still.codespaces().next_create(Next::Unavailable);
    told.push(walk.told("POST", OF_APP, "{}").await);
    still.codespaces().trouble(name, Trouble::Pending { pending: true });
    told.push(walk.told("POST", &format!("{at}/stop"), "").await);
    still.codespaces().trouble(name, Trouble::Pending { pending: false });
    still.codespaces().trouble(name, Trouble::Stop { why: StopWhy::SpendingLimit });
    still.turn(TimeDelta::seconds(1));
    with(&|s| _ = s.spent.insert("ana".into()));
    told.push(walk.told("POST", OF_APP, "{}").await);
    let answer = walk.still.ask("POST", &format!("{at}/start"), "").await;
    told.push(format!("{} {}", answer.status, answer.body["message"].as_str().unwrap()));
    with(&|s| _ = s.spent.remove("ana"));
    insta::assert_snapshot!("refusals", told.join("\n"));
    let notice = &walk.ask("GET", &at, "").await.body["last_known_stop_notice"];
    assert_eq!(*notice, "You've used 100% of your spending limit for Codespaces.");
}

async fn secrets(walk: &Walk, id: u64) {
    let all = format!("{OWN}/secrets");
    let at = format!("{all}/MODEL_KEY");
    let key = walk.ask("GET", &format!("{all}/public-key"), "").await.body;
    let sealed = "c2VhbGVk".repeat(10);
    let put = |value: &str| {
        json!({ "encrypted_value": value, "key_id": key["key_id"], "selected_repository_ids": [id] })
            .to_string()
    };
    assert_eq!(walk.ask("PUT", &at, &put("open!")).await.status, 422);
    assert_eq!(walk.ask("PUT", &at, &put(&sealed)).await.status, 201);
    assert_eq!(walk.ask("PUT", &at, &put(&sealed)).await.status, 204);
    assert_eq!(walk.ask("GET", &at, "").await.body["visibility"], "selected");
    assert_eq!(walk.ask("GET", &format!("{at}/repositories"), "").await.body["total_count"], 1);
    let none = r#"{"selected_repository_ids": []}"#;
    assert_eq!(walk.ask("PUT", &format!("{at}/repositories"), none).await.status, 204);
    assert_eq!(walk.ask("PUT", &format!("{at}/repositories/{id}"), "").await.status, 204);
    assert_eq!(walk.ask("PUT", &format!("{at}/repositories/999999"), "").await.status, 404);
    assert_eq!(walk.ask("DELETE", &format!("{at}/repositories/{id}"), "").await.status, 204);
    assert_eq!(walk.ask("GET", &all, "").await.body["total_count"], 1);
    assert_eq!(walk.ask("DELETE", &at, "").await.status, 204);
    assert_eq!(walk.ask("GET", &all, "").await.body["secrets"], json!([]));
}

async fn who_is_not_let_in(walk: &Walk, name: &str) {
    let forge = &walk.still.world.forge;
    let at = format!("{OWN}/{name}");
    let wrong = SecretString::from("wrong");
    assert_eq!(walk.ask_as(&wrong, "GET", OWN).await, 401);
    assert_eq!(walk.ask_as(&wrong, "POST", OF_APP).await, 401);
    let without = forge.token("ana", Scope { codespaces: false, ..Scope::FULL }).await.unwrap();
    let answer = walk.still.ask_as(&without, "GET", OWN, "").await;
    assert_eq!(answer.status, 403);
    assert!(answer.head.contains("x-oauth-scopes: repo\r\n"), "{}", answer.head);
    assert!(answer.head.contains("x-accepted-oauth-scopes: codespace"), "{}", answer.head);
    let bo = forge.token("bo", Scope::FULL).await.unwrap();
    for (method, rest) in
        [("GET", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/stop"), ("POST", "/exports")]
    {
        assert_eq!(walk.ask_as(&bo, method, &format!("{at}{rest}")).await, 404, "bo: {method} {rest}");
    }
    let list = walk.still.ask_as(&bo, "GET", OWN, "").await;
    assert_eq!(list.body["total_count"], 0, "{}", list.body);
    forge.set_private("acme", "app", true).await.unwrap();
    assert_eq!(walk.ask_as(&bo, "POST", OF_APP).await, 404, "bo does not see the repository");
    forge.set_private("acme", "app", false).await.unwrap();
}
