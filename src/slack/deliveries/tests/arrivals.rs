//! Keys: what is sent again is known, what differs is not taken for the same.

use super::*;

fn key(kind: &str, name: &str, payload: &Value) -> String {
    let now = DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap();
    Arrival::new(kind.to_owned(), name, payload.to_string(), 0, now).delivery.key
}

fn message(kind: &str, event: &str) -> Value {
    json!({ "type": "event_callback", "team_id": null, "event_id": event,
        "event": { "type": kind, "channel": "C1", "ts": "1.2", "text": "hi" } })
}

#[test]
fn an_event_is_known_by_its_own_name_however_it_comes() {
    let event =
        json!({ "event_id": "Ev1", "event": { "type": "channel_created", "channel": { "id": "C1" } } });
    assert_eq!(key("event", "envelope-1", &event), "event:Ev1");
    assert_eq!(key("event", "envelope-2", &event), "event:Ev1");
}

#[test]
fn a_message_and_the_mention_in_it_are_two_and_each_is_known_by_its_place() {
    assert_eq!(key("event", "x", &message("message", "Ev1")), "event:message::C1:1.2");
    assert_eq!(key("event", "y", &message("message", "Ev2")), "event:message::C1:1.2");
    assert_eq!(key("event", "z", &message("app_mention", "Ev3")), "event:app_mention::C1:1.2");
    let mut edited = message("message", "Ev4");
    edited["event"]["subtype"] = json!("message_changed");
    assert_eq!(key("event", "x", &edited), "event:message:message_changed:C1:1.2");
}

#[test]
fn an_event_without_a_name_has_its_envelopes() {
    assert_eq!(key("event", "envelope-1", &json!({ "event": 7 })), "event:envelope-1");
}

#[test]
fn commands_and_clicks_are_known_by_their_envelope() {
    let click = json!({ "type": "block_actions", "team": null });
    assert_eq!(key("interaction", "e-1", &click), "interaction:e-1");
    assert_ne!(key("interaction", "e-1", &click), key("command", "e-1", &click));
}

#[test]
fn what_nobody_told_us_of_keeps_its_name() {
    assert_eq!(super::super::kind_of("slash_commands"), "command");
    assert_eq!(super::super::kind_of("interactive"), "interaction");
    assert_eq!(super::super::kind_of("events_api"), "event");
    assert_eq!(super::super::kind_of("workflow_steps"), "workflow_steps");
    assert_eq!(key("workflow_steps", "e-1", &Value::Null), "workflow_steps:e-1");
}

#[test]
fn a_key_stays_short() {
    let long = "é".repeat(50_000);
    assert!(key("command", &long, &Value::Null).len() < 100);
    assert!(key("event", "x", &json!({ "event_id": long })).len() < 100);
    assert_eq!(super::super::kind_of(&long).chars().count(), 40);
}

#[test]
fn events_are_awaited_again_three_times_and_nothing_else_is() {
    let again = |kind: &str, retry| {
        let now = DateTime::from_timestamp_micros(0).unwrap();
        Arrival::new(kind.to_owned(), "x", "{}".to_owned(), retry, now).comes_again
    };
    assert_eq!([0, 2, 3, u32::MAX].map(|n| again("event", n)), [true, true, false, false]);
    assert!(!again("command", 0) && !again("interaction", 0));
}
