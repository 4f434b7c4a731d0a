//! What people do, what they are refused, and what the app hears of it.

use super::*;

async fn with_app() -> (Slack, Socket) {
    let slack = joined().await;
    let app = slack.connect().await;
    (slack, app)
}

/// Waits for the app's next envelope of this type, acknowledging what else comes.
async fn next(app: &mut Socket, sort: &str) -> Value {
    loop {
        let envelope = app.take(Value::Null).await;
        if envelope["type"] == sort {
            return envelope;
        }
    }
}

#[tokio::test]
async fn a_mention_is_two_events_of_one_message() {
    let (slack, mut app) = with_app().await;
    let ts = slack.say(ANA, DEV, "@devtask fix <b> & tell @bo in #general", None).unwrap().ts.unwrap();
    let (one, two) = (app.take(Value::Null).await, app.take(Value::Null).await);
    let event = |e: &Value| e["payload"]["event"].clone();
    assert_eq!(
        (event(&one)["type"].as_str(), event(&two)["type"].as_str()),
        (Some("message"), Some("app_mention"))
    );
    assert_eq!(
        (event(&one)["ts"].as_str(), event(&two)["ts"].as_str()),
        (Some(ts.as_str()), Some(ts.as_str()))
    );
    assert_ne!(one["payload"]["event_id"], two["payload"]["event_id"]);
    assert_eq!(event(&one)["text"], "<@U0APP> fix &lt;b&gt; &amp; tell <@U0BO> in <#C0GENERAL|general>");
    slack.say(ANA, DEV, "mail@devtask.example is no mention", None).unwrap();
    assert_eq!(event(&app.take(Value::Null).await)["type"], "message");
    assert!(app.is_silent().await);
}

#[tokio::test]
async fn the_app_hears_itself_and_only_where_it_is() {
    let (slack, mut app) = with_app().await;
    let ts = slack.post("mine").await;
    let echo = app.take(Value::Null).await["payload"]["event"].clone();
    assert_eq!((echo["bot_id"].as_str(), echo["user"].as_str()), (Some("B0APP"), Some("U0APP")));
    slack.call("chat.update", json!({ "channel": DEV, "ts": ts, "text": "new" })).await;
    let changed = app.take(Value::Null).await["payload"]["event"].clone();
    assert_eq!(
        (&changed["subtype"], &changed["previous_message"]["text"]),
        (&json!("message_changed"), &json!("mine"))
    );
    slack.act("U0CY", Act::Delete { channel: DEV.into(), ts: ts.clone() }).unwrap();
    let deleted = app.take(Value::Null).await["payload"]["event"].clone();
    assert_eq!((&deleted["subtype"], &deleted["deleted_ts"]), (&json!("message_deleted"), &json!(ts)));
    slack.say(ANA, "C0QUIET", "@devtask hello", None).unwrap();
    assert!(app.is_silent().await);
    let told = slack.transcript("C0QUIET").unwrap();
    assert!(
        told.contains("(only ana) [slackbot] You mentioned ‹@devtask›, but they're not in this channel."),
        "{told}"
    );
    let dm = slack.act(ANA, Act::Dm).unwrap().ts.unwrap();
    slack.say(ANA, &dm, "@devtask psst", None).unwrap();
    assert_eq!(app.take(Value::Null).await["payload"]["event"]["channel_type"], "im");
    assert!(app.is_silent().await, "no app_mention in a DM");
}

