//! Stories of the HTTP door, over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use devtask::client::{Remote, Target};
use devtask::clock::Clock;
use devtask::domain::Actor;
use devtask::domain::ask::Answer;
use devtask::domain::command::MessageMode;
use devtask::domain::report::Report;
use devtask::domain::session::{Input, Verb};
use devtask::http::{Doors, Part, Settings, State};
use devtask::wire::api::{Act, Code, Control, Filter, Message, Refusal};
use futures_util::StreamExt;
use insta::assert_snapshot;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::desk::{House, ana};

/// What came back: status, headers in lower case, body.
struct Got {
    status: u16,
    head: String,
    body: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|l| l.strip_prefix(&format!("{name}: ")))
    }

    /// Status, type and detail of a problem.
    fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.body);
        let json = self.json();
        assert_eq!(json["status"], self.status);
        let word = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} | {}", self.status, word("type").replace("urn:devtask:problem:", ""), word("detail"))
    }
}

impl House {
    /// A request with the token and whatever `more` says, byte for byte.
    async fn send(&self, line: &str, more: &str, body: &str) -> Got {
        let token = self.token.expose_secret();
        let more = format!("authorization: Bearer {token}\r\n{more}");
        self.raw(&format!("{line} HTTP/1.1\r\nhost: {}\r\n{more}", self.address), body).await
    }

