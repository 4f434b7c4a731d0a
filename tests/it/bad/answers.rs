//! Words to sessions and asks that do not fit.

use devtask::domain::ask::{Answer, Decision};
use devtask::domain::command::MessageMode;
use devtask::domain::session::Status;
use devtask::wire::api::{Act, Control, Message};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::house::{House, refusal};
use crate::desk::ana;

const ASKS: &str = r#"<script>[{"asks":[[{"question":"Which colour?","options":["Red","Blue"]},{"question":"Which size?","options":["S","L"]}]]},{"run":"echo x > colour"},{"text":"Done."}]</script>"#;

fn answers(of: Value) -> Answer {
    Answer::Answers { answers: serde_json::from_value(of).unwrap() }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_refused_and_the_ask_stays_open() {
    let house = House::open().await;
    let brief = json!({ "goal": format!("Choose {ASKS}"), "checks": ["test -f colour"] });
    let id = house.made(json!({ "brief": brief })).await;
    let asks = house.when(id, "asks", |view| !view.asks.is_empty()).await.asks;
    let handle = asks[0].handle.clone();
    let say = async |handle: &str, answer: Answer| refusal(house.remote.answer(&ana(), handle, answer).await);
    let whole = answers(json!({ "Which colour?": "Red", "Which size?": "L" }));
    let unknown = answers(json!({ "Which shape?": "Round", "Which size?": "L" }));
    assert_snapshot!(say(&handle, unknown).await, @"invalid | `Which shape?` is not one of the questions; answer by the question's text");
    assert_snapshot!(say(&handle, answers(json!({ "Which colour?": "Red" }))).await, @"invalid | `Which size?` has no answer yet; answer all questions of this ask together");
    assert_snapshot!(say(&handle, answers(json!({}))).await, @"invalid | `Which colour?` has no answer yet; answer all questions of this ask together");
    let allow = Answer::Decide { decide: Decision::Allow, message: None };
    assert_snapshot!(say(&handle, allow).await, @"invalid | these questions take answers, or `agent` to let the agent decide");
    let long = answers(json!({ "Which colour?": "x".repeat(20_000), "Which size?": "L" }));
    assert_snapshot!(say(&handle, long).await, @"invalid | an answer has more than 10,000 characters");
    assert_snapshot!(say("dt-1:toolu_nobody", whole.clone()).await, @"
    not-found | dt-1 has no ask `toolu_nobody`
        hint: `GET /asks` lists the open ones
    ");
    assert_snapshot!(say("dt-9:toolu_1", whole.clone()).await, @"
    not-found | there is no session dt-9
        hint: `GET /sessions` lists them
    ");
    assert_snapshot!(say("nonsense", whole.clone()).await, @"
    not-found | `nonsense` is no ask; they look like `dt-142:toolu_01`
        hint: `GET /asks` lists the open ones
    ");
    assert_snapshot!(house.types(&["answer", "1", "--option", "1"]).await, @"
    ! error: 2 questions wait, 1 answered here; answer all together
    ! hint: give `--option` or `--text` once for each question, in their order
    exit 2
    ");
    assert_snapshot!(house.types(&["answer", "1", "--option", "3", "--option", "1"]).await, @"
    ! error: `3` is no option; they go from 1 to 2
    exit 2
    ");
    assert_snapshot!(house.types(&["answer", "1", "--decide", "allow"]).await, @"
    ! error: these questions take answers, or `agent` to let the agent decide
    exit 2
    ");
    assert_snapshot!(house.types(&["answer", "1"]).await, @"
    ! error: dt-1 asks, and no answer was given
    ! hint: `--option N`, `--text TEXT` or `--decide agent|allow|deny`
    exit 2
    ");
    assert_snapshot!(house.types(&["answer", "9", "--option", "1"]).await, @"
    ! error: there is no session dt-9
    ! hint: `devtask list` shows them
    exit 5
    ");

    house.remote.answer(&ana(), &handle, whole.clone()).await.unwrap();
    assert_snapshot!(say(&handle, whole).await.replace(&handle, "HANDLE"), @"settled | this ask was settled before: ana answered it");
    assert_eq!(house.settled(id).await.status, Status::Done);
    assert_snapshot!(house.types(&["answer", "1", "--option", "1"]).await, @"
    ! error: dt-1 asks nothing now
    ! hint: `devtask list --asks` shows what is open
    exit 5
    ");
}

#[tokio::test]
async fn a_verb_that_is_not_legal_is_refused_with_the_legal_ones() {
    let house = House::open().await;
    let id = house.made(json!({ "brief": "Wait <script:long>" })).await;
    house.when(id, "runs", |view| view.status == Status::Running).await;
    assert_snapshot!(house.types(&["resume", "1"]).await, @"
    ! error: dt-1 is running, so there is nothing to resume
    ! hint: legal now: pause, cancel, message
    exit 5
    ");
    house.remote.act(&ana(), id, Act::Cancel { reason: None }, None).await.unwrap();
    let again = house.remote.act(&ana(), id, Act::Pause { reason: None }, None).await.unwrap_err();
    assert_eq!(serde_json::to_value(&again.legal).unwrap(), json!(["rerun"]));
    let message = Message::new("And log each try.", MessageMode::Queue);
    assert_snapshot!(refusal(house.remote.message(&ana(), id, message).await), @"
    illegal | dt-1 is cancelled, so it takes no message
        hint: legal now: rerun
    ");
    assert_snapshot!(house.types(&["pause", "1"]).await, @"
    ! error: dt-1 is cancelled, so it cannot be paused
    ! hint: legal now: rerun
    exit 5
    ");
    assert_snapshot!(house.types(&["cancel", "1"]).await, @"
    ! error: dt-1 is cancelled already
    ! hint: legal now: rerun
    exit 5
    ");
    assert_snapshot!(house.types(&["message", "1", "And log each try."]).await, @"
    ! error: dt-1 is cancelled, so it takes no message
    ! hint: legal now: rerun
    exit 5
    ");
    assert_snapshot!(house.types(&["message", "1", " "]).await, @"
    ! error: dt-1 is cancelled, so it takes no message
    ! hint: legal now: rerun
    exit 5
    ");
    assert_snapshot!(house.types(&["show", "77"]).await, @"
    ! error: there is no session dt-77
    ! hint: `devtask list` shows them
    exit 5
    ");
    assert_snapshot!(house.types(&["pause", "77"]).await, @"
    ! error: there is no session dt-77
    ! hint: `devtask list` shows them
    exit 5
    ");
    assert_snapshot!(house.types(&["wait", "77"]).await, @"
    ! error: there is no session dt-77
    ! hint: `devtask list` shows them
    exit 5
    ");
    assert_snapshot!(house.types(&["logs", "77", "-f"]).await, @"
    ! error: there is no session dt-77
    ! hint: `devtask list` shows them
    exit 5
    ");
    assert_snapshot!(house.types(&["show", "x7"]).await, @"
    ! error: invalid value 'x7' for '<SESSION>': `x7` is no session id; they look like `dt-142`
    ! 
    ! For more information, try '--help'.
    exit 2
    ");
    house.still_works().await;
}
