//! Payloads as Slack sends them, and what is left of them.

use serde_json::{Value, json};

use super::super::{Click, Command, Draft, Fields, Mine, What};
use super::{heard, words};
use crate::domain::SessionId;
use crate::domain::session::Verb;
use crate::slack::button::{Button, Form, VALUE, brief, question_block};
use crate::slack::names::{Place, User};

fn command(text: &str) -> Value {
    json!({
        "command": "/devtask", "text": text, "user_id": "U1", "team_id": "T1", "channel_id": "C1",
        "response_url": "https://hooks.slack.com/commands/1", "trigger_id": "1.2.abc", "is_enterprise_install": "false",
    })
}

fn message(more: &Value) -> Value {
    let mut event = json!({
        "type": "message", "user": "U1", "channel": "C1", "channel_type": "channel", "ts": "17.1", "text": "hello",
        "team": "T1",
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event })
}

fn clicked(action: &Value, more: &Value) -> Value {
    let mut payload = json!({
        "type": "block_actions", "user": {"id": "U1", "team_id": "T1"}, "team": {"id": "T1"},
        "channel": {"id": "C1"}, "container": {"type": "message", "message_ts": "17.2", "channel_id": "C1"},
        "message": {"ts": "17.2", "thread_ts": "17.1"}, "actions": [action], "trigger_id": "1.2.abc",
        "response_url": "https://hooks.slack.com/actions/1",
    });
    payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    payload
}

fn pause() -> Button {
    Button::Act { session: SessionId::new(3).unwrap(), verb: Verb::Pause, rev: 7 }
}

#[test]
fn a_command_says_who_where_and_what() {
    let said = heard("command", &command("new Add a &lt;b&gt; tag repo:acme/api")).unwrap();
    assert_eq!(said.user, User { team: Some("T1".into()), id: "U1".into() });
    assert_eq!(said.place, Some(Place { channel: "C1".into(), thread: None }));
    assert_eq!(said.trigger.as_deref(), Some("1.2.abc"));
    assert_eq!(said.response_url.as_deref(), Some("https://hooks.slack.com/commands/1"));
    let draft = Draft { goal: "Add a <b> tag".into(), repo: Some("acme/api".into()), ..Draft::default() };
    assert_eq!(said.what, What::Command(Command::New(draft)));
}

#[test]
fn an_installation_for_a_whole_organisation_sends_no_team() {
    let mut payload = command("list all");
    payload["team_id"] = Value::Null;
    let said = heard("command", &payload).unwrap();
    assert_eq!((said.user.team, said.what), (None, What::Command(Command::List(Mine::All))));
    let action = json!({ "action_id": "dt.0", "value": pause().value() });
    let payload = clicked(&action, &json!({ "team": null, "user": {"id": "U1"} }));
    assert_eq!(heard("interaction", &payload).unwrap().user.team, None);
}

#[test]
fn a_message_is_read_alike_from_both_its_events() {
    let text = json!({ "text": "<@UBOT> Add a retry" });
    let plain = heard("event", &message(&text)).unwrap();
    let mut mention = message(&text);
    mention["event"]["type"] = json!("app_mention");
    mention["event"].as_object_mut().unwrap().remove("channel_type");
    assert_eq!(heard("event", &mention), Some(plain.clone()));
    let words = words(Some(plain));
    assert!(words.mentioned && !words.direct);
    assert_eq!((words.ts.as_str(), words.text.as_str()), ("17.1", "Add a retry"));
}

#[test]
fn a_reply_knows_its_thread_and_a_threads_first_message_is_no_reply() {
    let reply = heard("event", &message(&json!({ "ts": "17.5", "thread_ts": "17.1" }))).unwrap();
    assert_eq!(reply.place.unwrap().thread.as_deref(), Some("17.1"));
    let first = heard("event", &message(&json!({ "thread_ts": "17.1" }))).unwrap();
    assert_eq!(first.place.unwrap().thread, None);
    let direct = heard("event", &message(&json!({ "channel_type": "im" })));
    assert!(words(direct).direct);
}

#[test]
fn machines_edits_and_asides_are_not_heard() {
    let unheard = [
        json!({ "bot_id": "B9" }),
        json!({ "user": "UBOT" }),
        json!({ "user": "USLACKBOT" }),
        json!({ "user": null }),
        json!({ "subtype": "bot_message" }),
        json!({ "subtype": "message_changed", "message": {"text": "x"} }),
        json!({ "subtype": "message_deleted" }),
        json!({ "subtype": "channel_join" }),
        json!({ "hidden": true }),
        json!({ "edited": {"user": "U1", "ts": "17.9"} }),
        json!({ "text": "!aside lunch?" }),
        json!({ "text": "<@UBOT> (aside) lunch?" }),
        json!({ "ts": null }),
        json!({ "type": "reaction_added" }),
    ];
    for more in unheard {
        assert_eq!(heard("event", &message(&more)), None, "{more}");
    }
    for more in [
        json!({ "subtype": "file_share" }),
        json!({ "subtype": "thread_broadcast" }),
        json!({ "text": "!asides" }),
    ] {
        assert!(heard("event", &message(&more)).is_some(), "{more}");
    }
}

