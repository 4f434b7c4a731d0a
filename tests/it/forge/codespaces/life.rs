//! A codespace from create to delete, over HTTP, by a clock that is turned by hand.

use chrono::TimeDelta;

use super::world::{OF_APP, OWN, Still};

#[tokio::test]
async fn a_codespace_lives_from_create_to_delete() {
    let still = Still::new().await;
    let made =
        still.ask("POST", OF_APP, r#"{"display_name": "dt-1a2b-7-1", "machine": "basicLinux32gb"}"#).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let name = made.body["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("dt-1a2b-7-1-"), "{name}");
    assert_eq!(made.body["state"], "Queued");
    assert_eq!(made.body["repository"]["full_name"], "acme/app");
    assert!(still.listed().await.is_empty(), "a list learns of it later");

    let mut seen = Vec::new();
    for _ in 0..12 {
        seen.push(still.state(&name).await);
        still.turn(TimeDelta::milliseconds(100));
    }
    seen.dedup();
    assert_eq!(seen, ["Queued", "Provisioning", "Available"]);
    assert_eq!(still.listed().await, [name.as_str()]);

    let at = format!("{OWN}/{name}");
    let stopped = still.ask("POST", &format!("{at}/stop"), "").await;
    assert_eq!((stopped.status, stopped.body["state"].as_str()), (200, Some("ShuttingDown")));
    still.turn(TimeDelta::seconds(1));
    assert_eq!(still.state(&name).await, "Shutdown");
    let started = still.ask("POST", &format!("{at}/start"), "").await;
    assert_eq!((started.status, started.body["state"].as_str()), (200, Some("Starting")));
    assert_eq!(still.ask("POST", &format!("{at}/start"), "").await.status, 304, "it is starting");
    still.turn_until_up();
    assert_eq!(still.state(&name).await, "Available");
    assert_eq!(still.ask("POST", &format!("{at}/start"), "").await.status, 409, "it runs");

    assert_eq!(still.ask("DELETE", &at, "").await.status, 202);
    assert_eq!(still.ask("DELETE", &at, "").await.status, 304, "it is going");
    still.turn(TimeDelta::milliseconds(250));
    assert_eq!(still.ask("GET", &at, "").await.status, 404);
    assert_eq!(still.listed().await, [name.as_str()], "a list learns of it later");
    still.turn(TimeDelta::seconds(1));
    assert!(still.listed().await.is_empty());
    assert_eq!(still.ask("DELETE", &at, "").await.status, 404);
}
