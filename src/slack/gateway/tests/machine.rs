//! One socket, step by step: nothing that could be acked is lost, whatever else is sent.

use std::time::Duration;

use proptest::prelude::{ProptestConfig, proptest};
use serde_json::{Value, json};

use super::super::frame::{Envelope, Frame};
use super::super::socket::{Do, FRAME_MAX, Patience, Seen, Socket, Why};

fn disconnect(reason: &str) -> String {
    json!({ "type": "disconnect", "reason": reason, "debug_info": { "host": "h" } }).to_string()
}

fn envelope(kind: &str, id: &str, payload: &Value) -> String {
    json!({ "type": kind, "envelope_id": id, "payload": payload, "accepts_response_payload": true })
        .to_string()
}

fn live() -> Socket {
    let mut socket = Socket::new(Patience::default());
    assert_eq!(socket.step(Seen::Text(r#"{"type":"hello","num_connections":1}"#)), Do::Greet);
    socket
}

fn id_taken(todo: &Do) -> Option<&str> {
    match todo {
        Do::Take(envelope) => Some(&envelope.id),
        _ => None,
    }
}

#[test]
fn an_envelope_is_read_no_further_than_it_must_be() {
    let text = r#"{"envelope_id":"e1","payload":{"a": 1.0, "b":[ ]},"type":"interactive",
        "accepts_response_payload":true,"retry_attempt":2,"retry_reason":"timeout","new":{"x":1}}"#;
    let Frame::Envelope(read) = Frame::read(text) else { panic!() };
    let expected = Envelope {
        kind: "interactive".to_owned(),
        id: "e1".to_owned(),
        payload: r#"{"a": 1.0, "b":[ ]}"#.to_owned(),
        takes_body: true,
        retry: 2,
    };
    assert_eq!(read, expected, "the payload byte for byte");
}

#[test]
fn odd_envelopes_are_taken_all_the_same() {
    let odd = [
        json!({ "type": "workflow_steps", "envelope_id": "e1" }),
        json!({ "type": "events_api", "envelope_id": "e1", "payload": { "team_id": null, "event": {} } }),
        json!({ "type": "interactive", "envelope_id": "e1", "payload": { "team": null } }),
        json!({ "type": "events_api", "envelope_id": "e1", "payload": "text", "retry_attempt": "two" }),
        json!({ "type": "hello", "envelope_id": "e1", "payload": [], "accepts_response_payload": 3 }),
        json!({ "type": "slash_commands", "envelope_id": "e1", "payload": null, "retry_attempt": -1 }),
    ];
    for frame in odd {
        let text = frame.to_string();
        assert_eq!(id_taken(&live().step(Seen::Text(&text))), Some("e1"), "{text}");
    }
}

#[test]
fn what_cannot_be_acked_changes_nothing() {
    let long = envelope("events_api", "e1", &json!("x".repeat(FRAME_MAX)));
    for text in [
        "",
        "{",
        "[]",
        "null",
        r#"{"type":7}"#,
        r#"{"type":"events_api"}"#,
        r#"{"type":"x","envelope_id":""}"#,
        &long,
    ] {
        let mut socket = live();
        assert_eq!(socket.step(Seen::Text(text)), Do::Wait);
        assert_eq!(socket.step(Seen::Life), Do::Wait);
        let next = socket.step(Seen::Text(&envelope("events_api", "e2", &json!({}))));
        assert_eq!(id_taken(&next), Some("e2"));
    }
}

#[test]
fn who_delivers_before_the_greeting_has_delivered() {
    let mut socket = Socket::new(Patience::default());
    assert_eq!(id_taken(&socket.step(Seen::Text(&envelope("events_api", "e1", &json!({}))))), Some("e1"));
    assert_eq!(socket.step(Seen::Text(r#"{"type":"hello"}"#)), Do::Greet);
    assert_eq!(socket.step(Seen::Text(r#"{"type":"hello"}"#)), Do::Wait, "once");
}

#[test]
fn an_old_socket_is_read_until_another_is_live() {
    for reason in ["warning", "refresh_requested", "too_many_websockets", "whatever"] {
        let mut socket = live();
        assert_eq!(socket.step(Seen::Text(&disconnect(reason))), Do::Replace(reason.to_owned()));
        assert_eq!(socket.step(Seen::Text(&disconnect(reason))), Do::Wait, "once");
        assert_eq!(id_taken(&socket.step(Seen::Text(&envelope("x", "e1", &json!({}))))), Some("e1"));
        assert_eq!(socket.step(Seen::Replaced), Do::Close(Why::Replaced));
        assert_eq!(socket.step(Seen::Silence), Do::Wait, "it is over");
    }
    assert_eq!(live().step(Seen::Text(r#"{"type":"disconnect"}"#)), Do::Replace("unknown".to_owned()));
}

#[test]
fn slack_may_want_none() {
    for mut socket in [Socket::new(Patience::default()), live()] {
        assert_eq!(socket.step(Seen::Text(&disconnect("link_disabled"))), Do::Close(Why::Disabled));
    }
    let mut refused = Socket::new(Patience::default());
    let told = Do::Close(Why::Told("too_many_websockets".to_owned()));
    assert_eq!(refused.step(Seen::Text(&disconnect("too_many_websockets"))), told);
}

#[test]
fn nothing_is_waited_for_for_ever() {
    let mut socket = Socket::new(Patience::default());
    assert_eq!(socket.patience(), Duration::from_secs(10));
    assert!(matches!(socket.step(Seen::Silence), Do::Close(Why::Broke(_))), "no greeting");
    let mut socket = live();
    assert_eq!(socket.patience(), Duration::from_secs(75));
    assert!(matches!(socket.step(Seen::Silence), Do::Close(Why::Broke(_))));
    assert!(matches!(live().step(Seen::Closed), Do::Close(Why::Broke(_))));
    assert_eq!(live().step(Seen::Ending), Do::Close(Why::Ending));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_socket(texts in proptest::collection::vec(".{0,60}|[{}\\[\\]\":,a-z_]{0,60}", 0..8)) {
        let mut socket = live();
        for text in &texts {
            assert_eq!(socket.step(Seen::Text(text)), Do::Wait, "no random text is an envelope");
        }
        assert_eq!(id_taken(&socket.step(Seen::Text(&envelope("x", "e1", &json!({}))))), Some("e1"));
    }
}

#[test]
fn an_ack_names_its_envelope_and_has_a_body_only_where_there_is_one() {
    assert_eq!(Envelope::ack("e\"1", None), r#"{"envelope_id":"e\"1"}"#);
    let body = json!({ "response_action": "errors" });
    let ack: Value = serde_json::from_str(&Envelope::ack("e1", Some(body.clone()))).unwrap();
    assert_eq!(ack, json!({ "envelope_id": "e1", "payload": body }));
}
