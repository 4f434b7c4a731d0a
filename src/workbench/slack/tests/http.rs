//! Signed HTTP: the same deliveries, posted, with Slack's signature and retry headers.

use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use slack_morphism::SlackSigningSecret;
use slack_morphism::signature_verifier::SlackEventSignatureVerifier;

use super::*;

type Heard = Arc<Mutex<Vec<(String, HeaderMap, String)>>>;

/// An app that notes what it is sent, and answers by what it was asked.
async fn app() -> (String, Heard) {
    let heard = Heard::default();
    let hear = |State(heard): State<Heard>, uri: axum::http::Uri, headers: HeaderMap, body: String| async move {
        let said = serde_json::from_str::<Value>(&body).unwrap_or_default();
        heard.lock().unwrap().push((uri.path().to_owned(), headers, body));
        if let Some(challenge) = said["challenge"].as_str() {
            return (StatusCode::OK, challenge.to_owned());
        }
        let fails = said["event"]["text"] == "fail" && heard.lock().unwrap().len() == 1;
        let status = if fails { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        let command = uri.path().ends_with("commands");
        (status, if command { r#"{"text": "on it"}"#.to_owned() } else { String::new() })
    };
    let router = Router::new().route("/slack/{what}", post(hear)).with_state(Arc::clone(&heard));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    (base, heard)
}

#[tokio::test]
async fn deliveries_are_posted_and_signed() {
    let (base, heard) = app().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The library's check reads the machine's clock, so the workspace does too.
    let slack = Slack::start(listener).unwrap();
    slack.deliver_to(Some(&base));
    slack.verify_url().await.unwrap();
    slack.enter(DEV, &slack.bot_user()).unwrap();
    let sent = slack.say(ANA, DEV, "/devtask new <a> & b", None).unwrap().delivery.unwrap();
    assert_eq!(slack.settled(&sent, WITHIN).await.unwrap()["answer"], json!({ "text": "on it" }));
    assert!(slack.transcript(DEV).unwrap().contains("(only ana) [devtask] on it"));
    let verifier = SlackEventSignatureVerifier::new(&SlackSigningSecret::new(
        slack.tokens().signing_secret.expose_secret().into(),
    ));
    let heard = heard.lock().unwrap();
    for (path, headers, body) in heard.iter() {
        let header = |key: &str| headers[key].to_str().unwrap();
        let checked = verifier.verify(header("x-slack-signature"), body, header("x-slack-request-timestamp"));
        assert!(checked.is_ok(), "{path}: {checked:?}");
    }
    let command = heard.iter().find(|(path, ..)| path == "/slack/commands").unwrap();
    assert!(command.2.contains("text=new+%26lt%3Ba%26gt%3B+%26amp%3B+b"), "{}", command.2);
}

#[tokio::test]
async fn an_event_that_failed_says_so_when_it_comes_again() {
    let (base, heard) = app().await;
    let slack = joined().await;
    slack.deliver_to(Some(&base));
    slack.act(ANA, Act::Dm).unwrap();
    slack.tick();
    tokio::time::timeout(WITHIN, async {
        while slack.deliveries().iter().any(|d| d["outcome"] == "sent") {
            slack.versions().changed().await.unwrap();
        }
    })
    .await
    .unwrap();
    heard.lock().unwrap().clear();
    let mut versions = slack.versions();
    slack.say(ANA, DEV, "fail", None).unwrap();
    let again = async {
        while heard.lock().unwrap().len() < 2 {
            slack.turn(TimeDelta::milliseconds(200));
            drop(tokio::time::timeout(Duration::from_millis(10), versions.changed()).await);
        }
    };
    tokio::time::timeout(WITHIN, again).await.unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(heard[0].1.get("x-slack-retry-num"), None);
    assert_eq!(
        (&heard[1].1["x-slack-retry-num"], &heard[1].1["x-slack-retry-reason"]),
        (&"1".parse().unwrap(), &"http_error".parse().unwrap())
    );
}
