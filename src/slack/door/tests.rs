//! The signed endpoints: nothing unsigned, old or long reaches anything; what is let in is what a socket would bring.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use http_body_util::BodyExt;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use super::{BODY_MAX, routes};
use crate::slack::deliveries::tests::{Bench, worked};

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const FORM: &str = "application/x-www-form-urlencoded";

/// HMAC-SHA256, written out: what signs must not be what checks.
fn hmac(secret: &str, text: &str) -> String {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(secret.bytes()).for_each(|(b, s)| *b ^= s);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
    outer.iter().fold(String::new(), |hex, b| hex + &format!("{b:02x}"))
}

fn sign(secret: &str, timestamp: i64, body: &str) -> String {
    format!("v0={}", hmac(secret, &format!("v0:{timestamp}:{body}")))
}

struct Sent {
    path: &'static str,
    kind: &'static str,
    body: String,
    timestamp: i64,
    signature: Option<String>,
    retry: Option<u32>,
}

impl Sent {
    fn new(bench: &Bench, path: &'static str, body: impl Into<String>) -> Self {
        let (body, timestamp) = (body.into(), bench.clock.now().timestamp());
        let signature = Some(sign(SECRET, timestamp, &body));
        let kind = if path.ends_with("events") { "application/json" } else { FORM };
        Self { path, kind, body, timestamp, signature, retry: None }
    }

