//! What can be read of a codespace, and which names never leave. The routes are tested against a forge.

use serde_json::json;

use super::*;
use crate::github::Settings;

fn read(value: serde_json::Value) -> Result<Codespace, serde_json::Error> {
    serde_json::from_value::<wire::Codespace>(value).map(Codespace::from)
}

#[test]
fn three_fields_are_enough_and_whatever_else_is_odd_is_not_known() {
    let bare = read(json!({ "name": "n", "id": 5_000_000_000_u64, "state": "Available" })).unwrap();
    assert_eq!((bare.id, &bare.state), (5_000_000_000, &CodespaceState::Available));
    let odd = json!({
        "name": "n", "id": 5_000_000_000_u64, "state": "Available", "machine": { "name": 3 }, "owner": "ana",
        "repository": null, "created_at": "yesterday", "git_status": [], "pending_operation": "yes", "new": {}
    });
    assert_eq!(read(odd).unwrap(), bare);
    for missing in ["name", "id", "state"] {
        let mut value = json!({ "name": "n", "id": 1, "state": "Available" });
        value.as_object_mut().unwrap().remove(missing);
        assert!(read(value).is_err(), "{missing}");
    }
}

#[test]
fn a_state_that_github_adds_later_is_kept_as_it_is() {
    let found = read(json!({ "name": "n", "id": 1, "state": "Hibernating" })).unwrap();
    assert_eq!(found.state, CodespaceState::Other("Hibernating".into()));
}

#[test]
fn notices_are_cleaned_and_empty_ones_are_none() {
    let found = read(json!({
        "name": "n", "id": 1, "state": "Shutdown", "idle_timeout_notice": " ",
        "last_known_stop_notice": "you've used 100% of\nyour spending limit\u{7}for Codespaces"
    }))
    .unwrap();
    let stopped = "you've used 100% of your spending limit for Codespaces";
    assert_eq!((found.stop_notice.as_deref(), found.idle_notice), (Some(stopped), None));
}

#[test]
fn work_is_anything_that_is_not_pushed() {
    let holds = |git| read(json!({ "name": "n", "id": 1, "state": "Shutdown", "git_status": git })).unwrap();
    assert!(holds(json!({ "has_unpushed_changes": true })).git.holds_work());
    assert!(holds(json!({ "has_uncommitted_changes": true })).git.holds_work());
    assert!(holds(json!({ "ahead": 2 })).git.holds_work());
    let clean = json!({ "ahead": 0, "has_unpushed_changes": false, "has_uncommitted_changes": false });
    assert!(!holds(clean).git.holds_work());
}

#[tokio::test]
async fn no_name_reaches_a_route_that_could_change_it() {
    let nowhere = Settings { api_url: "http://127.0.0.1:1".into(), ..Settings::default() };
    let github = GitHub::new(&nowhere).unwrap();
    let bad = |error: GitHubError| assert!(matches!(error, GitHubError::BadName { .. }), "{error}");
    for name in ["", ".", "..", "a/b", "a?b", "a b", "-a", "é", "a%2fb", "a\n", &"a".repeat(101)] {
        bad(github.codespace(name).await.unwrap_err());
        bad(github.start_codespace(name).await.unwrap_err());
        bad(github.stop_codespace(name).await.unwrap_err());
        bad(github.delete_codespace(name).await.unwrap_err());
        bad(github.export_codespace(name).await.unwrap_err());
        bad(github.codespace_export("fine", name).await.unwrap_err());
    }
    let good = NewCodespace { owner: "acme".into(), name: "app".into(), ..NewCodespace::default() };
    let long = NewCodespace { display_name: "x".repeat(49), ..good.clone() };
    bad(github.create_codespace(&long).await.unwrap_err());
    let outside = NewCodespace { owner: "acme/../x".into(), ..good.clone() };
    bad(github.create_codespace(&outside).await.unwrap_err());
    let branch = NewCodespace { ref_: Some("a..b".into()), ..good };
    bad(github.create_codespace(&branch).await.unwrap_err());
    bad(github.machines("acme", "app", Some("-x")).await.unwrap_err());
}
