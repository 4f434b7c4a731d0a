//! The Web API against a server that answers what a test wants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::slack::gateway::{OpenError, OpenSocket};
use crate::slack::names::Place;
use crate::slack::render::Post;

#[derive(Clone, Debug, Default)]
struct Call {
    method: String,
    verb: String,
    token: String,
    body: String,
}

impl Call {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

enum Answer {
    Json(Value),
    Status(StatusCode, Option<&'static str>),
    Text(&'static str),
    Never,
}

/// Answers in order, and remembers what it was asked.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<(Vec<Call>, VecDeque<Answer>)>>);

impl Fake {
    fn then(&self, answer: Answer) -> &Self {
        self.0.lock().unwrap().1.push_back(answer);
        self
    }

    fn says(&self, body: Value) -> &Self {
        self.then(Answer::Json(body))
    }

    fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().0.clone()
    }

    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake = self.clone();
        let take = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let fake = fake.clone();
            async move { fake.take(&method, &uri, &headers, &body).await }
        };
        let app = axum::Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(listener, app).await });
        format!("http://{address}/api")
    }

    async fn take(&self, verb: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Response {
        let token = headers.get(header::AUTHORIZATION).map_or("", |t| t.to_str().unwrap()).to_owned();
        let body = uri.query().map_or(String::from_utf8_lossy(body).into_owned(), str::to_owned);
        let method = uri.path().trim_start_matches("/api/").to_owned();
        let answer = {
            let mut inner = self.0.lock().unwrap();
            inner.0.push(Call { method, verb: verb.to_string(), token, body });
            inner.1.pop_front().expect("a call nobody expected")
        };
        match answer {
            Answer::Json(body) => axum::Json(body).into_response(),
            Answer::Text(text) => text.into_response(),
            Answer::Status(status, None) => (status, "{}").into_response(),
            Answer::Status(status, Some(after)) => (
                status,
                [(header::RETRY_AFTER, after)],
                axum::Json(json!({"ok": false, "error": "ratelimited"})),
            )
                .into_response(),
            Answer::Never => std::future::pending().await,
        }
    }
}

fn settings(api: &str) -> Settings {
    Settings {
        bot_token: Some(SecretString::from("xoxb-secret")),
        app_token: Some(SecretString::from("xapp-secret")),
        api_url: Some(api.to_owned()),
        ..Settings::default()
    }
}

fn clock() -> Clock {
    Clock::by_hand(DateTime::from_timestamp(1_790_000_000, 0).unwrap())
}

async fn web() -> (Fake, Web) {
    let fake = Fake::default();
    let web = Web::with_limit(&settings(&fake.serve().await), clock(), Duration::from_millis(300)).unwrap();
    (fake, web)
}

fn hello() -> Post {
    Post { text: "dt-1 is running".to_owned(), blocks: Vec::new() }
}

fn thread() -> Place {
    Place { channel: "C1".to_owned(), thread: Some("10.000001".to_owned()) }
}

#[tokio::test]
async fn a_post_carries_its_key_and_unfurls_nothing() {
    let (fake, web) = web().await;
    // A message nobody has a model for is a message that was posted.
    fake.says(json!({"ok": true, "ts": "11.000002", "channel": "C1", "message": {"blocks": [{"type": 7}]}}));
    assert_eq!(web.post(&thread(), &hello(), "dt-1/ask:x").await.unwrap(), "11.000002");
    let call = &fake.calls()[0];
    assert_eq!((call.method.as_str(), call.token.as_str()), ("chat.postMessage", "Bearer xoxb-secret"));
    let sent = call.json();
    assert_eq!(sent["metadata"], json!({"event_type": "devtask", "event_payload": {"key": "dt-1/ask:x"}}));
    assert_eq!((&sent["unfurl_links"], &sent["unfurl_media"]), (&json!(false), &json!(false)));
    assert_eq!(sent["thread_ts"], "10.000001");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let fake = Fake::default();
    let web = Web::new(&settings(&fake.serve().await), clock()).unwrap();
    let padded =
        |bytes: usize| json!({"ok": true, "ts": "11.000002", "channel": "C1", "w": "w".repeat(bytes)});
    let post = async || web.post(&thread(), &hello(), "dt-1/root").await;
    for _ in 0..3 {
        // What was read before does not count against the next.
        fake.says(padded(bounded::ANSWER_MAX / 2));
        assert_eq!(post().await.unwrap(), "11.000002");
    }
    fake.says(padded(bounded::ANSWER_MAX));
    assert_eq!(post().await, Err(WebError::Unsure));
    fake.says(padded(1));
    assert_eq!(post().await.unwrap(), "11.000002", "on another connection");
}

#[tokio::test]
async fn what_slack_answers_becomes_a_kind_of_error() {
    let (fake, web) = web().await;
    let refused = |code: &str| Err(WebError::Refused { code: code.to_owned() });
    let wait = |s| Err(WebError::RateLimited { after: Duration::from_secs(s) });
    let table = [
        (Answer::Json(json!({"ok": false, "error": "is_archived"})), refused("is_archived")),
        (Answer::Json(json!({"ok": false, "error": "<!channel> it"})), refused("channelit")),
        (Answer::Status(StatusCode::TOO_MANY_REQUESTS, Some("7")), wait(7)),
        (Answer::Json(json!({"ok": false, "error": "ratelimited"})), wait(30)),
        (Answer::Json(json!({"ok": false, "error": "fatal_error"})), Err(WebError::Unsure)),
        (Answer::Status(StatusCode::BAD_GATEWAY, None), Err(WebError::Unsure)),
        (Answer::Status(StatusCode::NOT_FOUND, None), refused("http_404")),
        (Answer::Json(json!({"ok": true})), Ok(())),
        (Answer::Never, Err(WebError::Unsure)),
    ];
    for (answer, expected) in table {
        fake.then(answer);
        assert_eq!(web.update("C1", "10.000001", &hello()).await, expected);
    }
}

