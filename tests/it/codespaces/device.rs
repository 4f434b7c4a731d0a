//! The device flow against GitHub's answers, each as its documentation shows it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use devtask::clock::Clock;
use devtask::github::device::{Devices, Poll};
use devtask::github::{GitHubError, Settings};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// What is answered next, and what was asked.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Value>>,
    asked: Mutex<Vec<Value>>,
}

async fn answer(
    State(script): State<Arc<Script>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    assert_eq!(headers["accept"], "application/json", "or the answer is a form");
    script.asked.lock().unwrap().push(body);
    let next = script.answers.lock().unwrap().pop_front().unwrap();
    (StatusCode::OK, Json(next))
}

async fn github(answers: &[Value]) -> (Devices, Arc<Script>, AbortOnDropHandle<()>) {
    let script = Arc::new(Script { answers: Mutex::new(answers.to_vec().into()), ..Script::default() });
    let routes = Router::new()
        .route("/login/device/code", post(answer))
        .route("/login/oauth/access_token", post(answer))
        .with_state(Arc::clone(&script));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving =
        AbortOnDropHandle::new(tokio::spawn(async { axum::serve(listener, routes).await.unwrap() }));
    let settings = Settings { git_base_url: url, ..Settings::default() };
    (Devices::new(&settings, "Iv1.abc", Clock::system()).unwrap(), script, serving)
}

fn code() -> Value {
    json!({ "device_code": "d3v1ce", "user_code": "WDJB-MJHT", "expires_in": 900, "interval": 5,
            "verification_uri": "https://github.com/login/device" })
}

fn error(word: &str) -> Value {
    json!({ "error": word, "error_description": "Said at length." })
}

#[tokio::test]
async fn a_person_types_a_code_and_we_get_a_token() {
    let mut slow = error("slow_down");
    slow["interval"] = json!(10);
    let token = json!({ "access_token": "gho_1", "token_type": "bearer", "scope": "codespace,repo" });
    let answers = [code(), error("authorization_pending"), slow, error("slow_down"), token];
    let (devices, script, _serving) = github(&answers).await;
    let code = devices.code(&["codespace", "repo"]).await.unwrap();
    assert_eq!((code.user_code.as_str(), code.interval), ("WDJB-MJHT", Duration::from_secs(5)));
    assert!(!format!("{code:?}").contains("d3v1ce"));
    assert!(matches!(devices.token(&code).await.unwrap(), Poll::Pending));
    assert!(matches!(devices.token(&code).await.unwrap(), Poll::SlowDown(d) if d.as_secs() == 10));
    assert!(matches!(devices.token(&code).await.unwrap(), Poll::SlowDown(d) if d.as_secs() == 10), "5 more");
    let Poll::Token(token) = devices.token(&code).await.unwrap() else { panic!("no token") };
    assert_eq!(token.expose_secret(), "gho_1");
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked[0], json!({ "client_id": "Iv1.abc", "scope": "codespace repo" }));
    assert_eq!(asked[1]["device_code"], "d3v1ce");
    assert_eq!(asked[1]["grant_type"], "urn:ietf:params:oauth:grant-type:device_code");
}

#[tokio::test]
async fn a_person_may_refuse_or_come_too_late() {
    let wrong = error("incorrect_client_credentials");
    let answers = [code(), error("access_denied"), error("expired_token"), wrong.clone(), json!({}), wrong];
    let (devices, _script, _serving) = github(&answers).await;
    let code = devices.code(&["codespace"]).await.unwrap();
    assert!(matches!(devices.token(&code).await.unwrap(), Poll::Denied));
    assert!(matches!(devices.token(&code).await.unwrap(), Poll::Expired));
    let refused = devices.token(&code).await.unwrap_err();
    insta::assert_snapshot!(refused.sentence(), @"GitHub declined to link a GitHub account: Said at length.");
    let odd = devices.token(&code).await.unwrap_err();
    assert!(matches!(odd, GitHubError::Unreadable { .. }), "{odd}");
    let no_app = devices.code(&[]).await.unwrap_err();
    assert!(matches!(no_app, GitHubError::Invalid { .. }), "{no_app}");
}