#[tokio::test]
async fn commands_are_no_messages_and_threads_have_none() {
    let (slack, mut app) = with_app().await;
    let root = slack.post("root").await;
    slack.say(ANA, DEV, "/devtask pause", Some(&root)).unwrap();
    slack.say(ANA, DEV, "/deploy now", None).unwrap();
    next(&mut app, "events_api").await;
    assert!(app.is_silent().await);
    slack.say(ANA, DEV, "/devtask new fix it", None).unwrap();
    let command = app.take(json!({ "text": "Working on it", "response_type": "ephemeral" })).await;
    assert_eq!(
        (&command["payload"]["command"], &command["payload"]["text"]),
        (&json!("/devtask"), &json!("new fix it"))
    );
    until(&slack, || slack.transcript(DEV).unwrap().contains("Working")).await;
    insta::assert_snapshot!(slack.transcript(DEV).unwrap(), @r"
    # dev
    [devtask] root
        ↳ (only ana) [slackbot] /devtask is not supported in threads. Sorry!
    (only ana) [slackbot] /deploy is not a valid command.
    (only ana) [devtask] Working on it
    ");
    let ana = slack.transcript_with(DEV, &Detail { reader: Some(BO.into()), ..Detail::default() }).unwrap();
    assert!(!ana.contains("Working"), "bo does not see what is for ana");
}

#[tokio::test]
async fn people_see_what_they_may() {
    let slack = world().await;
    let rooms = |who: &str| {
        let state = slack.state(who).unwrap();
        let names: Vec<String> = state["channels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["name"].as_str().unwrap().into())
            .collect();
        names.join(" ")
    };
    assert_eq!(rooms(ANA), "dev general quiet");
    assert_eq!(rooms(BO), "dev general");
    assert_eq!(rooms("U0GUS"), "dev");
    assert_eq!(rooms("U0ZOE"), "dev");
    assert!(slack.state("U0ROBO").is_none(), "bots look at nothing");
    assert!(slack.say("U0GUS", "C0GENERAL", "hi", None).is_err());
    assert!(slack.say("U0ROBO", DEV, "hi", None).is_err());
    assert!(slack.say(ANA, DEV, "  ", None).is_err());
    assert!(slack.say(ANA, DEV, &"x".repeat(40_001), None).is_err());
    let ts = slack.say(ANA, DEV, "mine", None).unwrap().ts.unwrap();
    let delete = |who: &str| slack.act(who, Act::Delete { channel: DEV.into(), ts: ts.clone() });
    assert!(delete(BO).is_err());
    assert!(delete("U0CY").is_ok(), "admins may");
}

#[tokio::test]
async fn a_click_carries_what_is_chosen_in_the_message() {
    let (slack, mut app) = with_app().await;
    let option = |text: &str| json!({ "text": { "type": "plain_text", "text": text }, "value": text });
    let blocks = json!([
        { "type": "actions", "block_id": "q0", "elements": [
            { "type": "checkboxes", "action_id": "value", "options": [option("429"), option("5xx")] },
        ] },
        { "type": "actions", "block_id": "go", "elements": [button("Send")] },
    ]);
    let posted =
        slack.call("chat.postMessage", json!({ "channel": DEV, "text": "?", "blocks": blocks })).await;
    let ts = posted.json()["ts"].as_str().unwrap().to_owned();
    let choose = |value: Value| Act::Click {
        at: Place::message(DEV, &ts),
        block: "q0".into(),
        action: "value".into(),
        value: Some(value),
        gone: None,
    };
    assert!(slack.act(ANA, choose(json!(["404"]))).is_err(), "no such option");
    slack.act(ANA, choose(json!(["429", "5xx"]))).unwrap();
    slack.press(ANA, DEV, "Send").unwrap();
    let chosen = next(&mut app, "interactive").await["payload"].clone();
    assert_eq!(chosen["actions"][0]["selected_options"].as_array().unwrap().len(), 2);
    let sent = next(&mut app, "interactive").await["payload"].clone();
    assert_eq!(sent["actions"][0]["value"], "v");
    assert_eq!(sent["state"]["values"]["q0"]["value"]["selected_options"][1]["value"], "5xx");
    assert_eq!((&sent["container"]["message_ts"], &sent["message"]["ts"]), (&json!(ts), &json!(ts)));
    slack.press(BO, DEV, "Send").unwrap();
    let theirs = next(&mut app, "interactive").await["payload"].clone();
    assert_eq!(theirs["state"]["values"]["q0"]["value"]["selected_options"], json!([]), "bo chose nothing");
}

#[tokio::test]
async fn a_button_that_is_gone_can_still_be_on_a_screen() {
    let (slack, mut app) = with_app().await;
    let ts = slack.post("settled").await;
    let click = |gone: Option<Value>| Act::Click {
        at: Place::message(DEV, &ts),
        block: "b".into(),
        action: "Pause".into(),
        value: None,
        gone,
    };
    assert!(slack.act(ANA, click(None)).is_err());
    slack.act(ANA, click(Some(button("Pause")))).unwrap();
    let payload = next(&mut app, "interactive").await["payload"].clone();
    assert_eq!(payload["actions"][0]["value"], "v");
}

#[tokio::test]
async fn a_click_nobody_answers_is_told_to_who_clicked() {
    let (slack, _app) = with_app().await;
    let blocks = json!([{ "type": "actions", "elements": [button("Pause")] }]);
    slack.call("chat.postMessage", json!({ "channel": DEV, "text": "x", "blocks": blocks })).await;
    slack.press(ANA, DEV, "Pause").unwrap();
    slack.tick();
    slack.turn(TimeDelta::milliseconds(3_001));
    assert!(
        slack
            .transcript(DEV)
            .unwrap()
            .contains("(only ana) [slackbot] That did not reach devtask: operation_timeout.")
    );
}

#[tokio::test]
async fn a_trigger_opens_once_and_within_three_seconds() {
    let (slack, mut app) = with_app().await;
    slack.say(ANA, DEV, "/devtask new", None).unwrap();
    let trigger = app.take(Value::Null).await["payload"]["trigger_id"].clone();
    let open = async |trigger: &Value| {
        slack.call("views.open", json!({ "trigger_id": trigger, "view": form() })).await.word()
    };
    assert_eq!(open(&json!("1.2.3")).await, "invalid_trigger_id");
    slack.turn(seconds(3));
    assert_eq!(open(&trigger).await, "ok");
    assert_eq!(open(&trigger).await, "exchanged_trigger_id");
    slack.say(ANA, DEV, "/devtask new", None).unwrap();
    let trigger = app.take(Value::Null).await["payload"]["trigger_id"].clone();
    slack.turn(TimeDelta::milliseconds(3_001));
    assert_eq!(open(&trigger).await, "expired_trigger_id");
}

#[tokio::test]
async fn a_form_goes_its_way() {
    let (slack, mut app) = with_app().await;
    slack.say(ANA, DEV, "/devtask new", None).unwrap();
    let trigger = app.take(Value::Null).await["payload"]["trigger_id"].clone();
    slack.call("views.open", json!({ "trigger_id": trigger, "view": form() })).await;
    let refused = slack.act(ANA, Act::Submit).unwrap_err();
    assert_eq!(refused.to_string(), "please complete this required field: Goal");
    let place = at(&slack.state(ANA).unwrap());
    let fill = |text: &str| Act::Fill {
        at: place.clone(),
        block: "goal".into(),
        action: "value".into(),
        value: text.into(),
    };
    slack.act(ANA, fill("fix it")).unwrap();

    // Wrong: the form stays, with what was typed.
    slack.act(ANA, Act::Submit).unwrap();
    assert!(slack.act(ANA, Act::Submit).is_err(), "it is being sent");
    let errors = json!({ "response_action": "errors", "errors": { "goal": "Which one?" } });
    let submitted = app.take(errors).await;
    assert_eq!(submitted["payload"]["view"]["state"]["values"]["goal"]["value"]["value"], "fix it");
    assert_eq!(submitted["payload"]["view"]["private_metadata"], "m");
    until(&slack, || slack.modal(ANA).unwrap().contains("! Which one?")).await;
    insta::assert_snapshot!(slack.modal(ANA).unwrap(), @r"
    == New task ==
    Goal
      [fix it]
      ! Which one?
    [Cancel] [Start]
    ");

    // Never answered: the person is told, and may try again.
    slack.act(ANA, Act::Submit).unwrap();
    app.next().await.unwrap();
    slack.turn(TimeDelta::milliseconds(3_001));
    assert!(slack.modal(ANA).unwrap().contains("! We had some trouble connecting. Try again?"));
    assert!(slack.modal(ANA).unwrap().contains("[fix it]"));

    // Another view in its place, then all closed.
    slack.act(ANA, Act::Submit).unwrap();
    app.take(json!({ "response_action": "update", "view": form() })).await;
    until(&slack, || slack.state(ANA).unwrap()["modal"]["busy"] == false).await;
    slack.act(ANA, Act::Submit).unwrap();
    app.take(json!({ "response_action": "clear" })).await;
    until(&slack, || slack.modal(ANA).is_none()).await;
    assert!(slack.act(ANA, Act::Close).is_err());
}

#[tokio::test]
async fn views_change_by_hash_and_keep_what_was_typed() {
    let (slack, mut app) = with_app().await;
    slack.say(ANA, DEV, "/devtask new", None).unwrap();
    let trigger = app.take(Value::Null).await["payload"]["trigger_id"].clone();
    let opened = slack.call("views.open", json!({ "trigger_id": trigger, "view": form() })).await.json();
    let (id, hash) = (&opened["view"]["id"], &opened["view"]["hash"]);
    let place = at(&slack.state(ANA).unwrap());
    slack
        .act(
            ANA,
            Act::Fill { at: place, block: "goal".into(), action: "value".into(), value: "typed".into() },
        )
        .unwrap();
    let update = async |hash: &Value| {
        slack.call("views.update", json!({ "view_id": id, "hash": hash, "view": form() })).await
    };
    assert_eq!(update(hash).await.json()["view"]["state"]["values"]["goal"]["value"]["value"], "typed");
    assert_eq!(update(hash).await.word(), "hash_conflict");
    slack.act(ANA, Act::Close).unwrap();
    assert_eq!(
        slack.call("views.update", json!({ "view_id": id, "view": form() })).await.word(),
        "not_found"
    );
    let home = json!({ "type": "home", "blocks": [section("Hello")] });
    let publish = json!({ "user_id": ANA, "view": home });
    assert_eq!(slack.call("views.publish", publish).await.word(), "ok");
    assert_eq!(slack.state(ANA).unwrap()["home"]["blocks"][0]["text"]["text"], "Hello");
}

#[tokio::test]
async fn an_org_wide_installation_names_no_team() {
    let (slack, mut app) = with_app().await;
    let blocks = json!([{ "type": "actions", "elements": [button("Pause")] }]);
    slack.call("chat.postMessage", json!({ "channel": DEV, "text": "x", "blocks": blocks })).await;
    slack.fault(Fault::OrgWide { times: 1 });
    slack.press(ANA, DEV, "Pause").unwrap();
    slack.press("U0ZOE", DEV, "Pause").unwrap();
    let wide = next(&mut app, "interactive").await["payload"].clone();
    assert_eq!((&wide["team"], &wide["is_enterprise_install"]), (&Value::Null, &json!(true)));
    let stranger = next(&mut app, "interactive").await["payload"].clone();
    assert_eq!(
        (&stranger["team"]["id"], &stranger["user"]["team_id"]),
        (&json!("T0ACME"), &json!("T0OTHER"))
    );
}

#[tokio::test]
async fn suggestions_come_from_the_app_and_can_then_be_chosen() {
    let (slack, mut app) = with_app().await;
    let mut view = form();
    view["blocks"][0]["element"] =
        json!({ "type": "external_select", "action_id": "value", "min_query_length": 1 });
    slack.say(ANA, DEV, "/devtask new", None).unwrap();
    let trigger = app.take(Value::Null).await["payload"]["trigger_id"].clone();
    slack.call("views.open", json!({ "trigger_id": trigger, "view": view })).await;
    let place = at(&slack.state(ANA).unwrap());
    let typed = |text: &str| Act::Suggest {
        at: place.clone(),
        block: "goal".into(),
        action: "value".into(),
        value: text.into(),
    };
    assert!(slack.act(ANA, typed("")).is_err());
    let asked = slack.act(ANA, typed("ac")).unwrap().delivery.unwrap();
    let option = json!({ "text": { "type": "plain_text", "text": "acme/app" }, "value": "acme/app" });
    let query = app.take(json!({ "options": [option] })).await;
    assert_eq!(
        (&query["payload"]["type"], &query["payload"]["value"]),
        (&json!("block_suggestion"), &json!("ac"))
    );
    slack.settled(&asked, WITHIN).await.unwrap();
    let fill =
        Act::Fill { at: place, block: "goal".into(), action: "value".into(), value: "acme/app".into() };
    slack.act(ANA, fill).unwrap();
    assert!(slack.modal(ANA).unwrap().contains("[acme/app ▾]"), "{}", slack.modal(ANA).unwrap());
}
