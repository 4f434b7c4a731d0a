//! Sizes, shapes and rates, with the complaint each of them gets.

use proptest::prelude::*;

use super::*;
use crate::workbench::slack::limits;

fn complaint(done: Result<(), Refusal>) -> String {
    done.err().map_or_else(|| "ok".into(), |refusal| refusal.to_string())
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text })
}

fn option(n: usize) -> Value {
    json!({ "text": plain(&format!("o{n}")), "value": n.to_string() })
}

fn actions(element: &Value) -> Vec<Value> {
    vec![json!({ "type": "actions", "elements": [element] })]
}

#[test]
fn wrong_blocks_are_told_where_they_are_wrong() {
    let long = |n: usize| "x".repeat(n);
    let menu =
        |n: usize| json!({ "type": "static_select", "options": (0..n).map(option).collect::<Vec<Value>>() });
    let boxes = json!({ "type": "checkboxes", "options": (0..11).map(option).collect::<Vec<Value>>() });
    let twice =
        vec![json!({ "type": "divider", "block_id": "b" }), json!({ "type": "divider", "block_id": "b" })];
    let mut wide = button("x");
    wide["text"] = json!({ "type": "mrkdwn", "text": "x" });
    let mut loud = button("x");
    loud["style"] = json!("big");
    let mut asking = button("x");
    asking["confirm"] = json!({ "title": plain("t"), "text": plain(&long(301)), "confirm": plain("y") });
    let initial = json!({ "type": "static_select", "options": [option(1)], "initial_option": option(2) });
    let cases: Vec<Vec<Value>> = vec![
        vec![section(&long(3_001))],
        vec![section("")],
        vec![json!({ "type": "section" })],
        vec![json!({ "type": "header", "text": plain(&long(151)) })],
        vec![json!({ "type": "divider" }); 51],
        vec![json!({ "type": "dividers" })],
        vec![json!({ "type": "context", "elements": [] })],
        vec![json!({ "type": "actions", "elements": vec![json!({"type":"button","text":plain("x")}); 26] })],
        actions(&button(&long(76))),
        actions(&wide),
        actions(&loud),
        actions(&asking),
        actions(&menu(101)),
        actions(&menu(0)),
        actions(&boxes),
        actions(&initial),
        actions(&json!({ "type": "plain_text_input", "action_id": "a" })),
        actions(&json!({ "type": "button", "text": plain("x"), "colour": "red" })),
        vec![json!({ "type": "actions", "elements": [button("a"), button("a")] })],
        twice,
        vec![
            json!({ "type": "plan", "title": "p", "tasks": [{ "task_id": "1", "title": "t", "status": "completed" }] }),
        ],
        vec![
            json!({ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [{ "type": "html" }] }] }),
        ],
        vec![json!("text")],
    ];
    let said: Vec<String> = cases.iter().map(|blocks| complaint(limits::message("t", blocks))).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_message_is_at_most_so_long_in_all() {
    let parts = |n: usize| vec![section(&"x".repeat(2_640)); n];
    assert_eq!(complaint(limits::message("t", &parts(5))), "ok");
    assert!(complaint(limits::message("t", &parts(6))).starts_with("msg_blocks_too_long"));
    assert_eq!(complaint(limits::message(&"x".repeat(40_000), &[])), "ok");
    assert_eq!(complaint(limits::message(&"x".repeat(40_001), &[])), "msg_too_long");
    assert_eq!(complaint(limits::message("", &[])), "no_text");
}

#[test]
fn a_view_has_its_own_limits() {
    let with = |key: &str, value: Value| {
        let mut view = form();
        view[key] = value;
        complaint(limits::view(&view))
    };
    let mut unsent = form();
    unsent.as_object_mut().unwrap().remove("submit");
    let said = [
        complaint(limits::view(&form())),
        with("title", plain(&"x".repeat(25))),
        with("private_metadata", json!("x".repeat(3_001))),
        with("blocks", json!(vec![json!({ "type": "divider" }); 101])),
        with("blocks", json!([{ "type": "markdown", "text": "x" }])),
        with("colour", json!("red")),
        with("type", json!("dialog")),
        with("private_metadata", json!("x".repeat(250_000))),
        complaint(limits::view(&unsent)),
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    ok
    invalid_arguments; [ERROR] must be less than 25 characters [json-pointer:/view/title/text]
    invalid_arguments; [ERROR] must be less than 3001 characters [json-pointer:/view/private_metadata]
    invalid_arguments; [ERROR] no more than 100 items allowed [json-pointer:/view/blocks]
    invalid_arguments; [ERROR] unsupported type: markdown [json-pointer:/view/blocks/0/type]
    invalid_arguments; [ERROR] invalid additional property: colour [json-pointer:/view]
    invalid_arguments; [ERROR] unsupported type [json-pointer:/view/type]
    view_too_large
    invalid_arguments; [ERROR] missing required field: submit [json-pointer:/view]
    ");
}

proptest! {
    #[test]
    fn any_json_is_checked_without_harm(text in "\\PC{0,40}", n in 0_i64..9, sort in "section|actions|input|table|plan|rich_text|context") {
        for odd in [json!(text), json!(n), json!([n, text]), json!({ "type": sort, "elements": n, "text": [text], "rows": [n], "tasks": text })] {
            drop(limits::message("t", std::slice::from_ref(&odd)));
            drop(limits::view(&json!({ "type": "modal", "blocks": [odd.clone()], "title": odd })));
            drop(limits::metadata(&odd));
        }
    }
}

#[tokio::test]
async fn a_channel_takes_a_short_burst_and_then_a_message_a_second() {
    let slack = joined().await;
    let post = async |channel: &str| {
        slack.call("chat.postMessage", json!({ "channel": channel, "text": "x" })).await
    };
    for _ in 0..5 {
        assert_eq!(post(DEV).await.word(), "ok");
    }
    let refused = post(DEV).await;
    assert_eq!((refused.status.as_u16(), refused.word().as_str()), (429, "ratelimited"));
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(post(ANA).await.word(), "ok", "another channel");
    slack.turn(seconds(1));
    assert_eq!(post(DEV).await.word(), "ok");
    assert_eq!(post(DEV).await.word(), "ratelimited");
    assert_eq!(slack.calls().got_429(), 2);
}

#[tokio::test]
async fn a_method_has_its_calls_a_minute() {
    let slack = joined().await;
    let ts = slack.post("x").await;
    let update = async || slack.call("chat.update", json!({ "channel": DEV, "ts": ts, "text": "y" })).await;
    slack.turn(seconds(10));
    for _ in 0..50 {
        assert_eq!(update().await.word(), "ok");
    }
    slack.turn(seconds(20));
    assert_eq!(update().await.headers["retry-after"], "40");
    slack.turn(seconds(40));
    assert_eq!(update().await.word(), "ok");
    assert_eq!(slack.calls().busiest_minute("chat.update"), 51, "the refused one was a call too");
}
