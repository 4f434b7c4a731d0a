//! Whatever comes, nothing panics; whatever is typed, nothing is lost.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{Command, Draft, What, plain, read};
use super::{heard, me};

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        key().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..6).prop_map(|pairs| Value::from(Map::from_iter(pairs))),
        ]
    })
}

/// Words Slack itself uses, so that random payloads get somewhere.
fn key() -> impl Strategy<Value = String> {
    let known = [
        "type",
        "event",
        "user",
        "id",
        "channel",
        "ts",
        "thread_ts",
        "text",
        "actions",
        "value",
        "view",
        "state",
        "values",
        "private_metadata",
        "callback_id",
        "message",
        "container",
        "block_actions",
        "view_submission",
        "event_callback",
        "message_action",
        "app_mention",
        "user_id",
        "channel_id",
        "selected_options",
        "rich_text_value",
        "elements",
        "{\"f\":\"answer\",\"handle\":\"x\"}",
        "dt.answer",
        "{\"b\":\"link\"}",
        "<@UBOT>",
        "dt.brief",
        "q0",
    ];
    prop::sample::select(known.to_vec()).prop_map(str::to_owned)
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["command", "event", "interaction", "else"])
}

/// As Slack sends what is typed.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

proptest! {
    #[test]
    fn arbitrary_json_never_panics(kind in kind(), payload in anything()) {
        let _ = heard(kind, &payload);
    }

    #[test]
    fn arbitrary_fields_in_the_right_places_never_panic(parts in prop::collection::vec(anything(), 8)) {
        let [a, b, c, d, e, f, g, h] = parts.try_into().unwrap();
        let event = json!({ "event": { "type": "message", "user": "U1", "channel": "C1", "ts": "1.1", "text": a,
            "thread_ts": b, "subtype": null, "edited": c, "channel_type": d, "team": e, "bot_id": null } });
        let _ = heard("event", &event);
        let click = json!({ "type": "block_actions", "user": {"id": "U1", "team_id": a}, "actions": [f, {"value": "{\"b\":\"link\"}"}],
            "state": {"values": g}, "message": h, "channel": {"id": "C1"} });
        prop_assert!(heard("interaction", &click).is_some());
        let form = json!({ "type": "view_submission", "user": {"id": "U1"}, "view": { "callback_id": "dt.answer",
            "private_metadata": "{\"f\":\"answer\",\"handle\":\"x\"}", "state": {"values": {"q0": g, "q1": {"value": h}}} } });
        prop_assert!(heard("interaction", &form).is_some());
    }

    #[test]
    fn arbitrary_bytes_never_panic(kind in kind(), payload in ".{0,200}") {
        let _ = read(kind, &payload, &me());
    }

    #[test]
    fn arbitrary_text_round_trips(text in any::<String>()) {
        let seen: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        prop_assert_eq!(plain(&escape(&text)), seen);
    }

    #[test]
    fn a_brief_without_options_is_its_goal_to_the_letter(text in "[^:/]{0,300}") {
        let draft = Draft::of(&text);
        prop_assert!(draft.goal == text.trim() || text.contains("--plan") || text.contains("--auto"));
        prop_assert_eq!(draft.repo, None);
    }

    #[test]
    fn options_are_found_wherever_they_stand(words in prop::collection::vec("[a-z]{1,8}", 1..8), at in 0..8_usize) {
        prop_assume!(!words.iter().any(|w| w == "plan" || w == "auto"));
        let mut with = words.clone();
        with.insert(at.min(words.len()), "repo:acme/api".to_owned());
        let draft = Draft::of(&with.join(" "));
        prop_assert_eq!(draft.repo.as_deref(), Some("acme/api"));
        prop_assert_eq!(draft.goal, words.join(" "));
    }

    #[test]
    fn an_unknown_line_is_said_back_whole(line in any::<String>()) {
        let payload = json!({ "text": escape(&line), "user_id": "U1", "channel_id": "C1" });
        if let Some(What::Command(Command::Unknown { word, said, .. })) = heard("command", &payload).map(|s| s.what) {
            prop_assert!(word.chars().count() <= 40);
            prop_assert_eq!(said.as_str(), plain(&escape(&line)).trim().to_owned());
        }
    }
}
