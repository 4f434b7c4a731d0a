//! Socket Mode: hello, acknowledgements within three seconds, what comes again and what does not.

use super::*;

#[tokio::test]
async fn hello_says_everything_and_a_ticket_opens_once() {
    let slack = world().await;
    let url = slack.socket_url().await;
    let hello = Socket::open(&url).await.next().await.unwrap();
    insta::assert_snapshot!(hello, @r#"{"connection_info":{"app_id":"A0DEVTASK"},"debug_info":{"approximate_connection_time":18060,"build_number":1,"host":"applink-local","started":"2026-01-01 00:00:00.000"},"num_connections":1,"type":"hello"}"#);
    assert!(tokio_tungstenite::connect_async(&url).await.is_err(), "a used ticket");
    let url = slack.socket_url().await;
    slack.turn(seconds(31));
    assert!(tokio_tungstenite::connect_async(&url).await.is_err(), "an old ticket");
}

#[tokio::test]
async fn each_envelope_goes_to_one_connection_and_all_get_their_turn() {
    let slack = joined().await;
    let (mut one, mut two) = (slack.connect().await, slack.connect().await);
    for n in 0..4 {
        slack.say(ANA, DEV, &format!("m{n}"), None).unwrap();
    }
    let mut texts = Vec::new();
    for socket in [&mut one, &mut two] {
        for _ in 0..2 {
            texts.push(socket.take(Value::Null).await["payload"]["event"]["text"].to_string());
        }
        assert!(socket.is_silent().await);
    }
    texts.sort();
    assert_eq!(texts, [r#""m0""#, r#""m1""#, r#""m2""#, r#""m3""#]);
}

#[tokio::test]
async fn an_event_nobody_acknowledged_comes_again_three_times() {
    let slack = joined().await;
    let mut app = slack.connect().await;
    slack.say(ANA, DEV, "hello", None).unwrap();
    let first = app.next().await.unwrap();
    assert_eq!((&first["retry_attempt"], &first["accepts_response_payload"]), (&json!(0), &json!(false)));
    let mut seen = vec![first["envelope_id"].clone()];
    for (n, wait) in [1, 60, 300].into_iter().enumerate() {
        slack.turn(seconds(3));
        assert!(app.is_silent().await, "three seconds are in time");
        slack.turn(TimeDelta::milliseconds(1));
        slack.turn(seconds(wait - 1));
        assert!(app.is_silent().await, "not yet");
        slack.turn(seconds(1));
        let again = app.next().await.unwrap();
        assert_eq!((&again["retry_attempt"], &again["retry_reason"]), (&json!(n + 1), &json!("timeout")));
        assert_eq!(again["payload"]["event_id"], first["payload"]["event_id"]);
        assert!(!seen.contains(&again["envelope_id"]));
        seen.push(again["envelope_id"].clone());
    }
    // Too late, for an attempt that is over.
    app.ack(&first, Value::Null).await;
    slack.turn(seconds(4));
    slack.turn(seconds(3_600));
    assert!(app.is_silent().await, "then it is lost");
    assert_eq!(slack.deliveries().last().unwrap()["outcome"], "failed");
}

#[tokio::test]
async fn a_command_does_not_come_again_and_the_person_is_told() {
    let slack = world().await;
    slack.say(ANA, DEV, "/devtask list", None).unwrap();
    slack.tick();
    let mut app = slack.connect().await;
    let sent = slack.say(ANA, DEV, "/devtask new", None).unwrap().delivery.unwrap();
    let envelope = app.next().await.unwrap();
    assert_eq!((&envelope["type"], &envelope["retry_attempt"]), (&json!("slash_commands"), &Value::Null));
    slack.turn(TimeDelta::milliseconds(3_001));
    assert!(app.is_silent().await);
    insta::assert_snapshot!(slack.transcript(DEV).unwrap(), @r#"
    # dev
    (only ana) [slackbot] /devtask failed with the error "dispatch_failed"
    (only ana) [slackbot] /devtask failed with the error "operation_timeout"
    "#);
    app.ack(&envelope, json!({ "text": "too late" })).await;
    assert_eq!(slack.delivery(&sent).unwrap()["outcome"], "failed");
}

#[tokio::test]
async fn an_event_waits_for_an_app_that_comes_back() {
    let slack = joined().await;
    let app = slack.connect().await;
    app.close().await;
    until(&slack, || slack.connections().0 == 0).await;
    slack.say(ANA, DEV, "are you there?", None).unwrap();
    slack.tick();
    let mut app = slack.connect().await;
    slack.turn(seconds(1));
    let again = app.take(Value::Null).await;
    assert_eq!((&again["retry_attempt"], &again["retry_reason"]), (&json!(1), &json!("connection_failed")));
}

#[tokio::test]
async fn an_eleventh_connection_is_one_too_many() {
    let slack = world().await;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(slack.connect().await);
    }
    let mut more = Socket::open(&slack.socket_url().await).await;
    assert_eq!(more.next().await.unwrap()["reason"], "too_many_websockets");
    assert!(more.next().await.is_none());
}

#[tokio::test]
async fn an_old_connection_is_asked_to_go_and_still_acknowledges() {
    let slack = joined().await;
    let mut old = slack.connect().await;
    let sent = slack.say(ANA, DEV, "/devtask x", None).unwrap().delivery.unwrap();
    let envelope = old.next().await.unwrap();
    old.ack(&envelope, Value::Null).await;
    slack.settled(&sent, WITHIN).await.unwrap();
    slack.turn(seconds(18_050));
    assert_eq!(old.next().await.unwrap()["reason"], "warning");
    slack.turn(seconds(10));
    assert_eq!(old.next().await.unwrap()["reason"], "refresh_requested");
    let mut new = slack.connect().await;
    slack.say(ANA, DEV, "to the new one", None).unwrap();
    assert_eq!(new.take(Value::Null).await["payload"]["event"]["text"], "to the new one");
    assert!(old.is_silent().await);
}
