//! The workspace's own JSON: what a page draws, and what it sends.

use super::*;

async fn get(slack: &Slack, path: &str) -> Answer {
    send("GET", &format!("{}{path}", slack.url()), &[], "").await
}

async fn act(slack: &Slack, body: Value) -> Answer {
    let headers = [("content-type", "application/json")];
    send("POST", &format!("{}/_slack/act", slack.url()), &headers, body.to_string()).await
}

#[tokio::test]
async fn a_page_sees_acts_and_waits() {
    let slack = joined().await;
    let people = get(&slack, "/_slack/people").await.json();
    assert_eq!(people["users"].as_array().unwrap().len(), 7);
    let before = get(&slack, "/_slack/state?as=U0ANA").await.json();
    let version = before["version"].as_u64().unwrap();
    let path = format!("/_slack/state?as=U0BO&since={version}&wait=5000");
    let said = json!({ "as": ANA, "do": "say", "channel": DEV, "text": "hi @bo" });
    let (later, done) = tokio::join!(get(&slack, &path), act(&slack, said));
    let ts = done.json()["ts"].clone();
    let later = later.json();
    assert!(later["version"].as_u64().unwrap() > version);
    let room = later["channels"].as_array().unwrap().iter().find(|c| c["id"] == DEV).unwrap().clone();
    let last = room["messages"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["ts"], &last["name"], &last["text"]), (&ts, &json!("ana"), &json!("hi <@U0BO>")));
    let reply = json!({ "as": BO, "do": "say", "channel": DEV, "text": "yes", "thread": ts });
    assert!(act(&slack, reply).await.status.is_success());
    assert!(get(&slack, "/_slack/transcript?channel=C0DEV").await.text.ends_with("    ↳ [bo] yes\n"));
    let refused =
        act(&slack, json!({ "as": "U0GUS", "do": "say", "channel": "C0GENERAL", "text": "x" })).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["error"].as_str()),
        (409, Some("gus sees no channel C0GENERAL"))
    );
    assert_eq!(get(&slack, "/_slack/state?as=U0NOBODY").await.status.as_u16(), 404);
    let wrong = act(&slack, json!({ "as": ANA, "do": "fly" })).await;
    assert!(wrong.status.is_client_error());
}

#[tokio::test]
async fn faults_calls_and_deliveries_are_json_too() {
    let slack = joined().await;
    let url = format!("{}/_slack/faults", slack.url());
    let headers = [("content-type", "application/json")];
    let fault = json!({ "on": "call", "method": "auth.test", "fault": { "kind": "status", "status": 502 } });
    assert_eq!(send("POST", &url, &headers, fault.to_string()).await.status.as_u16(), 204);
    assert_eq!(slack.call("auth.test", json!({})).await.status.as_u16(), 502);
    assert!(send("POST", &url, &headers, r#"{"on": "fire"}"#).await.status.is_client_error());
    assert_eq!(send("DELETE", &url, &[], "").await.status.as_u16(), 204);
    let calls = get(&slack, "/_slack/calls").await.json();
    assert_eq!(
        calls["counts"]["auth.test"],
        json!({ "calls": 1, "ok": 0, "errors": { "fault": 1 }, "got_429": 0 })
    );
    let sent =
        act(&slack, json!({ "as": ANA, "do": "say", "channel": DEV, "text": "/devtask x" })).await.json();
    slack.tick();
    let id = sent["delivery"].as_str().unwrap();
    let seen = get(&slack, &format!("/_slack/deliveries?id={id}")).await.json();
    assert_eq!((&seen[0]["what"], &seen[0]["outcome"]), (&json!("/devtask"), &json!("failed")));
}

#[tokio::test]
async fn changes_are_told_as_they_happen() {
    let slack = joined().await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let uri = format!("{}/_slack/changes", slack.url());
    let request = Request::builder().uri(uri).body(Full::default()).unwrap();
    let mut body = client.request(request).await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b"data: {\"version\":"));
    slack.say(ANA, DEV, "hi", None).unwrap();
    let next = tokio::time::timeout(WITHIN, body.frame()).await.unwrap().unwrap().unwrap();
    assert_ne!(next.into_data().unwrap(), first);
}
