//! The library the product speaks Slack with: its client works here, its models read what is delivered.

use hyper_util::client::legacy::connect::HttpConnector;
use slack_morphism::api::*;
use slack_morphism::blocks::{SlackModalView, SlackView};
use slack_morphism::events::{
    SlackCommandEvent, SlackEventCallbackBody, SlackInteractionEvent, SlackPushEventCallback,
};
use slack_morphism::hyper_tokio::SlackClientHyperConnector;
use slack_morphism::{SlackApiToken, SlackApiTokenValue, SlackClient, SlackMessageContent, SlackResponseUrl};

use super::*;

fn client(slack: &Slack) -> SlackClient<SlackClientHyperConnector<HttpConnector>> {
    let connector = SlackClientHyperConnector::with_connector(HttpConnector::new());
    SlackClient::new(connector.with_slack_api_url(&slack.api_url()))
}

#[tokio::test]
async fn its_client_posts_updates_and_opens_forms() {
    let slack = joined().await;
    let mut app = slack.connect().await;
    let client = client(&slack);
    let token = SlackApiToken::new(SlackApiTokenValue::new(slack.tokens().bot.expose_secret().into()));
    let session = client.open_session(&token);
    assert_eq!(session.auth_test().await.unwrap().bot_id.unwrap().0, "B0APP");
    let blocks = vec![serde_json::from_value(section("hello")).unwrap()];
    let content = SlackMessageContent::new().with_text("hello".into()).with_blocks(blocks);
    let posted =
        session.chat_post_message(&SlackApiChatPostMessageRequest::new(DEV.into(), content)).await.unwrap();
    let content = SlackMessageContent::new().with_text("changed".into());
    let update = SlackApiChatUpdateRequest::new(DEV.into(), content, posted.ts.clone());
    assert_eq!(session.chat_update(&update).await.unwrap().ts, posted.ts);
    let history = SlackApiConversationsHistoryRequest::new().with_channel(DEV.into()).with_limit(5);
    assert_eq!(session.conversations_history(&history).await.unwrap().messages.len(), 1);
    let info = session.users_info(&SlackApiUsersInfoRequest::new("U0GUS".into())).await.unwrap();
    assert_eq!(info.user.flags.is_restricted, Some(true));
    session.conversations_join(&SlackApiConversationsJoinRequest::new(DEV.into())).await.unwrap();

    slack.say(ANA, DEV, "/devtask new", None).unwrap();
    let command: SlackCommandEvent = loop {
        let envelope = app.take(Value::Null).await;
        if envelope["type"] == "slash_commands" {
            break serde_json::from_value(envelope["payload"].clone()).unwrap();
        }
    };
    let view: SlackModalView = serde_json::from_value(form()).unwrap();
    let open = SlackApiViewsOpenRequest::new(command.trigger_id, SlackView::Modal(view));
    session.views_open(&open).await.unwrap();
    assert!(slack.modal(ANA).is_some());
    let reply = SlackApiPostWebhookMessageRequest::new(SlackMessageContent::new().with_text("hm".into()));
    let url: SlackResponseUrl = command.response_url;
    client.respond_to_event(&url, &reply).await.unwrap();
    let unknown = SlackApiConversationsJoinRequest::new("C0NOWHERE".into());
    assert!(
        session.conversations_join(&unknown).await.unwrap_err().to_string().contains("channel_not_found")
    );
}

#[tokio::test]
async fn its_models_read_every_delivery() {
    let slack = joined().await;
    let mut app = slack.connect().await;
    let blocks = json!([{ "type": "actions", "elements": [button("Pause")] }, section("x")]);
    let ts =
        slack.call("chat.postMessage", json!({ "channel": DEV, "text": "x", "blocks": blocks })).await.json()
            ["ts"]
            .clone();
    slack.call("chat.update", json!({ "channel": DEV, "ts": ts, "text": "x", "blocks": blocks })).await;
    slack.say(ANA, DEV, "@devtask now", Some(ts.as_str().unwrap())).unwrap();
    slack.act(ANA, Act::Home).unwrap();
    slack.press(ANA, DEV, "Pause").unwrap();
    slack.say(ANA, DEV, "/devtask new", None).unwrap();
    let mut trigger = Value::Null;
    while trigger.is_null() {
        trigger = checked(&app.take(Value::Null).await)["trigger_id"].take();
    }
    slack.call("views.open", json!({ "trigger_id": trigger, "view": form() })).await;
    let place = at(&slack.state(ANA).unwrap());
    slack
        .act(ANA, Act::Fill { at: place, block: "goal".into(), action: "value".into(), value: "g".into() })
        .unwrap();
    slack.act(ANA, Act::Submit).unwrap();
    while checked(&app.take(Value::Null).await)["type"] != "view_submission" {}
}

/// Reads an envelope's payload with the library's model of it.
fn checked(envelope: &Value) -> Value {
    let payload = envelope["payload"].clone();
    match envelope["type"].as_str().unwrap() {
        "events_api" => {
            let event: SlackPushEventCallback = serde_json::from_value(payload.clone()).unwrap();
            assert!(!matches!(event.event, SlackEventCallbackBody::Unknown(_)), "{payload}");
        }
        "interactive" => drop(serde_json::from_value::<SlackInteractionEvent>(payload.clone()).unwrap()),
        _ => drop(serde_json::from_value::<SlackCommandEvent>(payload.clone()).unwrap()),
    }
    // Only a command's trigger is asked for.
    if envelope["type"] == "slash_commands" || payload["type"] == "view_submission" {
        payload
    } else {
        json!({})
    }
}
