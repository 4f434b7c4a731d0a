//! The manifest is what the code does: its files, its scopes, its events, and what the documentation says of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use devtask::clock::Clock;
use devtask::slack::manifest::{self, Base, CALLS, COMMAND, EVENTS, Manifest, Reach, SCOPES, SHORTCUT};
use devtask::workbench::slack::{Settings, Shortcut, Slack};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::schema;
use crate::figures::skipped;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn base() -> Base {
    "https://devtask.example.com".parse().unwrap()
}

fn both() -> [(&'static str, Manifest); 2] {
    [
        ("manifests/slack.json", Manifest::new(&Reach::Socket)),
        ("manifests/slack-http.json", Manifest::new(&Reach::Http(base()))),
    ]
}

/// The file is what the code makes; with `INSTA_UPDATE=always` it becomes that.
fn same(file: &str, wanted: &str) {
    let path = root().join(file);
    let found = fs::read_to_string(&path).unwrap_or_default();
    if found != wanted && std::env::var("INSTA_UPDATE").is_ok_and(|v| v == "always") {
        fs::write(&path, wanted).unwrap();
        return;
    }
    assert_eq!(found, wanted, "{file} is not what the code makes: run this test with INSTA_UPDATE=always");
}

#[test]
fn the_files_are_what_the_code_makes() {
    for (file, manifest) in both() {
        same(file, &manifest.json().unwrap());
    }
}

#[test]
fn the_documentation_names_each_scope_with_its_reason() {
    const BEGIN: &str = "<!-- scopes: made by tests/it/slack/manifest.rs -->\n";
    const END: &str = "<!-- end of scopes -->";
    let mut table = "| scope | what for |\n|---|---|\n".to_owned();
    for scope in SCOPES {
        writeln!(table, "| `{}` | {} |", scope.name, scope.why).unwrap();
    }
    let text = fs::read_to_string(root().join("docs/slack.md")).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("docs/slack.md has no place for the scopes");
    let (_, after) = rest.split_once(END).expect("the scopes in docs/slack.md have no end");
    same("docs/slack.md", &format!("{before}{BEGIN}{table}{END}{after}"));
}

#[test]
fn nothing_is_asked_for_that_nothing_needs() {
    let mut needed: BTreeSet<&str> = CALLS.iter().flat_map(|(_, scopes)| scopes.iter().copied()).collect();
    needed.extend(EVENTS.iter().map(|(_, scope)| *scope));
    needed.insert("commands");
    let asked: Vec<&str> = SCOPES.iter().map(|s| s.name).collect();
    assert_eq!(asked, needed.into_iter().collect::<Vec<_>>(), "each once, in order");
}

/// `chat.postMessage` and `chat_post_message` alike.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The room's code without comments, and without the tables themselves.
fn room() -> String {
    let mut files = Vec::new();
    rust_files(&root().join("src/slack"), &mut files);
    files.retain(|f| !f.ends_with("manifest.rs") && !f.components().any(|c| c.as_os_str() == "tests"));
    let text = |f: &PathBuf| fs::read_to_string(f).unwrap();
    let code = |text: &str| -> String {
        text.split_inclusive('\n').filter(|l| !l.trim_start().starts_with("//")).collect()
    };
    files.iter().map(|f| code(&text(f))).collect()
}

/// Families of Web API methods: what the code could call.
const FAMILIES: &[&str] = &[
    "admin",
    "agents",
    "api",
    "apps",
    "assistant",
    "auth",
    "bookmarks",
    "bots",
    "calls",
    "canvases",
    "chat",
    "conversations",
    "dialog",
    "dnd",
    "emoji",
    "files",
    "lists",
    "oauth",
    "pins",
    "reactions",
    "reminders",
    "search",
    "stars",
    "team",
    "usergroups",
    "users",
    "views",
];

/// Methods called by slack-morphism's functions (`.chat_update(`) or by name (`"chat.update"`).
fn called(code: &str) -> BTreeSet<String> {
    let ours = |name: &str, by: char| {
        let family = name.split(by).next().unwrap_or_default();
        name.contains(by) && FAMILIES.contains(&family)
    };
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices('.') {
        let name: String =
            code[at + 1..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        if code[at + 1 + name.len()..].starts_with('(') && ours(&name, '_') {
            found.insert(plain(&name));
        }
    }
    for text in code.split('"').skip(1).step_by(2) {
        let like = |c: char| c.is_ascii_alphanumeric() || c == '.';
        if ours(text, '.') && text.chars().all(like) {
            found.insert(plain(text));
        }
    }
    found
}

#[test]
fn every_method_the_code_calls_is_in_the_table_and_no_other() {
    let listed: BTreeSet<String> = CALLS.iter().map(|(name, _)| plain(name)).collect();
    let called = called(&room());
    let unlisted: Vec<_> = called.difference(&listed).collect();
    assert!(unlisted.is_empty(), "add these to CALLS with their scopes: {unlisted:?}");
    let unused: Vec<_> = listed.difference(&called).collect();
    assert!(unused.is_empty(), "nothing calls these any more: {unused:?}");
}

#[test]
fn everything_slack_is_told_to_send_is_read() {
    let code = room();
    let kinds = EVENTS.iter().map(|(name, _)| name.split('.').next().unwrap());
    let paths = [manifest::EVENTS_PATH, manifest::COMMANDS_PATH, manifest::INTERACTIONS_PATH];
    for word in kinds.chain(paths).chain(["message_action"]) {
        assert!(code.contains(&format!("\"{word}\"")), "nothing in the room reads {word}");
    }
}

#[test]
fn the_reader_of_code_sees_both_ways_of_calling() {
    let code = "session.chat_post_message(&req); post(\"reactions.add\", x); self.users_seen(); \"users\" x.y(\"files.upload v\")";
    let found: Vec<_> = called(code).into_iter().collect();
    assert_eq!(found, ["chatpostmessage", "reactionsadd", "usersseen"]);
}

#[test]
fn the_manifests_fit_slacks_own_schema() {
    let path = root().join("../shared/reference/slack-manifest.schema.json");
    let Ok(text) = fs::read_to_string(&path) else {
        return skipped("the manifests against Slack's schema: it does not lie beside the clone");
    };
    let schema: Value = serde_json::from_str(&text).unwrap();
    for (file, manifest) in both() {
        let manifest: Value = serde_json::from_str(&manifest.json().unwrap()).unwrap();
        assert_eq!(schema::wrong(&schema, &manifest), Vec::<String>::new(), "{file}");
    }
    // What it would catch.
    let mut bad: Value = serde_json::from_str(&both()[0].1.json().unwrap()).unwrap();
    bad["features"]["slash_commands"][0]["command"] = "devtask".into();
    bad["features"]["shortcut"] = Value::Array(Vec::new());
    bad["display_information"]["name"] = "x".repeat(36).into();
    bad["settings"]["interactivity"].as_object_mut().unwrap().remove("is_enabled");
    assert_eq!(
        schema::wrong(&schema, &bad),
        [
            "/display_information/name: longer than 35",
            "/features/shortcut: no such key",
            "/features/slash_commands/0/command: does not fit ^\\/",
            "/settings/interactivity: `is_enabled` is missing",
        ]
    );
}

#[test]
fn slacks_limits_hold_without_the_schema() {
    for (file, manifest) in both() {
        let json: Value = serde_json::from_str(&manifest.json().unwrap()).unwrap();
        let long = |pointer: &str| json.pointer(pointer).and_then(Value::as_str).unwrap().chars().count();
        assert!(long("/display_information/name") <= 35, "{file}");
        assert!(long("/display_information/description") <= 140, "{file}");
        assert!((175..=4_000).contains(&long("/display_information/long_description")), "{file}");
        assert!(long("/features/slash_commands/0/usage_hint") <= 1_000, "{file}");
        let sockets = json.pointer("/settings/socket_mode_enabled").unwrap() == &Value::Bool(true);
        for url in [
            "/features/slash_commands/0/url",
            "/settings/event_subscriptions/request_url",
            "/settings/interactivity/request_url",
        ] {
            assert_eq!(json.pointer(url).is_none(), sockets, "{file}: {url}");
        }
    }
}

/// The usual strict workspace, the app made of the manifest.
pub(super) fn as_installed() -> Settings {
    Settings {
        commands: vec![COMMAND.to_owned()],
        events: EVENTS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        scopes: SCOPES.iter().map(|s| s.name.to_owned()).collect(),
        shortcuts: vec![Shortcut { name: SHORTCUT.0.to_owned(), callback_id: SHORTCUT.1.to_owned() }],
        ..Settings::default()
    }
}

/// The same with these scopes alone, and without limits of rates.
pub(super) async fn installed(scopes: impl Iterator<Item = &'static str>) -> Slack {
    let scopes = scopes.map(str::to_owned).collect();
    let settings = Settings { scopes, rates: false, ..as_installed() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    Slack::start_with(listener, settings, Clock::system()).unwrap()
}

/// What a method without arguments is refused with.
async fn refusal(slack: &Slack, method: &str) -> String {
    let token = if method.starts_with("apps.") { &slack.tokens().app } else { &slack.tokens().bot };
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = Request::post(format!("{}/{method}", slack.api_url()))
        .header("authorization", format!("Bearer {}", token.expose_secret()))
        .body(Full::default())
        .unwrap();
    let answer = client.request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    answer["error"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_scopes_of_each_call_are_those_a_strict_slack_wants() {
    let all = installed(SCOPES.iter().map(|s| s.name)).await;
    for (method, scopes) in CALLS {
        let refused = refusal(&all, method).await;
        assert!(!["missing_scope", "unknown_method"].contains(&refused.as_str()), "{method}: {refused}");
        let others = SCOPES.iter().map(|s| s.name).filter(|name| !scopes.contains(name));
        let without = refusal(&installed(others).await, method).await;
        assert_eq!(without == "missing_scope", !scopes.is_empty(), "{method} without {scopes:?}: {without}");
    }
}

#[test]
fn a_token_is_compared_with_what_the_manifest_asks_for() {
    let all: Vec<String> = SCOPES.iter().map(|s| s.name.to_owned()).collect();
    assert!(manifest::missing(&all).is_empty());
    let granted = |lacks: &str| all.iter().filter(|s| *s != lacks).cloned().collect::<Vec<_>>();
    for scope in SCOPES {
        assert_eq!(manifest::missing(&granted(scope.name)), [scope.name]);
    }
}

#[test]
fn an_address_slack_cannot_call_is_refused() {
    for good in ["https://devtask.example.com", "https://devtask.example.com/", "https://h:8443"] {
        good.parse::<Base>().unwrap();
    }
    for bad in
        ["http://devtask.example.com", "devtask.example.com", "https://", "https://h/path", "https://a@h", ""]
    {
        bad.parse::<Base>().unwrap_err();
    }
}

#[test]
fn the_link_carries_the_whole_manifest() {
    for (_, manifest) in both() {
        let url = manifest.create_url().unwrap();
        let (page, query) = url.split_once("&manifest_json=").unwrap();
        assert_eq!(page, "https://api.slack.com/apps?new_app=1");
        assert!(query.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b)));
        let carried: Value = serde_json::from_slice(&decoded(query)).unwrap();
        assert_eq!(carried, serde_json::from_str::<Value>(&manifest.json().unwrap()).unwrap());
        assert!(url.len() < 8_000, "{} characters are too long for a link", url.len());
    }
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    out
}
