//! The signed door, end to end: what is not Slack's of this moment does nothing. And a form that came too late.

use axum::body::Bytes;
use devtask::workbench::slack::{Fault, What, signature};
use http_body_util::Full;
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use secrecy::ExposeSecret;

use super::{ANA, DEV, Mode, Rules, Town, sessions};

in_both_modes! {
    a_form_that_could_not_open_is_said_and_keeps_the_words
}

/// A request as Slack makes it, or nearly.
struct Knock {
    body: String,
    timestamp: i64,
    signature: String,
}

impl Knock {
    fn of(town: &Town, body: &str, age: i64) -> Self {
        let timestamp = devtask::clock::Clock::system().now().timestamp() - age;
        let tokens = town.slack.tokens();
        let secret = tokens.signing_secret.expose_secret();
        let signature = signature(secret.as_bytes(), timestamp, body);
        Self { body: body.to_owned(), timestamp, signature }
    }

    async fn at(&self, town: &Town, path: &str) -> u16 {
        let request = Request::post(format!("{}/slack/{path}", town.origin()))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", self.timestamp)
            .header("x-slack-signature", &self.signature)
            .body(Full::new(Bytes::from(self.body.clone())));
        let client = Client::builder(TokioExecutor::new()).build_http();
        client.request(request.unwrap()).await.unwrap().status().as_u16()
    }
}

fn command(text: &str) -> String {
    format!(
        "team_id=T0ACME&channel_id={DEV}&channel_name=dev&user_id={ANA}&user_name=ana&command=%2Fdevtask&text={text}\
         &api_app_id=A0APP&trigger_id=1.2.x"
    )
}

#[tokio::test]
async fn what_is_not_slacks_of_this_moment_does_nothing() {
    let town = Town::open(Mode::Http).await;
    let body = command("new+Leave+a+note");
    let good = Knock::of(&town, &body, 0);
    let forged = Knock { signature: format!("v0={}", "0".repeat(64)), ..Knock::of(&town, &body, 0) };
    let changed = Knock { body: command("new+Delete+everything"), ..Knock::of(&town, &body, 0) };
    let old = Knock::of(&town, &body, 400);
    let early = Knock::of(&town, &body, -400);
    let large = Knock::of(&town, &command(&"x".repeat(1 << 20)), 0);
    assert_eq!(forged.at(&town, "commands").await, 401);
    assert_eq!(changed.at(&town, "commands").await, 401);
    assert_eq!(old.at(&town, "commands").await, 401);
    assert_eq!(early.at(&town, "commands").await, 401);
    assert_eq!(large.at(&town, "commands").await, 413);
    assert_eq!(sessions(&town).await, 0, "nothing has happened");
    assert_eq!(good.at(&town, "commands").await, 200);
    town.sees(DEV, "the session is there", |seen| seen.contains("## dt-1 ")).await;
    for _ in 0..3 {
        assert_eq!(good.at(&town, "commands").await, 200, "a repeat is acked, and that is all");
    }
    assert_eq!(sessions(&town).await, 1);
    let log = town.log();
    assert!(!log.contains("Delete+everything"), "{log}");
}

async fn a_form_that_could_not_open_is_said_and_keeps_the_words(mode: Mode) {
    let town = Town::open_with(mode, Rules { repo: None, ..Rules::default() }).await;
    let expired = || Fault::call("views.open", What::Error { error: "expired_trigger_id".into() });
    town.slack.fault(expired());
    town.says(ANA, DEV, "/devtask new", None).await;
    town.told(1).await;
    town.slack.fault(expired());
    town.says(ANA, DEV, "/devtask new Leave a note", None).await;
    town.told(2).await;
    insta::assert_snapshot!("expired_trigger", town.seen(DEV));
    assert!(town.slack.modal(ANA).is_none());
    town.says(ANA, DEV, "/devtask new Leave a note", None).await;
    let form = town.until("the form is open", async || town.slack.modal(ANA)).await;
    assert!(form.contains("Leave a note"), "{form}");
    assert_eq!(sessions(&town).await, 0);
}
