//! The TCP door of the real server: wrong host, wrong origin, no token; and requests that make no sense.

use std::net::SocketAddr;

use insta::assert_snapshot;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::house::House;

/// Status and problem of one request.
async fn ask(at: SocketAddr, line: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut head = format!("{line} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    // The server may have had enough before all of it is written.
    let _ = stream.write_all(body.as_bytes()).await;
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).unwrap_or("none");
    let Ok(problem) = serde_json::from_str::<serde_json::Value>(body) else {
        return format!("{status} {}", body.lines().take(3).collect::<Vec<_>>().join(" "));
    };
    let word = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let hint =
        Some(word("hint")).filter(|h| !h.is_empty()).map(|h| format!("\nhint: {h}")).unwrap_or_default();
    format!("{status} {} | {}{hint}", word("type").replace("urn:devtask:problem:", ""), word("detail"))
}

#[tokio::test]
async fn strangers_at_the_tcp_door_are_turned_away() {
    let house = House::open().await;
    let at = house.address().await;
    let (host, bearer) = (at.to_string(), format!("Bearer {}", house.token()));
    let get = async |headers: &[(&str, &str)]| {
        house.plain(&ask(at, "GET /sessions", headers, "").await).replace(&host, "HOST")
    };
    let ours = ("authorization", bearer.as_str());
    assert_snapshot!(get(&[("host", "evil.example"), ours]).await, @"
    421 foreign-host | this server does not answer for the host in the request
    hint: add the name to `http.allowed_hosts` if it is meant
    ");
    assert_snapshot!(get(&[("host", &host), ("origin", "http://evil.example"), ours]).await, @"403 foreign-origin | a page of another origin called this server");
    assert_snapshot!(get(&[("host", &host)]).await, @"
    401 unauthorized | the request carries no valid token
    hint: send `Authorization: Bearer …` with the token file's content
    ");
    assert_snapshot!(get(&[("host", &host), ("authorization", "Bearer guess")]).await, @"
    401 unauthorized | the request carries no valid token
    hint: send `Authorization: Bearer …` with the token file's content
    ");
    assert!(get(&[("host", &host), ours]).await.starts_with("200"));
    let there = format!("http://{at}");
    let stranger = |token: &str| {
        // A client elsewhere has no configuration of this house.
        let mut command = super::house::at_home(&house.path(""));
        let output = command.env("DEVTASK_TOKEN", token).args(["--server", &there, "list"]).output().unwrap();
        super::house::said(&output)
    };
    assert_snapshot!(stranger("guess"), @"
    ! error: the request carries no valid token
    ! hint: set DEVTASK_TOKEN to what the server's token file holds
    exit 4
    ");
    assert!(stranger(&house.token()).contains("there is no session yet"));
    house.still_works().await;
}

#[tokio::test]
async fn requests_that_make_no_sense_are_told_what_is_wrong() {
    let house = House::open().await;
    let at = house.address().await;
    let (host, bearer) = (at.to_string(), format!("Bearer {}", house.token()));
    let json_type = ("content-type", "application/json");
    let post = async |body: &str| {
        let headers = [("host", host.as_str()), ("authorization", bearer.as_str()), json_type];
        ask(at, "POST /sessions", &headers, body).await
    };
    assert_snapshot!(post("{\"brief\": \"x\", \"repo\": ").await, @"400 bad-json | EOF while parsing a value at line 1 column 23");
    assert_snapshot!(post(&json!({ "brief": "x", "repo": "acme/greet", "modle": "y" }).to_string()).await, @"422 invalid | unknown field `modle`, expected one of `brief`, `repo`, `base`, `provider`, `agent`, `model`, `effort`, `plan`, `priority`, `labels`, `requester` at line 1 column 20");
    assert_snapshot!(post(&json!({ "brief": { "goal": "x", "check": [] }, "repo": "acme/greet" }).to_string()).await, @"422 invalid | a brief is a text, or an object with a `goal`; also title, context, doneWhen, checks at line 1 column 32");
    assert_snapshot!(post(&json!({ "brief": "x".repeat(3_000_000), "repo": "acme/greet" }).to_string()).await, @"
    413 too-large | the body is longer than 1048576 bytes
    hint: put long texts into a file of the repository and name it
    ");
    assert_snapshot!(post("").await, @"400 bad-json | EOF while parsing a value at line 1 column 0");
    let id = house.made(json!({})).await;
    house.settled(id).await;
    let headers =
        [("host", host.as_str()), ("authorization", bearer.as_str()), ("last-event-id", "garbage; DROP")];
    let events = ask(at, &format!("GET /sessions/{id}/events"), &headers, "").await;
    assert!(events.starts_with("200") && events.contains("retry:"), "from the start: {events}");
    house.still_works().await;
}