#[tokio::test]
async fn an_answer_without_the_message_is_no_proof_that_nothing_was_posted() {
    let (fake, web) = web().await;
    fake.says(json!({"ok": true}));
    assert_eq!(web.post(&thread(), &hello(), "k").await, Err(WebError::Unsure));
}

#[tokio::test]
async fn who_reads_and_is_cut_changed_nothing() {
    let (fake, web) = web().await;
    fake.then(Answer::Never);
    assert!(matches!(web.user("U1").await, Err(WebError::Down { .. })));
    let nobody = Web::new(&settings("http://127.0.0.1:9/api"), clock()).unwrap();
    assert!(matches!(nobody.update("C1", "1.0", &hello()).await, Err(WebError::Down { .. })));
}

#[tokio::test]
async fn a_message_is_found_by_its_key_among_whatever_else_there_is() {
    let (fake, web) = web().await;
    let ours = |ts: &str, key: &str| json!({"ts": ts, "metadata": {"event_type": "devtask", "event_payload": {"key": key}}});
    let strange =
        json!({"ts": "12.0", "metadata": {"event_type": "x", "event_payload": {"key": {"deep": [1]}}}});
    fake.says(json!({"ok": true, "messages": [ours("13.000001", "dt-1/root"), strange, 7, ours("12.5", "dt-10/root")],
        "response_metadata": {"next_cursor": "more"}}));
    fake.says(json!({"ok": true, "messages": [ours("11.000009", "dt-1/root")], "response_metadata": {"next_cursor": ""}}));
    let place = Place { channel: "C1".to_owned(), thread: None };
    let since = DateTime::from_timestamp(1_790_000_000, 250_000_000).unwrap();
    assert_eq!(web.find(&place, "dt-1/root", since).await.unwrap(), ["11.000009", "13.000001"]);
    let calls = fake.calls();
    assert_eq!((calls[0].method.as_str(), calls[0].verb.as_str()), ("conversations.history", "GET"));
    assert!(calls[0].body.contains("oldest=1789999880.250000"), "{}", calls[0].body);
    assert!(calls[0].body.contains("include_all_metadata=true"));
    assert!(calls[1].body.contains("cursor=more"));
}

#[tokio::test]
async fn in_a_thread_its_replies_are_looked_through() {
    let (fake, web) = web().await;
    fake.says(json!({"ok": true, "messages": []}));
    let since = clock().now();
    assert!(web.find(&thread(), "k", since).await.unwrap().is_empty());
    let call = &fake.calls()[0];
    assert_eq!(call.method, "conversations.replies");
    assert!(call.body.contains("ts=10.000001") && call.body.contains("include_all_metadata=true"));
}

#[tokio::test]
async fn a_person_is_asked_for_once_in_ten_minutes() {
    let (fake, web) = web().await;
    let ana = json!({"ok": true, "user": {"id": "U1", "team_id": "T1", "name": "ana", "is_restricted": true,
        "is_owner": true, "profile": {"display_name": "", "phone": null}, "real_name": "Ana L"}});
    fake.says(ana.clone()).says(ana);
    let person = web.user("U1").await.unwrap();
    let expected = Person {
        id: "U1".to_owned(),
        name: "Ana L".to_owned(),
        team: Some("T1".to_owned()),
        guest: true,
        bot: false,
        admin: true,
    };
    assert_eq!(person, expected);
    web.0.clock.turn(TimeDelta::minutes(9));
    web.user("U1").await.unwrap();
    assert_eq!(fake.calls().len(), 1);
    web.0.clock.turn(TimeDelta::minutes(1));
    web.user("U1").await.unwrap();
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test]
async fn a_response_address_takes_words_without_a_token() {
    let (fake, web) = web().await;
    let url = fake.serve().await + "/answers";
    fake.then(Answer::Text("ok"));
    web.respond(&url, &hello()).await.unwrap();
    assert_eq!(fake.calls()[0].token, "");
    assert_eq!(fake.calls()[0].json()["replace_original"], json!(false));
    assert!(matches!(web.respond("no address", &hello()).await, Err(WebError::Down { .. })));
}

#[tokio::test]
async fn a_socket_is_opened_with_the_other_token() {
    let (fake, web) = web().await;
    fake.says(json!({"ok": true, "url": "ws://127.0.0.1/?ticket=1"}));
    assert_eq!(web.open().await.unwrap().expose_secret(), "ws://127.0.0.1/?ticket=1");
    assert_eq!(fake.calls()[0].token, "Bearer xapp-secret");
    fake.says(json!({"ok": false, "error": "invalid_auth"}));
    assert_eq!(web.open().await.unwrap_err(), OpenError::Refused("invalid_auth".to_owned()));
}

#[tokio::test]
async fn what_is_there_already_is_no_error() {
    let (fake, web) = web().await;
    fake.says(json!({"ok": false, "error": "already_reacted"}));
    web.react("C1", "1.0", "eyes").await.unwrap();
    fake.says(json!({"ok": true, "already_in_channel": true, "warning": "already_in_channel"}));
    web.join("C1").await.unwrap();
}

#[tokio::test]
async fn no_token_is_ever_shown() {
    let (fake, web) = web().await;
    fake.says(json!({"ok": false, "error": "invalid_auth"}));
    let error = web.auth_test().await.unwrap_err();
    for text in [format!("{web:?}"), format!("{error:?}"), error.to_string()] {
        assert!(!text.contains("secret"), "{text}");
    }
    assert!(Web::new(&Settings::default(), clock()).is_err());
    assert!(Web::new(&settings("slack.test/api"), clock()).is_err());
}
