//! Faults do what they say, as often as they say.

use super::*;

#[tokio::test]
async fn a_call_goes_wrong_once_and_leaves_no_trace() {
    let slack = joined().await;
    let post = async || slack.call("chat.postMessage", json!({ "channel": DEV, "text": "x" })).await;
    slack.fault(Fault::call("chat.postMessage", What::Status { status: 503 }));
    assert_eq!(post().await.status.as_u16(), 503);
    slack.fault(Fault::call("*", What::Error { error: "fatal_error".into() }));
    assert_eq!(post().await.word(), "fatal_error");
    slack.fault(Fault::call("chat.postMessage", What::RateLimited { seconds: 7 }));
    let slow = post().await;
    assert_eq!((slow.status.as_u16(), slow.headers["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(post().await.word(), "ok");
    assert_eq!(slack.transcript(DEV).unwrap().matches("[devtask] x").count(), 1);
    assert_eq!(slack.calls().got_429(), 1);
}

#[tokio::test]
async fn an_answer_is_lost_after_the_call_was_carried_out() {
    let slack = joined().await;
    slack.fault(Fault::after("chat.postMessage", What::Drop));
    let bearer = format!("Bearer {}", slack.tokens().bot.expose_secret());
    let url = format!("{}/chat.postMessage?channel=C0DEV&text=twice", slack.api_url());
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = Request::builder().method("POST").uri(url).header("authorization", bearer);
    let answer = client.request(request.body(Full::default()).unwrap()).await;
    assert!(answer.is_err());
    assert!(slack.transcript(DEV).unwrap().contains("twice"));
    slack.fault(Fault::after("chat.postMessage", What::Hang));
    let call = slack.call("chat.postMessage", json!({ "channel": DEV, "text": "hung" }));
    assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err());
    assert!(slack.transcript(DEV).unwrap().contains("hung"));
}

#[tokio::test]
async fn connections_hang_are_refused_and_end_on_demand() {
    let slack = joined().await;
    let url = slack.socket_url().await;
    slack.fault(Fault::Connect { times: 1, fault: What::Hang });
    let hangs = tokio_tungstenite::connect_async(&url);
    assert!(tokio::time::timeout(Duration::from_millis(200), hangs).await.is_err());
    slack.fault(Fault::Connect { times: 1, fault: What::Status { status: 500 } });
    assert!(tokio_tungstenite::connect_async(&url).await.is_err());
    slack.fault(Fault::Hello { times: 1, fault: What::Hang });
    assert!(Socket::open(&url).await.is_silent().await, "no hello");
    slack.fault(Fault::TooMany { times: 1 });
    let mut many = Socket::open(&slack.socket_url().await).await;
    assert_eq!(many.next().await.unwrap()["reason"], "too_many_websockets");
    slack.fault(Fault::Storm { times: 1 });
    let mut stormy = slack.connect().await;
    assert_eq!(stormy.next().await.unwrap()["reason"], "refresh_requested");
    let mut told = slack.connect().await;
    slack.fault(Fault::Disconnect { reason: "link_disabled".into() });
    assert_eq!(told.next().await.unwrap()["reason"], "link_disabled");
    let mut cut = slack.connect().await;
    slack.fault(Fault::Cut);
    assert!(cut.next().await.is_none());
}

#[tokio::test]
async fn a_deaf_connection_swallows_what_it_is_sent() {
    let slack = joined().await;
    let mut deaf = slack.connect().await;
    slack.fault(Fault::Deaf);
    slack.say(ANA, DEV, "hello?", None).unwrap();
    assert!(deaf.is_silent().await);
    drop(deaf);
    until(&slack, || slack.connections().0 == 0).await;
    let mut app = slack.connect().await;
    slack.turn(TimeDelta::milliseconds(3_001));
    slack.turn(seconds(1));
    assert_eq!(app.take(Value::Null).await["retry_attempt"], 1);
}

#[tokio::test]
async fn an_acknowledged_event_comes_again() {
    let slack = joined().await;
    let mut app = slack.connect().await;
    slack.fault(Fault::Repeat { times: 1 });
    slack.say(ANA, DEV, "once", None).unwrap();
    let first = app.take(Value::Null).await;
    let again = app.take(Value::Null).await;
    assert_eq!(first["payload"]["event_id"], again["payload"]["event_id"]);
    assert_eq!(again["retry_attempt"], 1);
    assert!(app.is_silent().await);
}

#[tokio::test]
async fn a_message_is_deleted_under_the_app() {
    let slack = joined().await;
    let ts = slack.post("root").await;
    assert!(slack.fault(Fault::Deleted { channel: DEV.into(), ts: ts.clone() }));
    let update = slack.call("chat.update", json!({ "channel": DEV, "ts": ts, "text": "x" })).await;
    assert_eq!(update.word(), "message_not_found");
    assert!(!slack.fault(Fault::Deleted { channel: DEV.into(), ts }));
}

#[tokio::test]
async fn a_delivery_goes_out_twice_to_the_letter() {
    let slack = joined().await;
    let mut app = slack.connect().await;
    slack.fault(Fault::Twice { times: 1 });
    slack.say(ANA, DEV, "once", None).unwrap();
    let first = app.take(Value::Null).await;
    assert_eq!(app.take(Value::Null).await, first);
    slack.say(ANA, DEV, "and once more", None).unwrap();
    assert_ne!(app.take(Value::Null).await["envelope_id"], first["envelope_id"]);
    assert!(app.is_silent().await);
}

#[tokio::test]
async fn a_command_whose_acknowledgement_is_lost_has_failed_for_the_person() {
    let slack = joined().await;
    let mut app = slack.connect().await;
    slack.fault(Fault::Unheard { times: 1 });
    let receipt = slack.say(ANA, DEV, "/devtask help", None).unwrap();
    app.take(Value::Null).await;
    let over = slack.settled(receipt.delivery.as_deref().unwrap(), Duration::from_secs(5)).await.unwrap();
    assert_eq!(over["outcome"], "failed");
    assert!(slack.transcript(DEV).unwrap().contains("operation_timeout"));
    assert!(app.is_silent().await, "commands do not come again");
}

#[tokio::test]
async fn the_app_is_taken_out_of_a_channel_and_the_channel_is_archived() {
    let slack = joined().await;
    let ts = slack.post("root").await;
    assert!(slack.fault(Fault::Removed { channel: DEV.into() }));
    let post = async || slack.call("chat.postMessage", json!({ "channel": DEV, "text": "x" })).await;
    assert_eq!(post().await.word(), "not_in_channel");
    assert!(slack.transcript(DEV).unwrap().contains("· devtask was removed"));
    assert!(!slack.fault(Fault::Removed { channel: DEV.into() }), "it is out already");
    slack.call("conversations.join", json!({ "channel": DEV })).await;
    assert!(slack.fault(Fault::Archived { channel: DEV.into() }));
    assert_eq!(post().await.word(), "is_archived");
    let update = slack.call("chat.update", json!({ "channel": DEV, "ts": ts, "text": "x" })).await;
    assert_eq!(update.word(), "is_archived");
    assert!(slack.say(ANA, DEV, "hello?", None).is_err());
}
