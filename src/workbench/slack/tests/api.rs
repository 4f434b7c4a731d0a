//! The Web API: who may call what, in which form, and what it answers.

use super::*;

#[tokio::test]
async fn a_call_without_a_good_token_is_refused() {
    let slack = world().await;
    let url = format!("{}/auth.test", slack.api_url());
    assert_eq!(send("POST", &url, &[], "").await.word(), "not_authed");
    assert_eq!(
        send("POST", &url, &[("authorization", "Bearer xoxb-wrong")], "").await.word(),
        "invalid_auth"
    );
    let bot = slack.tokens().bot.expose_secret();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(send("POST", &url, &form, format!("token={bot}")).await.word(), "ok");
    let open = slack.call("apps.connections.open", json!({})).await;
    assert_eq!(open.word(), "not_allowed_token_type");
    let unknown = slack.call("chat.postMassage", json!({})).await;
    assert_eq!(
        (unknown.word().as_str(), &unknown.json()["req_method"]),
        ("unknown_method", &json!("chat.postMassage"))
    );
}

#[tokio::test]
async fn a_token_may_do_what_its_scopes_say() {
    let scopes = vec!["users:read".to_owned()];
    let slack = world_with(Settings { scopes, ..Settings::default() }).await;
    let refused = slack.call("chat.postMessage", json!({ "channel": DEV, "text": "x" })).await;
    insta::assert_snapshot!(refused.text, @r#"{"error":"missing_scope","needed":"chat:write","ok":false,"provided":"users:read"}"#);
    let told = slack.get("users.info", "user=U0CY").await;
    assert_eq!(told.json()["user"]["is_admin"], true);
    assert_eq!(told.headers["x-oauth-scopes"], "users:read");
}

#[tokio::test]
async fn hostile_bodies_are_refused_and_counted() {
    let slack = world().await;
    let bearer = format!("Bearer {}", slack.tokens().bot.expose_secret());
    let url = format!("{}/chat.postMessage", slack.api_url());
    let mut said = Vec::new();
    for (sort, body) in [
        ("application/json", "x".repeat(2 << 20)),
        ("application/json", "{".into()),
        ("application/json", "[1]".into()),
        ("application/json", r#"{"channel": 7}"#.into()),
        ("application/json", r#"{"channel": "C0DEV", "text": {"a": 1}}"#.into()),
        ("application/json", r#"{"channel": "C0DEV", "text": "x", "blocks": "[{"}"#.into()),
        ("application/json", r#"{"channel": "C0DEV", "text": "x", "blocks": {}}"#.into()),
        ("application/json", r#"{"channel": "C0DEV", "text": ""}"#.into()),
        ("application/x-www-form-urlencoded", "channel=%zz%00&text=\u{202e}%".into()),
        ("multipart/form-data; boundary=x", "--x--".into()),
        ("text/plain", "hello".into()),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", sort)];
        let answer = send("POST", &url, &headers, body).await;
        said.push(format!("{} {}", answer.status.as_u16(), answer.word()));
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    413 request_too_large
    200 invalid_json
    200 json_not_object
    200 no_text
    200 invalid_arguments
    200 invalid_blocks_format
    200 invalid_blocks_format
    200 no_text
    200 channel_not_found
    200 invalid_post_type
    200 invalid_post_type
    ");
    assert_eq!(slack.calls().count("chat.postMessage"), said.len() as u64);
    assert_eq!(slack.transcript(DEV).unwrap(), "# dev\n");
}

#[tokio::test]
async fn methods_that_read_do_not_take_json() {
    let slack = joined().await;
    let refused = slack.call("conversations.info", json!({ "channel": DEV })).await;
    assert_eq!(refused.word(), "invalid_arguments");
    let told = slack.get("conversations.info", "channel=C0DEV").await;
    assert_eq!(told.json()["channel"]["is_member"], true);
}

#[tokio::test]
async fn one_scope_lets_the_app_write_where_it_is_not() {
    let scopes = vec!["chat:write".to_owned(), "chat:write.public".to_owned()];
    let slack = world_with(Settings { scopes, ..Settings::default() }).await;
    slack.post("from outside").await;
    let quiet = slack.call("chat.postMessage", json!({ "channel": "C0QUIET", "text": "x" })).await;
    assert_eq!(quiet.word(), "channel_not_found");
}

#[tokio::test]
async fn messages_go_where_the_app_may_be() {
    let slack = world().await;
    let post = async |channel: &str| {
        slack.call("chat.postMessage", json!({ "channel": channel, "text": "x" })).await.word()
    };
    assert_eq!(post(DEV).await, "not_in_channel", "there is no chat:write.public");
    assert_eq!(post("C0QUIET").await, "channel_not_found", "private, and the app is not in");
    assert_eq!(post("C0NOWHERE").await, "channel_not_found");
    assert_eq!(post(ANA).await, "ok", "a person's id is the talk with them");
    assert_eq!(post("U0ZOE").await, "user_not_visible");
    assert_eq!(post("U0ROBO").await, "cannot_dm_bot");
    let read = slack.get("conversations.history", "channel=C0DEV").await;
    assert_eq!(read.word(), "not_in_channel");
    let join = async |channel: &str| slack.call("conversations.join", json!({ "channel": channel })).await;
    assert_eq!(join("C0QUIET").await.word(), "channel_not_found");
    assert_eq!(join(DEV).await.json()["channel"]["is_member"], true);
    assert_eq!(join(DEV).await.json()["warning"], "already_in_channel");
    assert!(slack.transcript(DEV).unwrap().ends_with("· devtask joined\n"));
    let whisper = json!({ "channel": DEV, "user": "U0ROBO", "text": "x" });
    assert_eq!(slack.call("chat.postEphemeral", whisper).await.word(), "user_not_in_channel");
}

#[tokio::test]
async fn threads_hang_under_messages_that_are_there() {
    let slack = joined().await;
    let root = slack.post("root").await;
    let reply = async |ts: &str| {
        slack.call("chat.postMessage", json!({ "channel": DEV, "text": "reply", "thread_ts": ts })).await
    };
    let first = reply(&root).await.json()["ts"].as_str().unwrap().to_owned();
    assert_eq!(reply(&first).await.word(), "cannot_reply_to_message");
    assert_eq!(reply("1.000001").await.word(), "thread_not_found");
    let history = slack.get("conversations.history", "channel=C0DEV").await.json();
    assert_eq!(history["messages"][0]["reply_count"], 1);
    assert_eq!(history["messages"].as_array().unwrap().len(), 1, "no reply: {history}");
    let thread = slack.get("conversations.replies", &format!("channel=C0DEV&ts={root}")).await.json();
    let texts: Vec<&Value> = thread["messages"].as_array().unwrap().iter().map(|m| &m["text"]).collect();
    assert_eq!(texts, ["root", "reply"]);
    let page = slack.get("conversations.replies", &format!("channel=C0DEV&ts={root}&limit=1")).await.json();
    assert_eq!(page["has_more"], true);
}

#[tokio::test]
async fn only_what_the_app_wrote_can_be_changed() {
    let slack = joined().await;
    let ts = slack.post("mine").await;
    let theirs = slack.say(ANA, DEV, "hers", None).unwrap().ts.unwrap();
    let update = async |ts: &str, more: Value| {
        let mut body = json!({ "channel": DEV, "ts": ts });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        slack.call("chat.update", body).await
    };
    assert_eq!(update(&theirs, json!({ "text": "x" })).await.word(), "cant_update_message");
    assert_eq!(update("1.1", json!({ "text": "x" })).await.word(), "message_not_found");
    let blocks = json!({ "text": "t", "blocks": [section("one")] });
    assert_eq!(update(&ts, blocks).await.json()["message"]["edited"], Value::Null);
    let plain = update(&ts, json!({ "text": "two" })).await.json();
    assert_eq!(plain["message"]["blocks"], Value::Null, "a text without blocks takes them away");
    assert!(plain["message"]["edited"].is_object());
    let delete = async |ts: &str| slack.call("chat.delete", json!({ "channel": DEV, "ts": ts })).await.word();
    assert_eq!(delete(&theirs).await, "cant_delete_message");
    assert_eq!(delete(&ts).await, "ok");
    assert_eq!(delete(&ts).await, "message_not_found");
}

#[tokio::test]
async fn metadata_is_shown_to_who_asks_for_it() {
    let slack = joined().await;
    let metadata = json!({ "event_type": "k", "event_payload": { "key": "1" } });
    let body = json!({ "channel": DEV, "text": "x", "metadata": metadata });
    assert_eq!(slack.call("chat.postMessage", body).await.word(), "ok");
    let bare = slack.get("conversations.history", "channel=C0DEV&limit=1").await.json();
    assert_eq!(bare["messages"][0]["metadata"], Value::Null);
    let full =
        slack.get("conversations.history", "channel=C0DEV&limit=1&include_all_metadata=true").await.json();
    assert_eq!(full["messages"][0]["metadata"], metadata);
    let wrong = json!({ "channel": DEV, "text": "x", "metadata": { "key": 1 } });
    assert_eq!(slack.call("chat.postMessage", wrong).await.word(), "invalid_metadata_format");
}

#[tokio::test]
async fn a_response_url_takes_five_replies_within_half_an_hour() {
    let slack = world().await;
    let mut app = slack.connect().await;
    slack.say(ANA, "C0GENERAL", "/devtask x", None).unwrap();
    let url = app.take(Value::Null).await["payload"]["response_url"].as_str().unwrap().to_owned();
    let json_body = [("content-type", "application/json")];
    let reply = async |body: Value| send("POST", &url, &json_body, body.to_string()).await;
    let first = reply(json!({ "text": "for you" })).await;
    assert_eq!((first.status, first.text.as_str()), (StatusCode::OK, "ok"));
    assert!(first.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    reply(json!({ "text": "for all", "response_type": "in_channel" })).await;
    insta::assert_snapshot!(slack.transcript("C0GENERAL").unwrap(), @r"
    # general
    (only ana) [devtask] for you
    [devtask] for all
    ");
    assert_eq!(reply(json!({})).await.word(), "no_text", "a wrong one does not count");
    for _ in 0..3 {
        assert_eq!(reply(json!({ "text": "x" })).await.text, "ok");
    }
    assert_eq!(reply(json!({ "text": "x" })).await.word(), "used_url");
    slack.say(ANA, "C0GENERAL", "/devtask y", None).unwrap();
    let url = app.take(Value::Null).await["payload"]["response_url"].as_str().unwrap().to_owned();
    slack.turn(TimeDelta::minutes(30));
    let late = send("POST", &url, &json_body, json!({ "text": "x" }).to_string()).await;
    assert_eq!((late.status.as_u16(), late.word().as_str()), (404, "expired_url"));
}

#[tokio::test]
async fn files_are_for_who_has_the_token() {
    let slack = joined().await;
    let file = Some(Attached { name: "brief.md".into(), text: "# Do it".into() });
    let act = Act::Say { channel: DEV.into(), text: "see".into(), thread: None, file };
    slack.act(ANA, act).unwrap();
    let history = slack.get("conversations.history", "channel=C0DEV&limit=1").await.json();
    let file = &history["messages"][0]["files"][0];
    assert_eq!(slack.get("files.info", "file=F1").await.word(), "missing_scope");
    assert_eq!((&history["messages"][0]["subtype"], &file["size"]), (&json!("file_share"), &json!(7)));
    let url = file["url_private_download"].as_str().unwrap();
    assert!(send("GET", url, &[], "").await.text.contains("Sign in"));
    let bearer = format!("Bearer {}", slack.tokens().bot.expose_secret());
    assert_eq!(send("GET", url, &[("authorization", &bearer)], "").await.text, "# Do it");
}

#[tokio::test]
async fn reactions_are_given_once() {
    let slack = joined().await;
    let ts = slack.post("x").await;
    let react = async |method: &str, name: &str| {
        slack.call(method, json!({ "channel": DEV, "timestamp": ts, "name": name })).await.word()
    };
    assert_eq!(react("reactions.add", "eyes").await, "ok");
    assert_eq!(react("reactions.add", "eyes").await, "already_reacted");
    assert_eq!(react("reactions.add", "no such!").await, "invalid_name");
    assert_eq!(react("reactions.remove", "eyes").await, "ok");
    assert_eq!(react("reactions.remove", "eyes").await, "no_reaction");
}