    async fn to(&self, bench: &Bench) -> (StatusCode, String) {
        let mut request = Request::post(self.path)
            .header("content-type", self.kind)
            .header("x-slack-request-timestamp", self.timestamp);
        if let Some(signature) = &self.signature {
            request = request.header("x-slack-signature", signature);
        }
        if let Some(retry) = self.retry {
            request = request.header("x-slack-retry-num", retry);
        }
        let door = routes(&SecretString::from(SECRET), bench.deliveries.clone(), bench.clock.clone());
        let answer = door.oneshot(request.body(Body::from(self.body.clone())).unwrap()).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

fn event(id: &str) -> String {
    json!({ "type": "event_callback", "event_id": id, "event": { "type": "app_uninstalled" } }).to_string()
}

fn ok() -> (StatusCode, String) {
    (StatusCode::OK, String::new())
}

#[test]
fn slacks_own_example_is_signed_so() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
        channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
        response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
        trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    assert_eq!(sign(SECRET, 1_531_420_618, body), expected);
}

#[tokio::test]
async fn slack_is_told_that_it_found_us() {
    let bench = Bench::new().await;
    let body = json!({ "type": "url_verification", "challenge": "3eZbrw1aB" }).to_string();
    let sent = Sent::new(&bench, "/slack/events", body);
    assert_eq!(sent.to(&bench).await, (StatusCode::OK, r#"{"challenge":"3eZbrw1aB"}"#.to_owned()));
    assert!(bench.open().await.is_empty());
    let forged = Sent { signature: Some(sign("guessed", sent.timestamp, &sent.body)), ..sent };
    assert_eq!(forged.to(&bench).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_event_is_handed_on_as_it_came() {
    let bench = Bench::new().await;
    let body = r#"{"event_id":"Ev1", "type":"event_callback", "event":{"type":"x","text":"hold"}}"#;
    assert_eq!(Sent::new(&bench, "/slack/events", body).to(&bench).await, ok());
    let kept = bench.notes.deliveries().await.unwrap();
    assert_eq!((kept[0].key.as_str(), kept[0].kind.as_str()), ("event:Ev1", "event"));
    assert_eq!(kept[0].payload, body);
}

#[tokio::test]
async fn a_command_becomes_what_a_socket_would_bring() {
    let bench = Bench::new().await;
    let body = "command=%2Fdevtask&text=new+hold+%26+more+%E2%9C%93&user_id=U1&text=second";
    assert_eq!(Sent::new(&bench, "/slack/commands", body).to(&bench).await, ok());
    let kept = bench.notes.deliveries().await.unwrap();
    assert_eq!(kept[0].kind, "command");
    let payload: Value = serde_json::from_str(&kept[0].payload).unwrap();
    assert_eq!(payload, json!({ "command": "/devtask", "text": "new hold & more ✓", "user_id": "U1" }));
}

#[tokio::test]
async fn a_click_is_the_json_in_its_form_and_its_answer_is_the_body() {
    let bench = Bench::new().await;
    let body = "payload=%7B%22type%22%3A%22view_submission%22%2C%22team%22%3Anull%2C%22text%22%3A%22tell%20hold%22%7D";
    let answer = (StatusCode::OK, r#"{"text":"an answer"}"#.to_owned());
    assert_eq!(Sent::new(&bench, "/slack/interactions", body).to(&bench).await, answer);
    let kept = bench.notes.deliveries().await.unwrap();
    assert_eq!(kept[0].kind, "interaction");
    assert_eq!(kept[0].payload, r#"{"type":"view_submission","team":null,"text":"tell hold"}"#);
}

#[tokio::test]
async fn whatever_is_not_slacks_of_the_last_minutes_reaches_nothing() {
    let bench = Bench::new().await;
    let sent = || Sent::new(&bench, "/slack/events", event("Ev1"));
    let now = bench.clock.now().timestamp();
    let signed =
        |timestamp| Sent { timestamp, signature: Some(sign(SECRET, timestamp, &event("Ev1"))), ..sent() };
    let bad = [
        ("none", Sent { signature: None, ..sent() }),
        ("empty", Sent { signature: Some(String::new()), ..sent() }),
        ("another secret", Sent { signature: Some(sign("other", now, &event("Ev1"))), ..sent() }),
        ("another body", Sent { body: event("Ev2"), ..sent() }),
        ("another time", Sent { timestamp: now - 1, ..sent() }),
        ("cut", Sent { signature: sent().signature.map(|s| s[..20].to_owned()), ..sent() }),
        ("old", signed(now - 301)),
        ("of the future", signed(now + 301)),
        ("out of all time", signed(i64::MIN)),
    ];
    for (what, sent) in bad {
        assert_eq!(sent.to(&bench).await, (StatusCode::UNAUTHORIZED, String::new()), "{what}");
    }
    assert!(bench.open().await.is_empty() && bench.desk.called().is_empty());
    assert_eq!(signed(now - 300).to(&bench).await, ok());
    assert_eq!(bench.called(1).await, [worked("event:Ev1")]);
}

#[tokio::test]
async fn two_signatures_are_as_good_as_none() {
    let bench = Bench::new().await;
    let sent = Sent::new(&bench, "/slack/events", event("Ev1"));
    let request = Request::post(sent.path)
        .header("x-slack-request-timestamp", sent.timestamp)
        .header("x-slack-signature", "v0=00")
        .header("x-slack-signature", sent.signature.unwrap())
        .body(Body::from(sent.body))
        .unwrap();
    let door = routes(&SecretString::from(SECRET), bench.deliveries.clone(), bench.clock.clone());
    assert_eq!(door.oneshot(request).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_a_secret_nobody_gets_in() {
    let bench = Bench::new().await;
    let sent = Sent::new(&bench, "/slack/events", event("Ev1"));
    let request = Request::post(sent.path)
        .header("x-slack-request-timestamp", sent.timestamp)
        .header("x-slack-signature", sign("", sent.timestamp, &sent.body))
        .body(Body::from(sent.body))
        .unwrap();
    let door = routes(&SecretString::from(String::new()), bench.deliveries.clone(), bench.clock.clone());
    assert_eq!(door.oneshot(request).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_replayed_body_is_a_repeat() {
    let bench = Bench::new().await;
    let sent = Sent::new(&bench, "/slack/commands", "command=%2Fdevtask&text=list");
    for _ in 0..3 {
        assert_eq!(sent.to(&bench).await, ok());
        bench.clock.turn(TimeDelta::minutes(1));
    }
    bench.all_done().await;
    assert_eq!(bench.desk.called().len(), 1);
    bench.clock.turn(TimeDelta::minutes(3));
    assert_eq!(sent.to(&bench).await.0, StatusCode::UNAUTHORIZED, "and an old one no more");
    let again = Sent::new(&bench, "/slack/commands", "command=%2Fdevtask&text=list");
    assert_eq!(again.to(&bench).await, ok(), "the same words at another time are another command");
    assert_eq!(bench.called(2).await.len(), 2);
}

#[tokio::test]
async fn an_event_that_comes_again_is_known_whatever_its_signature() {
    let bench = Bench::new().await;
    assert_eq!(Sent::new(&bench, "/slack/events", event("Ev1")).to(&bench).await, ok());
    bench.clock.turn(TimeDelta::minutes(1));
    let again = Sent { retry: Some(1), ..Sent::new(&bench, "/slack/events", event("Ev1")) };
    assert_eq!(again.to(&bench).await, ok());
    bench.all_done().await;
    assert_eq!(bench.desk.called().len(), 1);
}

#[tokio::test]
async fn what_is_signed_and_still_no_delivery_is_said_so() {
    let bench = Bench::new().await;
    let long = format!("command=%2Fdevtask&text={}", "x".repeat(BODY_MAX));
    for (path, body, status) in [
        ("/slack/events", "{", StatusCode::BAD_REQUEST),
        ("/slack/events", "[]", StatusCode::BAD_REQUEST),
        ("/slack/events", r#"{"type":"url_verification"}"#, StatusCode::BAD_REQUEST),
        ("/slack/commands", "text=hi", StatusCode::BAD_REQUEST),
        ("/slack/interactions", "payload=%7B", StatusCode::BAD_REQUEST),
        ("/slack/interactions", "payload=7", StatusCode::BAD_REQUEST),
        ("/slack/interactions", "other=%7B%7D", StatusCode::BAD_REQUEST),
        ("/slack/commands", long.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
        ("/slack/commands", "ssl_check=1&token=x", StatusCode::OK),
        ("/slack/elsewhere", "x", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(
            Sent::new(&bench, path, body).to(&bench).await.0,
            status,
            "{path} {}",
            &body[..body.len().min(40)]
        );
    }
    assert!(bench.open().await.is_empty() && bench.desk.called().is_empty());
}

#[tokio::test]
async fn who_hangs_up_takes_nothing_back() {
    let bench = Bench::new().await;
    let sent = Sent::new(&bench, "/slack/commands", "command=%2Fdevtask&text=slow+tell");
    let hung_up = tokio::time::timeout(std::time::Duration::from_millis(300), sent.to(&bench)).await;
    assert!(hung_up.is_err(), "its ack is still being thought about");
    assert_eq!(bench.called(1).await.len(), 1);
    bench.all_done().await;
}

#[tokio::test]
async fn what_is_not_on_disk_is_not_acked() {
    let bench = Bench::new().await;
    bench.store.close().await;
    let (status, _) = Sent::new(&bench, "/slack/events", event("Ev1")).to(&bench).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}
