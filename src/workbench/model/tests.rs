//! The model over a real socket, spoken to as the agent speaks to it.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// One request on its own connection: status and body.
async fn post(model: &Model, headers: &[(&str, &str)], body: &Value) -> (u16, String) {
    let (status, body, _) = exchange(model, headers, body).await;
    (status, body)
}

async fn exchange(model: &Model, headers: &[(&str, &str)], body: &Value) -> (u16, String, String) {
    let mut socket = tokio::net::TcpStream::connect(model.at).await.unwrap();
    let body = body.to_string();
    let headers = headers.iter().map(|(k, v)| format!("{k}: {v}\r\n")).collect::<Vec<_>>().concat();
    let head = format!(
        "POST /v1/messages?beta=true HTTP/1.1\r\nhost: model\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned(), head.to_owned())
}

const KEYS: &[(&str, &str)] = &[("x-api-key", "dummy"), ("anthropic-version", "2023-06-01")];

fn request(messages: &Value) -> Value {
    json!({ "model": "m", "max_tokens": 10, "tools": [{ "name": "Bash" }], "messages": messages })
}

fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

async fn said(model: &Model, messages: &Value) -> Value {
    let (status, body) = post(model, KEYS, &request(messages)).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn the_step_is_read_off_the_request() {
    let model = Model::start().await.unwrap();
    let first =
        user("go <script>[{\"say\":\"a\"},{\"run\":\"ls\"},{\"text\":\"b {{last_tool_result}}\"}]</script>");
    let answer = said(&model, &json!([first])).await;
    assert_eq!((&answer["content"][0]["text"], &answer["stop_reason"]), (&json!("a"), &json!("tool_use")));
    let call = answer["content"][1].clone();
    assert_eq!(call["input"]["command"], "ls");
    let result = json!({ "role": "user", "content": [
        { "type": "tool_result", "tool_use_id": call["id"], "content": "file" }] });
    let so_far = json!([first, { "role": "assistant", "content": answer["content"] }, result]);
    assert_eq!(said(&model, &so_far).await["content"][0]["text"], "b file");
    assert_eq!(model.calls().iter().map(|c| c.step).collect::<Vec<_>>(), [Some(0), Some(1)]);
}

#[tokio::test]
async fn a_message_behind_a_played_round_begins_the_next() {
    let model = Model::start().await.unwrap();
    let first = user(
        "<script>{\"rounds\":[[{\"text\":\"one\"}],[{\"text\":\"two\"},{\"text\":\"three\"}]]}</script>",
    );
    let mut all = vec![first];
    let mut heard = Vec::new();
    for feedback in ["the check failed", "again", "again"] {
        let answer = said(&model, &json!(all)).await;
        heard.push(answer["content"][0]["text"].as_str().unwrap().to_owned());
        all.extend([json!({ "role": "assistant", "content": answer["content"] }), user(feedback)]);
    }
    heard.push(said(&model, &json!(all)).await["content"][0]["text"].as_str().unwrap().to_owned());
    assert_eq!(heard, ["one", "two", "three", "(script over)"]);
}

#[tokio::test]
async fn each_law_is_checked_and_the_break_is_told() {
    let model = Model::start().await.unwrap();
    let call = json!({ "role": "assistant", "content": [{ "type": "tool_use", "id": "t1", "name": "Bash", "input": {} }] });
    let stray =
        json!({ "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t9", "content": "" }] });
    let cases = [
        (&KEYS[1..], request(&json!([user("a")])), 401, "x-api-key header is required"),
        (&KEYS[..1], request(&json!([user("a")])), 400, "anthropic-version"),
        (KEYS, json!({ "model": "m", "messages": [user("a")] }), 400, "max_tokens"),
        (KEYS, request(&json!([])), 400, "at least one message"),
        (KEYS, request(&json!([{ "role": "robot", "content": "a" }])), 400, "role"),
        (KEYS, request(&json!([{ "role": "assistant", "content": "a" }])), 400, "first message"),
        (KEYS, request(&json!([user("a"), call, user("b")])), 400, "without `tool_result` blocks"),
        (KEYS, request(&json!([user("a"), call])), 400, "without `tool_result` blocks"),
        (KEYS, request(&json!([user("a"), stray])), 400, "unexpected `tool_use_id`"),
    ];
    for (headers, body, status, why) in cases {
        let (got, answer) = post(&model, headers, &body).await;
        assert_eq!(got, status, "{answer}");
        assert!(answer.contains(why), "{answer} should say {why}");
    }
    assert_eq!(model.broken().len(), 9);
    assert_eq!(model.total(), 9);
}

#[tokio::test]
async fn a_stream_has_the_apis_events_in_their_order() {
    let model = Model::start().await.unwrap();
    let mut body =
        request(&json!([user("<script>[{\"thinking\":\"hm\",\"say\":\"a\"},{\"run\":\"ls\"}]</script>")]));
    body["stream"] = json!(true);
    let (status, body) = post(&model, KEYS, &body).await;
    assert_eq!(status, 200);
    let events: Vec<&str> = body.lines().filter_map(|l| l.strip_prefix("event: ")).collect();
    let block = ["content_block_start", "content_block_delta", "content_block_stop"];
    let thinking =
        ["content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"];
    let expected: Vec<&str> = ["message_start", "ping"]
        .into_iter()
        .chain(thinking)
        .chain(block)
        .chain(block)
        .chain(["message_delta", "message_stop"])
        .collect();
    assert_eq!(events, expected);
}

#[tokio::test]
async fn an_error_fails_so_many_times_and_then_recovers() {
    let model = Model::start().await.unwrap();
    let body = request(&json!([user("<script>[{\"error\":529,\"times\":2,\"retry_after\":3}]</script>")]));
    for _ in 0..2 {
        let (status, answer, head) = exchange(&model, KEYS, &body).await;
        assert_eq!(status, 529);
        assert!(answer.contains("overloaded_error") && head.contains("retry-after: 3"), "{head}");
    }
    assert!(post(&model, KEYS, &body).await.1.contains("(recovered)"));
}

#[tokio::test]
async fn a_dropped_stream_breaks_in_the_middle() {
    let model = Model::start().await.unwrap();
    let mut body =
        request(&json!([user("<script>[{\"text\":\"abcdefgh\",\"chunk\":1,\"drop\":true}]</script>")]));
    body["stream"] = json!(true);
    let mut socket = tokio::net::TcpStream::connect(model.at).await.unwrap();
    let body = body.to_string();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: m\r\nx-api-key: k\r\nanthropic-version: 1\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("message_stop") && answer.matches("text_delta").count() <= 4, "{answer}");
}

#[tokio::test]
async fn a_request_without_tools_plays_no_script() {
    let model = Model::start().await.unwrap();
    let body =
        json!({ "model": "m", "max_tokens": 1, "messages": [user("<script>[{\"text\":\"no\"}]</script>")] });
    let (_, answer) = post(&model, KEYS, &body).await;
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap()["content"][0]["text"], "ok");
}