#[test]
fn a_click_says_which_control_and_where_it_stands() {
    let said = heard("interaction", &clicked(&json!({ "value": pause().value() }), &json!({}))).unwrap();
    assert_eq!(said.place, Some(Place { channel: "C1".into(), thread: Some("17.1".into()) }));
    let click = Click { button: pause(), message: Some("17.2".into()), fields: Fields::default() };
    assert_eq!(said.what, What::Click(click));
    let on_root = json!({ "message": {"ts": "17.2", "thread_ts": "17.2"} });
    let said = heard("interaction", &clicked(&json!({ "value": pause().value() }), &on_root)).unwrap();
    assert_eq!(said.place.unwrap().thread, None, "the thread's first message stands in the channel");
}

#[test]
fn what_is_no_control_of_ours_is_nobodys_click() {
    for action in [
        json!({ "action_id": VALUE, "type": "static_select", "selected_option": {"value": "0"} }),
        json!({ "value": "{\"b\":\"explode\"}" }),
        json!({ "value": "dt-3:7" }),
        json!({}),
        Value::Null,
    ] {
        assert_eq!(heard("interaction", &clicked(&action, &json!({}))), None, "{action}");
    }
}

#[test]
fn send_takes_what_is_chosen_at_that_moment() {
    let (one, many, own) = (question_block(0), question_block(1), question_block(2));
    let state = json!({ "values": {
        one.clone(): { VALUE: {"type": "static_select", "selected_option": {"text": {}, "value": "3"}} },
        many.clone(): { VALUE: {"type": "checkboxes", "selected_options": [{"value": "0"}, {"value": "2"}]} },
        own.clone(): { VALUE: {"type": "plain_text_input", "value": " mine\0 & yours \r\n"} },
        "q3": { VALUE: {"type": "static_select", "selected_option": null} },
        "q4": { VALUE: {"type": "rich_text_input", "rich_text_value": {"elements": [
            {"type": "rich_text_section", "elements": [{"text": "a "}, {"url": "https://x.org"}]},
            {"type": "rich_text_section", "elements": [{"text": "b"}]}]}} },
        "q5": { VALUE: {"type": "users_select", "selected_user": "U7"} },
    }});
    let send = Button::Send { handle: "dt-3:toolu_1".into() };
    let said = heard("interaction", &clicked(&json!({ "value": send.value() }), &json!({ "state": state })))
        .unwrap();
    let What::Click(Click { fields, .. }) = said.what else { panic!("no click") };
    assert_eq!(fields.chosen(&one), ["3"]);
    assert_eq!(fields.chosen(&many), ["0", "2"]);
    assert_eq!(fields.text(&own), "mine & yours");
    assert_eq!((fields.chosen("q3"), fields.text("q3")), (&[][..], ""));
    assert_eq!(fields.text("q4"), "a https://x.org\nb");
    assert_eq!(fields.chosen("q5"), ["U7"]);
    assert_eq!((fields.chosen("q9"), fields.text("q9")), (&[][..], ""));
}

#[test]
fn a_form_of_ours_says_which_and_what_was_written() {
    let form = Form::Brief { request: "r1".into(), channel: "C1".into(), thread: None };
    let view = |callback: &str| {
        json!({
            "type": "view_submission", "user": {"id": "U1", "team_id": "T1"}, "team": null, "trigger_id": "1.2.abc",
            "view": {
                "id": "V1", "callback_id": callback, "private_metadata": form.metadata(),
                "state": { "values": { brief::GOAL: { VALUE: {"type": "plain_text_input", "value": "Add a retry"} } } },
            },
        })
    };
    let said = heard("interaction", &view("dt.brief")).unwrap();
    assert_eq!(said.place, None);
    let What::Submit { form: read, fields } = said.what else { panic!("no form") };
    assert_eq!((read, fields.text(brief::GOAL)), (form.clone(), "Add a retry"));
    assert_eq!(heard("interaction", &view("dt.answer")), None, "the name and the metadata are of one form");
    assert_eq!(heard("interaction", &view("someone.elses")), None);
}

#[test]
fn a_messages_menu_makes_a_task_of_it() {
    let payload = json!({
        "type": "message_action", "callback_id": "dt.new", "user": {"id": "U1"}, "channel": {"id": "C1"},
        "message": {"ts": "17.4", "thread_ts": "17.1", "user": "U2", "text": "the &lt;b&gt; is broken"}, "trigger_id": "1.2",
    });
    let said = heard("interaction", &payload).unwrap();
    assert_eq!(said.place, Some(Place { channel: "C1".into(), thread: Some("17.1".into()) }));
    assert_eq!(said.what, What::Shortcut { text: "the <b> is broken".into(), ts: "17.4".into() });
    let other = payload.to_string().replace("dt.new", "dt.old");
    assert_eq!(heard("interaction", &serde_json::from_str(&other).unwrap()), None, "another one of the menu");
}
