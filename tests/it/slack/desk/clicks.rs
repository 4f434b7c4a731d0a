//! Stale, double and foreign clicks.

use devtask::domain::session::Status;
use devtask::wire::api::{Act, Control};
use devtask::workbench::slack::Fault;

use super::house::{ANA, BO, DEV, House, question};
use crate::control::world::{ana, id};

#[tokio::test]
async fn a_click_on_an_old_root_is_refused_kindly_and_the_root_made_anew() {
    let house = House::open().await;
    house.commands("/devtask new Sort the basket").await;
    house.runs(1).await;
    house.world.local.act(&ana(), id(1), Act::Pause { reason: None }, None).await.unwrap();
    house.world.until_status(1, Status::Paused).await;
    house.presses(ANA, "Pause").await;
    house.pass(1).await;
    insta::assert_snapshot!("stale_click", house.seen(DEV));
}

#[tokio::test]
async fn the_first_answer_stands_and_the_second_is_told_so() {
    let house = House::open().await;
    house.commands("/devtask new Sort the basket").await;
    house.runs(1).await;
    house.asks(1, "toolu_1", vec![question("Which way?", &["Up", "Down"])]).await;
    house.presses(BO, "Up").await;
    assert_eq!(house.world.show(1).await.asks.len(), 1, "it is not theirs to answer");
    house.presses(ANA, "Up").await;
    house.presses(ANA, "Down").await;
    house.presses(ANA, "Agent decides").await;
    insta::assert_snapshot!("double_answer", house.seen(DEV));
    assert!(house.world.show(1).await.asks.is_empty());
}

#[tokio::test]
async fn a_click_that_names_no_workspace_counts_like_any_other() {
    let house = House::open().await;
    house.commands("/devtask new Sort the basket").await;
    house.runs(1).await;
    house.slack.fault(Fault::OrgWide { times: 1 });
    house.presses(ANA, "Pause").await;
    house.world.until_status(1, Status::Paused).await;
}

#[tokio::test]
async fn several_questions_are_sent_together_or_not_at_all() {
    let house = House::open().await;
    house.commands("/devtask new Sort the basket").await;
    house.runs(1).await;
    let two = vec![question("Which way?", &["Up", "Down"]), question("How many?", &["3", "5"])];
    house.asks(1, "toolu_1", two).await;
    house.presses(ANA, "Send").await;
    assert!(house.seen(DEV).contains("2 questions have no answer yet"), "{}", house.seen(DEV));
    house.presses(ANA, "Answer in words…").await;
    house.fills(ANA, "q0own", "sideways");
    house.submits(ANA).await;
    let form = house.slack.modal(ANA).unwrap();
    assert!(form.contains("sideways") && form.contains("Choose an option or write an answer."), "{form}");
    house.fills(ANA, "q1own", "seven");
    house.submits(ANA).await;
    assert!(house.slack.modal(ANA).is_none());
    assert!(house.world.show(1).await.asks.is_empty());
}

#[tokio::test]
async fn a_form_whose_ask_is_settled_meanwhile_says_how_and_gives_the_words_back() {
    let house = House::open().await;
    house.commands("/devtask new Sort the basket").await;
    house.runs(1).await;
    let two = vec![question("Which way?", &["Up", "Down"]), question("How many?", &["3", "5"])];
    house.asks(1, "toolu_1", two).await;
    house.presses(ANA, "Answer in words…").await;
    house.fills(ANA, "q0own", "sideways");
    let decide = serde_json::from_value(serde_json::json!({ "decide": "agent" })).unwrap();
    house.world.local.answer(&ana(), "dt-1:toolu_1", decide).await.unwrap();
    house.submits(ANA).await;
    insta::assert_snapshot!("settled_form", house.slack.modal(ANA).unwrap());
}

#[tokio::test]
async fn a_click_carried_out_again_after_a_crash_is_told_as_the_first_time() {
    let house = House::open().await;
    house.commands("/devtask new Sort the basket").await;
    house.runs(1).await;
    house.asks(1, "toolu_1", vec![question("Which way?", &["Up", "Down"])]).await;
    house.presses(ANA, "Up").await;
    house.presses(ANA, "Pause").await;
    house.world.until_status(1, Status::Paused).await;
    house.pass(2).await;
    let before = house.seen(DEV);
    house.again("block_actions").await;
    assert_eq!(house.seen(DEV), before, "nobody is told that they were too late for themselves");
    assert_eq!(house.world.show(1).await.status, Status::Paused);
}

#[tokio::test]
async fn a_reply_that_was_an_answer_is_no_message_after_a_crash() {
    let house = House::inside().await;
    house.says(ANA, DEV, "@devtask Sort the basket", None).await;
    house.runs(1).await;
    house.asks(1, "toolu_1", vec![question("Which way?", &["Up", "Down"])]).await;
    let thread = house.world.store.slack().thread_of(id(1)).await.unwrap().unwrap().thread.unwrap();
    house.says(ANA, DEV, "up", Some(&thread)).await;
    assert!(house.world.show(1).await.asks.is_empty());
    house.again("message").await;
    assert_eq!(house.heard(1).await, Vec::<String>::new());
}
