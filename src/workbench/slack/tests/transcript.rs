//! What a channel looks like as text.

use super::*;

#[tokio::test]
async fn a_channel_reads_as_a_person_sees_it() {
    let slack = joined().await;
    slack.say(ANA, DEV, "@devtask fix the login, @channel", None).unwrap();
    let option = |text: &str| json!({ "text": { "type": "plain_text", "text": text }, "value": text });
    let mut cancel = button("Cancel");
    cancel["confirm"] = json!({
        "title": { "type": "plain_text", "text": "Cancel it?" }, "text": { "type": "plain_text", "text": "Gone." },
        "confirm": { "type": "plain_text", "text": "Yes" }, "deny": { "type": "plain_text", "text": "No" },
    });
    let mut open = button("Open");
    open["url"] = json!("https://example.com/pr/1");
    let blocks = json!([
        { "type": "header", "text": { "type": "plain_text", "text": "dt-1 · Fix <b>" } },
        section("*Running* for <@U0ANA>, see <https://example.com|the log>\n&lt;!channel&gt; &amp; <!date^1^{time}|15:02>"),
        { "type": "context", "elements": [{ "type": "mrkdwn", "text": "acme/app" }, { "type": "mrkdwn", "text": "$0.62" }] },
        { "type": "actions", "elements": [button("Pause"), cancel, open] },
        { "type": "divider" },
        { "type": "actions", "elements": [
            { "type": "static_select", "action_id": "s", "options": [option("a"), option("b")], "initial_option": option("b") },
            { "type": "checkboxes", "action_id": "c", "options": [option("429"), option("5xx")], "initial_options": [option("5xx")] },
            { "type": "overflow", "action_id": "o", "options": [option("Log")] },
        ] },
        { "type": "rich_text", "elements": [
            { "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": "cargo test\n<@U0ANA> <!channel>" }] },
            { "type": "rich_text_list", "style": "bullet", "elements": [
                { "type": "rich_text_section", "elements": [{ "type": "user", "user_id": "U0BO" }, { "type": "text", "text": " did" }] },
            ] },
        ] },
        { "type": "table", "rows": [[{ "type": "raw_text", "text": "check" }, { "type": "raw_text", "text": "ok" }]] },
    ]);
    let root = slack
        .call("chat.postMessage", json!({ "channel": DEV, "text": "dt-1 runs", "blocks": blocks }))
        .await;
    assert_eq!(root.word(), "ok", "{}", root.text);
    let root = root.json()["ts"].as_str().unwrap().to_owned();
    slack.say(BO, DEV, "and the docs\nplease", Some(&root)).unwrap();
    let whisper = json!({ "channel": DEV, "user": ANA, "text": "only you", "thread_ts": root });
    slack.call("chat.postEphemeral", whisper).await;
    slack.act(ANA, Act::React { channel: DEV.into(), ts: root.clone(), name: "eyes".into() }).unwrap();
    insta::assert_snapshot!(slack.transcript(DEV).unwrap());
    let spoken = Detail { reader: Some(BO.into()), times: true, spoken: true };
    let bo = slack.transcript_with(DEV, &spoken).unwrap();
    assert!(
        bo.contains("09:00:00 [devtask]") && bo.contains("(says: dt-1 runs)") && !bo.contains("only you"),
        "{bo}"
    );
    assert!(slack.thread(DEV, &root).unwrap().starts_with("# dev\n[devtask]\n  ## dt-1"));
    slack.act("U0CY", Act::Delete { channel: DEV.into(), ts: root }).unwrap();
    assert!(slack.transcript(DEV).unwrap().contains("· This message was deleted.\n    ↳ [bo]"));
}