    async fn raw(&self, head: &str, body: &str) -> Got {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let head = format!("{head}connection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server may have had enough before all of it is written.
        let _ = stream.write_all(body.as_bytes()).await;
        read(&mut stream).await
    }

    async fn get(&self, path: &str) -> Got {
        self.send(&format!("GET {path}"), "", "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Got {
        self.send(&format!("POST {path}"), "content-type: application/json\r\n", &body.to_string()).await
    }
}

async fn read(stream: &mut TcpStream) -> Got {
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let chunked = head.contains("transfer-encoding: chunked");
    let body = if chunked { unchunk(body) } else { body.to_owned() };
    Got { status, head: head.replace("\r\n", "\n"), body }
}

fn unchunk(mut text: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        out.push_str(&rest[..size]);
        text = &rest[size + 2..];
    }
    out
}

#[tokio::test]
async fn a_session_is_made_shown_listed_and_ended() {
    let house = House::open().await;
    let made = house.post("/sessions", &json!({"brief": "Add a retry", "repo": "acme/web"})).await;
    assert_eq!((made.status, made.header("location")), (201, Some("/sessions/dt-1")));
    assert_eq!(made.header("etag"), Some("\"2\""));
    let shown = house.get("/sessions/1").await.json();
    assert_eq!(shown["id"], "dt-1");
    assert_eq!(shown["owner"], "person:local/owner");
    assert_eq!(shown, house.get("/sessions/dt-1").await.json());
    let page = house.get("/sessions?status=queued&limit=1").await.json();
    assert_eq!(page["sessions"].as_array().unwrap().len(), 1);
    let ended = house.post("/sessions/1/cancel", &json!({"reason": "not needed"})).await;
    assert_eq!((ended.status, &ended.json()["status"]), (200, &json!("cancelled")));
    let again = house.send("POST /sessions/1/rerun", "", "").await;
    assert_eq!((again.status, &again.json()["status"]), (200, &json!("queued")));
}

#[tokio::test]
async fn the_same_key_makes_one_session() {
    let house = House::open().await;
    let remote = house.remote();
    let new: devtask::wire::api::Create =
        serde_json::from_value(json!({"brief": {"goal": "Add a retry"}, "repo": "acme/web"})).unwrap();
    let first = remote.create(&ana(), new.clone(), Some("k 1")).await.unwrap();
    let second = remote.create(&ana(), new.clone(), Some("k 1")).await.unwrap();
    assert_eq!(first.id, second.id);
    let other = devtask::wire::api::Create { priority: 5, ..new };
    assert_eq!(remote.create(&ana(), other, Some("k 1")).await.unwrap_err().code, Code::KeyReused);
    assert_eq!(*house.desk.by.lock().unwrap(), Some(ana()));
}

#[tokio::test]
async fn an_old_reading_is_refused_only_where_the_verb_is_no_longer_legal() {
    let house = House::open().await;
    let (remote, id) = (house.remote(), house.desk.make("Add a retry"));
    let rev = remote.show(id).await.unwrap().rev;
    remote.act(&ana(), id, Act::Pause { reason: None }, Some(rev)).await.unwrap();
    remote.act(&ana(), id, Act::Cancel { reason: None }, Some(rev)).await.unwrap();
    let refused = remote.act(&ana(), id, Act::Pause { reason: None }, Some(rev)).await.unwrap_err();
    assert_eq!((refused.code, refused.legal), (Code::Outdated, vec![Verb::Rerun]));
    let plain = house.post("/sessions/1/pause", &json!({})).await;
    assert_snapshot!(plain.problem(), @"409 illegal | dt-1 is cancelled, so it cannot be paused");
    assert_eq!(plain.json()["legal"], json!(["rerun"]));
}

#[tokio::test]
async fn asks_are_listed_and_answered_by_handle() {
    let house = House::open().await;
    let (remote, id) = (house.remote(), house.desk.make("Add a retry"));
    house.desk.run(id);
    house.desk.ask(id);
    let asks = remote.asks().await.unwrap();
    assert_eq!(asks[0].handle, "dt-1:toolu_1");
    let wrong = house.post("/asks/dt-1:toolu_1/answer", &json!({"decide": "allow"})).await;
    assert_snapshot!(wrong.problem(), @"422 invalid | these questions take answers, or `agent` to let the agent decide");
    let odd = house.post("/asks/dt-1%3Atoolu_1/answer", &json!({"answers": {}, "decide": "agent"})).await;
    assert_snapshot!(odd.problem(), @"422 invalid | an answer is either `answers` by question, or `decide` with an optional `message`");
    let answer: Answer = serde_json::from_value(
        json!({"answers": {"How many tries?": "Three", "Which errors?": "Timeouts, 5xx"}}),
    )
    .unwrap();
    let view = remote.answer(&ana(), "dt-1:toolu_1", answer.clone()).await.unwrap();
    assert!(view.asks.is_empty());
    let late = remote.answer(&ana(), "dt-1:toolu_1", answer).await.unwrap_err();
    assert_eq!(late.code, Code::Settled);
    assert_eq!(house.get("/asks?state=open").await.json(), json!([]));
    let message = Message::new("And log each try.", MessageMode::Queue);
    remote.message(&ana(), id, message).await.unwrap();
}

/// Where a test waits for the log to go on.
async fn seqs(stream: &mut devtask::wire::api::EventStream, n: usize) -> Vec<u64> {
    let taken = stream.take(n).map(|e| e.unwrap().seq).collect();
    tokio::time::timeout(Duration::from_secs(10), taken).await.expect("events in time")
}

#[tokio::test]
async fn the_stream_goes_on_after_the_last_event_and_ends_when_the_session_is_settled() {
    let house = House::open().await;
    let (remote, id) = (house.remote(), house.desk.make("Add a retry"));
    let mut all = remote.events(id, 0).await.unwrap();
    assert_eq!(seqs(&mut all, 3).await, [1, 2, 3]);
    house.desk.run(id);
    let head = remote.show(id).await.unwrap().head;
    let mut late = remote.events(id, head - 2).await.unwrap();
    assert_eq!(seqs(&mut late, 2).await, [head - 1, head]);
    house.desk.finish(id);
    let head = remote.show(id).await.unwrap().head;
    let rest: Vec<_> = tokio::time::timeout(Duration::from_secs(10), all.collect::<Vec<_>>()).await.unwrap();
    let told: Vec<u64> = rest.iter().map(|e| e.as_ref().unwrap().seq).collect();
    assert_eq!(told, (4..=head).collect::<Vec<_>>(), "each once, in order, to the end");
    let message = rest.iter().map(|e| e.as_ref().unwrap()).find(|e| e.kind == "agent.message").unwrap();
    assert_eq!(message.stream, "message");
    assert_eq!(message.raw.as_ref().unwrap().get(), r#"{"type":"assistant"}"#);
}

#[tokio::test]
async fn a_reader_comes_back_after_a_restart_and_misses_nothing() {
    let house = House::open().await;
    let id = house.desk.make("Add a retry");
    let mut events = house.remote().events(id, 0).await.unwrap();
    assert_eq!(seqs(&mut events, 3).await, [1, 2, 3]);
    let House { desk, dir, closing, serving, .. } = house;
    closing.cancel();
    serving.await.unwrap();
    desk.run(id);
    let mut next = House::over(desk.clone()).await;
    // The same place as before: a restart.
    std::fs::rename(next.socket(), dir.path().join("devtask.sock")).unwrap();
    desk.finish(id);
    let rest: Vec<_> =
        tokio::time::timeout(Duration::from_secs(10), events.collect::<Vec<_>>()).await.unwrap();
    let told: Vec<u64> = rest.into_iter().map(|e| e.unwrap().seq).collect();
    let head = desk.show(id).await.unwrap().head;
    assert_eq!(told, (4..=head).collect::<Vec<_>>());
    next.closing.cancel();
    (&mut next.serving).await.unwrap();
}

#[tokio::test]
async fn the_stream_is_plain_server_sent_events() {
    let house = House::open().await;
    let id = house.desk.make("Add a retry");
    let got = house.get("/sessions/1/events?after=1");
    let (got, ()) = tokio::join!(got, async {
        tokio::task::yield_now().await;
        house.desk.say(id, Input::Cancel { by: ana(), reason: None }).unwrap();
    });
    assert_eq!(got.header("content-type"), Some("text/event-stream"));
    assert_eq!(got.header("x-accel-buffering"), Some("no"));
    let text =
        got.body.lines().filter(|l| !l.contains("command.issued")).fold(String::new(), |mut out, l| {
            let _ = writeln!(out, "{l}");
            out
        });
    assert_snapshot!(text, @r#"
    retry: 2000

    id: 2
    event: log

    id: 3
    event: status
    data: {"seq":3,"at":"2026-03-02T09:00:00Z","attempt":0,"kind":"session.queued","body":{"kind":"session.queued","why":"new","notBefore":null,"front":false}}

    id: 4
    event: status
    data: {"seq":4,"at":"2026-03-02T09:00:00Z","attempt":0,"kind":"session.cancelled","body":{"kind":"session.cancelled","by":"person:local/ana","reason":null}}
    "#);
    let over = house.get("/sessions/1/events?after=4").await;
    assert_eq!(over.status, 204, "nothing left: an EventSource stops");
    let ahead = house.send("GET /sessions/1/events", "last-event-id: 999\r\n", "").await;
    assert_eq!(ahead.status, 204, "beyond the head is the head");
    let garbage = house.send("GET /sessions/1/events?after=4", "last-event-id: x\r\n", "").await;
    assert!(garbage.body.contains("id: 1\n"), "told twice is better than lost: {}", garbage.body);
    assert_eq!(house.get("/sessions/9/events").await.status, 404);
}

#[tokio::test]
async fn every_refusal_has_its_status_and_type() {
    let house = House::open().await;
    let codes = [
        Code::Invalid,
        Code::Unauthorized,
        Code::Forbidden,
        Code::NotFound,
        Code::Illegal,
        Code::Settled,
        Code::KeyReused,
        Code::Outdated,
        Code::TooLarge,
        Code::Busy,
        Code::Unreachable,
        Code::Internal,
    ];
    let mut table = String::new();
    for code in codes {
        *house.desk.refuse.lock().unwrap() = Some(Refusal::new(code, "why").hint("do this"));
        let got = house.get("/sessions").await;
        assert_eq!(got.json()["hint"], "do this");
        writeln!(table, "{}", got.problem()).unwrap();
        *house.desk.refuse.lock().unwrap() = Some(Refusal::new(code, "why").hint("do this"));
        let back = house.remote().list(Filter::default()).await.unwrap_err();
        assert_eq!((back.code, back.hint.as_deref()), (code, Some("do this")), "and comes back as it was");
    }
    assert_snapshot!(table, @"
    422 invalid | why
    401 unauthorized | why
    403 forbidden | why
    404 not-found | why
    409 illegal | why
    409 settled | why
    422 key-reused | why
    412 outdated | why
    413 too-large | why
    429 busy | why
    502 unreachable | why
    500 internal | why
    ");
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let house = House::open().await;
    house.desk.make("Add a retry");
    let json = "content-type: application/json\r\n";
    let huge = format!("{{\"brief\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
    let cases = [
        ("GET /nowhere", "", ""),
        ("DELETE /sessions", "", ""),
        ("GET /sessions/abc", "", ""),
        ("GET /sessions/0", "", ""),
        ("GET /sessions/7", "", ""),
        ("GET /sessions/%ff", "", ""),
        ("GET /sessions?limit=0", "", ""),
        ("GET /sessions?limit=x", "", ""),
        ("GET /sessions?status=sleeping", "", ""),
        ("GET /sessions?colour=red", "", ""),
        ("GET /asks?state=closed", "", ""),
        ("POST /sessions", "", "{}"),
        ("POST /sessions", "content-type: text/plain\r\n", "{}"),
        ("POST /sessions", json, "{\"brief\""),
        ("POST /sessions", json, ""),
        ("POST /sessions", json, "{}"),
        ("POST /sessions", json, "{\"brief\": 7, \"repo\": \"a/b\"}"),
        ("POST /sessions", json, "{\"brief\": \"x\", \"repo\": \"a/b\", \"colour\": 1}"),
        ("POST /sessions", json, "{\"brief\": \"x\", \"repo\": \"nothing\"}"),
        ("POST /sessions", json, "{\"brief\": \" \", \"repo\": \"a/b\"}"),
        ("POST /sessions", json, &huge),
        ("POST /sessions/1/messages", json, "{\"text\": \" \"}"),
        ("POST /sessions/1/pause", "content-type: application/json\r\nif-match: 12\r\n", "{}"),
        ("POST /sessions/1/pause", "content-type: application/json\r\ndevtask-actor: a/b\r\n", "{}"),
        ("POST /sessions", "content-type: application/json\r\nidempotency-key: \r\n", "{}"),
        ("POST /asks/dt-1:none/answer", json, "{\"decide\": \"maybe\"}"),
        ("POST /asks/none/answer", json, "{\"decide\": \"agent\"}"),
    ];
    let mut table = String::new();
    for (line, more, body) in cases {
        let got = house.send(line, more, body).await;
        writeln!(table, "{line} {}\n    {}", body.chars().take(60).collect::<String>(), got.problem())
            .unwrap();
    }
    insta::assert_snapshot!("wrong_requests", table);
}

#[tokio::test]
async fn no_route_answers_strangers() {
    let house = House::open().await;
    house.desk.make("Add a retry");
    let document = house.get("/openapi.json").await.json();
    let token = format!("authorization: Bearer {}\r\n", house.token.expose_secret());
    let mut routes = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let path = path.replace("{id}", "1").replace("{handle}", "dt-1:x");
            let line = format!("{} {path} HTTP/1.1\r\n", method.to_uppercase());
            let ours = format!("host: {}\r\n", house.address);
            let status = async |more: String| house.raw(&format!("{line}{more}"), "").await.status;
            assert_eq!(status(ours.clone()).await, 401, "{line}");
            assert_eq!(status(format!("{ours}authorization: Bearer wrong\r\n")).await, 401, "{line}");
            assert_eq!(status(format!("host: evil.example\r\n{token}")).await, 421, "{line}");
            assert_eq!(status(format!("{ours}{token}origin: http://evil.example\r\n")).await, 403, "{line}");
            assert_eq!(status(format!("{ours}{token}origin: null\r\n")).await, 403, "{line}");
            assert_eq!(status(format!("{ours}{token}origin: http://127.0.0.1:1\r\n")).await, 403, "{line}");
            routes += 1;
        }
    }
    assert_eq!(routes, 19);
    let unknown = house.raw(&format!("GET /nowhere HTTP/1.1\r\nhost: {}\r\n", house.address), "").await;
    assert_eq!(unknown.status, 401, "nor says what there is");
    let same = format!("host: {0}\r\norigin: http://{0}\r\n{token}", house.address);
    assert_eq!(house.raw(&format!("GET /healthz HTTP/1.1\r\n{same}"), "").await.status, 200);
}

#[tokio::test]
async fn the_socket_and_the_token_are_ours_alone() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::open().await;
    let mode =
        |name: &str| std::fs::metadata(house.dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("devtask.sock"), mode("token")), (0o600, 0o600));
    let settings = Settings { listen: "127.0.0.1:0".to_owned(), ..Settings::default() };
    let second = Doors::open(&settings, house.dir.path(), &Clock::system()).await.err().unwrap();
    assert!(second.to_string().starts_with("another server answers at"), "{second}");
    let open = settings_error(&Settings { listen: "0.0.0.0:7777".to_owned(), ..Settings::default() });
    assert_snapshot!(open, @r#"`http.listen = "0.0.0.0:7777"` can be reached from other machines; set `http.allow_remote = true` if that is meant"#);
    house.closing.cancel();
    house.serving.await.unwrap();
    assert!(!house.dir.path().join("devtask.sock").exists());
    std::fs::set_permissions(house.dir.path().join("token"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let wide = Doors::open(&settings, house.dir.path(), &Clock::system()).await.err().unwrap().to_string();
    assert!(wide.contains("can be read by others"), "{wide}");
}

fn settings_error(settings: &Settings) -> String {
    settings.address().unwrap_err().to_string()
}

#[tokio::test]
async fn slow_and_silent_guests_are_shown_out() {
    let house = House::open().await;
    let mut slow = TcpStream::connect(house.address).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: local").await.unwrap();
    let cut = read(&mut slow).await;
    assert!(cut.status == 408 || cut.status == 0, "{}", cut.status);
}

#[tokio::test]
async fn a_handler_that_panics_is_an_internal_error_and_the_server_stays() {
    let house = House::open().await;
    *house.desk.panic.lock().unwrap() = true;
    assert_eq!(house.get("/sessions").await.status, 500);
    *house.desk.panic.lock().unwrap() = false;
    assert_eq!(house.get("/healthz").await.json(), json!({"state": "ok"}));
}

#[tokio::test]
async fn degraded_is_ready_and_down_is_not() {
    let house = House::open().await;
    let part = |state| Part { name: "slack".to_owned(), state, detail: Some("reconnecting".to_owned()) };
    house.health.lock().unwrap().push(part(State::Degraded));
    let got = house.get("/readyz").await;
    assert_eq!((got.status, &got.json()["state"]), (200, &json!("degraded")));
    house.health.lock().unwrap().push(part(State::Down));
    assert_eq!(house.get("/readyz").await.status, 503);
    assert_eq!(house.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn over_tcp_a_remote_needs_the_token_and_a_missing_server_says_how_to_start_it() {
    let house = House::open().await;
    let target: Target = format!("http://{}", house.address).parse().unwrap();
    let with = Remote::new(target.clone(), Some(house.token.clone()), Clock::system());
    assert_eq!(with.ready().await.unwrap().state, "ok");
    let without = Remote::new(target, None, Clock::system());
    assert_eq!(without.ready().await.unwrap_err().code, Code::Unauthorized);
    let nobody = Remote::new(Target::Socket(house.dir.path().join("none")), None, Clock::system());
    let refused = nobody.list(Filter::default()).await.unwrap_err();
    assert_eq!(
        (refused.code, refused.hint.as_deref()),
        (Code::Unreachable, Some("start it with `devtask serve`"))
    );
    let slack = Actor::Person("slack/U1".to_owned());
    let foreign = with.act(&slack, house.desk.make("x"), Act::Resume, None).await.unwrap_err();
    assert_eq!(foreign.code, Code::Forbidden);
}

#[tokio::test]
async fn a_reader_who_does_not_read_is_not_read_ahead_for() {
    let house = House::open().await;
    let id = house.desk.make("Add a retry");
    house.desk.run(id);
    // 8 MiB of log; what the kernel takes for a Unix socket is some 200 KiB.
    let text = "x".repeat(8 * 1024);
    house.desk.report(id, (0..1_024).map(|_| Report::Message { text: text.clone() }));
    let mut stalled = tokio::net::UnixStream::connect(house.socket()).await.unwrap();
    stalled.write_all(b"GET /sessions/1/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut before = (0, 0);
    // Until nothing more has been taken for a while.
    while before.0 == 0 || before.1 < 20 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let taken = house.desk.taken.load(Ordering::Relaxed);
        before = if taken == before.0 { (taken, before.1 + 1) } else { (taken, 0) };
    }
    let bytes = before.0 * text.len();
    assert!(bytes < 512 * 1024, "{bytes} bytes were taken for a reader who reads nothing");
    // Others are served meanwhile, and the server ends with the reader still there.
    assert_eq!(house.get("/healthz").await.status, 200);
    house.closing.cancel();
    tokio::time::timeout(Duration::from_secs(15), house.serving).await.unwrap().unwrap();
}

#[test]
fn the_document_is_as_published() {
    let document = serde_json::to_string_pretty(&devtask::http::document()).unwrap();
    let known: Value = serde_json::from_str(&document).unwrap();
    for (at, _) in document.match_indices("#/components/schemas/") {
        let name = document[at + 21..].split('"').next().unwrap();
        assert!(known["components"]["schemas"][name].is_object(), "`{name}` is named and not there");
    }
    insta::assert_snapshot!("openapi", document);
}

/// What this value is that the schema does not say, and what the schema demands that it lacks.
fn misfits(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        return misfits(document, document.pointer(&name[1..]).unwrap(), value);
    }
    if let Some(any) = schema["oneOf"].as_array() {
        let tried: Vec<_> = any.iter().map(|one| misfits(document, one, value)).collect();
        return tried.into_iter().min_by_key(Vec::len).unwrap();
    }
    let parts: Vec<&Value> = schema["allOf"].as_array().map_or(vec![schema], |all| all.iter().collect());
    let known: serde_json::Map<_, _> = parts
        .iter()
        .filter_map(|p| p["properties"].as_object())
        .flatten()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut wrong = Vec::new();
    match value {
        Value::Object(fields) if !known.is_empty() => {
            for (name, field) in fields {
                match known.get(name) {
                    Some(schema) => {
                        wrong.extend(misfits(document, schema, field).iter().map(|w| format!("{name}.{w}")));
                    }
                    None => wrong.push(format!("{name} is not said")),
                }
            }
            let demanded = parts.iter().filter_map(|p| p["required"].as_array()).flatten();
            let lacking = demanded.filter(|name| !fields.contains_key(name.as_str().unwrap()));
            wrong.extend(lacking.map(|name| format!("{name} is lacking")));
        }
        Value::Array(all) => {
            wrong.extend(all.iter().flat_map(|one| misfits(document, &schema["items"], one)));
        }
        Value::String(text) if schema["enum"].is_array() => {
            let listed = schema["enum"].as_array().unwrap().contains(value);
            wrong.extend((!listed).then(|| format!("`{text}` is not listed")));
        }
        _ => {
            let is = match value {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(_) => "integer",
                Value::String(_) => "string",
                _ => "object",
            };
            let says = &schema["type"];
            let fits =
                says.is_null() || says == is || says.as_array().is_some_and(|all| all.contains(&json!(is)));
            wrong.extend((!fits).then(|| format!("{is}, not {says}")));
        }
    }
    wrong
}

#[tokio::test]
async fn what_is_sent_is_as_its_schema_says() {
    let house = House::open().await;
    let id = house.desk.make("Add a retry");
    house.desk.run(id);
    house.desk.ask(id);
    let document = house.get("/openapi.json").await.json();
    let fits = |schema: &str, sent: &Value| {
        let schema = &document["components"]["schemas"][schema];
        assert_eq!(misfits(&document, schema, sent), Vec::<String>::new(), "{sent:#}");
    };
    let view = house.get("/sessions/1").await.json();
    fits("Session", &view);
    fits("Ask", &view["asks"][0]);
    fits("Page", &house.get("/sessions").await.json());
    let events = house.remote().events(id, 0).await.unwrap().map(|e| e.unwrap());
    let asked = events.take_while(|e| std::future::ready(e.kind != "ask.opened"));
    for event in asked.collect::<Vec<_>>().await {
        fits("Event", &serde_json::to_value(&event).unwrap());
    }
    house.desk.finish_after_answer(id);
    let view = house.get("/sessions/1").await.json();
    fits("Session", &view);
    assert!(view["evidence"][0].is_object() && view["pullRequest"].is_object(), "{view:#}");
    fits("Problem", &house.post("/sessions/1/pause", &json!({})).await.json());
    fits("Alive", &house.get("/healthz").await.json());
    fits("Ready", &house.get("/readyz").await.json());
    let mut changed = view;
    changed["usage"]["turns"] = json!("one");
    changed["new"] = json!(1);
    changed.as_object_mut().unwrap().remove("rev");
    let found = misfits(&document, &document["components"]["schemas"]["Session"], &changed);
    assert_eq!(found, ["new is not said", "usage.turns.string, not \"integer\"", "\"rev\" is lacking"]);
}
