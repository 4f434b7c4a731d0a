//! Laws of the page's server: its files are whole, its door is shut to other origins, its answers run nothing foreign.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt;

use super::assets::ALL;
use super::*;
use crate::workbench::slack::Slack;

/// A stage that only counts.
#[derive(Default)]
struct Counting(Mutex<ControlPlane>);

#[async_trait]
impl Stage for Counting {
    async fn look(&self) -> Look {
        Look { control_plane: self.0.lock().unwrap().clone(), hints: vec![Hint::new("try", "/devtask help")] }
    }

    async fn kill(&self) -> Result<(), NotNow> {
        let mut it = self.0.lock().unwrap();
        if it.kills > 0 {
            return Err(NotNow("it is dead already".into()));
        }
        it.kills += 1;
        Ok(())
    }
}

async fn slack() -> Slack {
    Slack::start(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap()
}

fn page(slack: &str) -> Router {
    let sides = Sides { slack: slack.to_owned(), forge: "http://127.0.0.1:9".to_owned() };
    routes(sides, Arc::new(Counting::default()))
}

async fn ask(page: &Router, request: axum::http::request::Builder, body: &str) -> Response<Body> {
    page.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
}

fn get_(path: &str) -> axum::http::request::Builder {
    Request::get(path).header(header::HOST, "127.0.0.1:4000")
}

fn post_(path: &str) -> axum::http::request::Builder {
    Request::post(path)
        .header(header::HOST, "127.0.0.1:4000")
        .header(header::CONTENT_TYPE, "application/json")
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 22).await.unwrap().to_vec()).unwrap()
}

async fn json(response: Response<Body>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

#[test]
fn every_file_of_the_page_is_in_the_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/workbench/page/web");
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let served: BTreeSet<String> = ALL.iter().map(|a| a.name.to_owned()).collect();
    assert_eq!(names.collect::<BTreeSet<_>>(), served);
}

#[test]
fn modules_import_each_other_and_use_what_is_there() {
    let mut used = BTreeSet::from(["index.html".to_owned()]);
    for asset in ALL {
        for quoted in asset.text.split('"').skip(1).step_by(2) {
            let name = quoted.strip_prefix("./").or_else(|| quoted.strip_prefix('/')).unwrap_or_default();
            if ALL.iter().any(|a| a.name == name) {
                used.insert(name.to_owned());
            } else {
                assert!(!quoted.starts_with("./"), "{} imports {quoted}, which is not there", asset.name);
            }
        }
    }
    assert_eq!(used, ALL.iter().map(|a| a.name.to_owned()).collect(), "a file that nobody uses");
}

#[test]
fn foreign_text_never_becomes_markup_and_nothing_comes_from_elsewhere() {
    for asset in ALL {
        for wrong in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            " style=",
        ] {
            assert!(!asset.text.contains(wrong), "{} has {wrong}", asset.name);
        }
        let namespaces = asset.text.replace("http://www.w3.org/2000/svg", "");
        let foreign = namespaces.match_indices("://").filter(|(at, _)| {
            namespaces.get(at + 3..).is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric()))
        });
        assert_eq!(foreign.count(), 0, "{} names another machine", asset.name);
    }
}

#[tokio::test]
async fn answers_may_run_nothing_but_this_page() {
    let page = page("http://127.0.0.1:9");
    for (path, kind) in [
        ("/", "text/html"),
        ("/app.js", "text/javascript"),
        ("/page.css", "text/css"),
        ("/favicon.svg", "image/svg+xml"),
    ] {
        let response = ask(&page, get_(path), "").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with(kind), "{path}");
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    assert_eq!(ask(&page, get_("/mod.rs"), "").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(ask(&page, get_("/..%2fmod.rs"), "").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn other_hosts_and_origins_are_turned_away() {
    let page = page("http://127.0.0.1:9");
    let with = |host: &str, origin: Option<&str>| {
        let request = Request::post("/_demo/kill").header(header::HOST, host);
        origin.into_iter().fold(request, |r, o| r.header(header::ORIGIN, o))
    };
    for (host, origin) in [
        ("evil.example", None),
        ("127.0.0.1.evil.example:4000", None),
        ("127.0.0.1:4000", Some("http://evil.example")),
        ("127.0.0.1:4000", Some("http://127.0.0.1:4001")),
        ("127.0.0.1:4000", Some("null")),
    ] {
        let response = ask(&page, with(host, origin), "").await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{host} {origin:?}");
    }
    assert_eq!(ask(&page, Request::get("/"), "").await.status(), StatusCode::FORBIDDEN, "no host at all");
    let own = ask(&page, with("localhost:4000", Some("http://localhost:4000")), "").await;
    assert_eq!(own.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_a_person_does_reaches_the_workspace() {
    let slack = slack().await;
    let page = page(slack.url());
    let said = r#"{"as":"U0ANA","do":"say","channel":"C0DEV","text":"hello <there>"}"#;
    let receipt = json(ask(&page, post_("/_slack/act"), said).await).await;
    assert!(receipt["ts"].is_string(), "{receipt}");
    let state = json(ask(&page, get_("/_slack/state?as=U0BO"), "").await).await;
    assert_eq!(state["me"]["name"], "bo");
    assert!(state.to_string().contains("hello &lt;there&gt;"), "{state}");
    let refused = ask(&page, post_("/_slack/act"), r#"{"as":"U0ANA","do":"submit"}"#).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    assert_eq!(json(refused).await["error"], "no modal is open");
}

#[tokio::test]
async fn a_far_side_that_is_gone_is_said_so() {
    let page = page("http://127.0.0.1:9");
    for path in ["/_slack/people", "/_forge/pulls"] {
        let response = ask(&page, get_(path), "").await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        assert!(json(response).await["error"].is_string());
    }
    let long = "x".repeat(MOST_BODY + 1);
    assert_eq!(ask(&page, post_("/_slack/act"), &long).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_kill_is_the_stages_and_its_refusal_is_told() {
    let page = page("http://127.0.0.1:9");
    assert_eq!(ask(&page, post_("/_demo/kill"), "").await.status(), StatusCode::NO_CONTENT);
    let again = ask(&page, post_("/_demo/kill"), "").await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert_eq!(json(again).await["error"], "it is dead already");
    let stage = json(ask(&page, get_("/_demo/stage"), "").await).await;
    assert_eq!(stage["controlPlane"]["kills"], 1);
    assert_eq!(stage["controlPlane"]["eventsLost"], 0);
    assert_eq!(stage["hints"][0]["text"], "/devtask help");
}
