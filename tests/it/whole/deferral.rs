//! An ask costs nothing while it waits, and whatever happens meanwhile, its answer goes into the same turn.
//!
//! Knows what a person asks for and sees; must not know how a call is put aside.

use devtask::domain::command::MessageMode;
use devtask::domain::session::{Hold, Status, Verb, WaitingOn};
use devtask::wire::api::{Act, Code, Control};
use devtask::workbench::script::Step;
use rustix::process::Signal;

use super::house::{House, Rules, asking, finish, kill, question};

const SAID: &str = "The agent has got this far.";

/// Says something, asks, tells what the answer was, and finishes.
fn story() -> Vec<Step> {
    let mut steps = vec![Step::say(SAID), asking("Left or right?"), Step::say("{{last_tool_result}}")];
    steps.extend(finish());
    steps
}

/// One opening, one applying, one word before and one after: it was one turn, and nobody had to say "go on".
fn one_turn(house: &House, id: devtask::domain::SessionId, ask: &str, answer: &str) {
    let seen = house.seen(id);
    let opened: Vec<&str> =
        seen.of_kind("ask.opened").filter_map(|e| e["body"]["ask"]["id"].as_str()).collect();
    assert_eq!(opened, [ask]);
    let applied: Vec<&str> = seen.of_kind("ask.applied").filter_map(|e| e["body"]["id"].as_str()).collect();
    assert_eq!(applied, [ask]);
    assert_eq!(seen.said().iter().filter(|text| **text == SAID).count(), 1, "{:?}", seen.said());
    let told = format!("\"Left or right?\"=\"{answer}\"");
    assert_eq!(seen.said().iter().filter(|text| text.contains(&told)).count(), 1, "{:?}", seen.said());
    let words = seen.of_kind("command.issued").filter(|e| e["body"]["command"]["body"]["say"] != "answer");
    let words: Vec<_> = words.map(|e| e["body"]["command"]["body"].to_string()).collect();
    assert_eq!(words.len(), 1, "only the brief was said: {words:?}");
}

#[tokio::test]
async fn an_ask_nobody_answers_frees_its_slot_and_its_answer_after_a_restart_goes_into_the_same_turn() {
    let mut house = House::open(Rules { slots: 1, hold: 1, ..Rules::default() }).await;
    let asks = house.create(story()).await;
    let waits = house.create(finish()).await;
    let ask = house.ask(asks).await;
    let asleep = house.asleep(asks).await;
    assert_eq!(asleep.waiting_on, Some(WaitingOn::User));
    assert_eq!(asleep.holds, [Hold::Ask]);
    // Its slot is free: the other session has it, and is done while this one waits.
    house.done(waits).await;
    assert_eq!(house.show(asks).await.status, Status::Paused);

    let refused = house.act(asks, Act::Resume).await.unwrap_err();
    assert_eq!(refused.code, Code::Illegal);
    assert_eq!(refused.legal, [Verb::Pause, Verb::Cancel, Verb::Message, Verb::Answer]);

    house.stop().await;
    house.start().await;
    house.kill().await;
    house.start().await;
    assert_eq!(house.ask(asks).await.handle, ask.handle);
    house.answer(&ask, "Right").await.unwrap();
    let done = house.done(asks).await;
    assert_eq!(done.attempt.0, 2);
    one_turn(&house, asks, &ask.ask.id.0, "Right");
    house.end().await;
}

#[tokio::test]
async fn a_pause_on_an_open_ask_outlasts_the_answer_until_it_is_lifted() {
    let mut house = House::open(Rules::default()).await;
    let id = house.create(story()).await;
    let ask = house.ask(id).await;
    house.act(id, Act::Pause { reason: None }).await.unwrap();
    let asleep = house.asleep(id).await;
    assert_eq!(asleep.holds, [Hold::Person, Hold::Ask]);
    assert_eq!(asleep.asks[0].handle, ask.handle);

    let answered = house.answer(&ask, "Left").await.unwrap();
    assert_eq!((answered.status, &*answered.holds), (Status::Paused, &[Hold::Person][..]));
    assert!(house.processes(id).is_empty());
    house.act(id, Act::Resume).await.unwrap();
    house.done(id).await;
    one_turn(&house, id, &ask.ask.id.0, "Left");
    house.end().await;
}

#[tokio::test]
async fn a_node_that_shuts_down_puts_the_open_ask_aside() {
    let mut house = House::open(Rules::default()).await;
    let id = house.create(story()).await;
    let ask = house.ask(id).await;
    kill(house.supervisor(id).unwrap(), Signal::TERM);
    let asleep = house.asleep(id).await;
    assert_eq!(asleep.holds, [Hold::Ask]);
    house.answer(&ask, "Left").await.unwrap();
    house.done(id).await;
    one_turn(&house, id, &ask.ask.id.0, "Left");
    house.end().await;
}

#[tokio::test]
async fn an_agent_goes_on_asking_while_there_is_no_control_plane() {
    let mut house = House::open(Rules::default()).await;
    let id = house.create(story()).await;
    let ask = house.ask(id).await;
    let before = house.processes(id);
    house.stop().await;
    assert_eq!(house.processes(id), before);
    house.start().await;
    house.answer(&ask, "Left").await.unwrap();
    let done = house.done(id).await;
    assert_eq!(done.attempt.0, 1);
    one_turn(&house, id, &ask.ask.id.0, "Left");
    house.end().await;
}

#[tokio::test]
async fn an_ask_put_aside_while_there_is_no_control_plane_is_answered_when_there_is_one() {
    let mut house = House::open(Rules { hold: 2, ..Rules::default() }).await;
    let id = house.create(story()).await;
    let ask = house.ask(id).await;
    let agents = house.agents(id);
    house.kill().await;
    // The supervisor lets go of the agent by itself and waits with what it has to say.
    house.wait("the agent is gone", async || house.agents(id).is_disjoint(&agents)).await;
    assert!(house.supervisor(id).is_some());
    house.start().await;
    house.asleep(id).await;
    house.answer(&ask, "Right").await.unwrap();
    house.done(id).await;
    one_turn(&house, id, &ask.ask.id.0, "Right");
    house.end().await;
}

#[tokio::test]
async fn of_two_asks_of_one_turn_one_is_put_aside_and_the_other_asked_again() {
    let mut house = House::open(Rules { hold: 1, ..Rules::default() }).await;
    let both = Step { asks: vec![question("First?"), question("Second?")], ..Step::default() };
    // An agent that is told so asks again.
    let mut steps = vec![both, asking("First?")];
    steps.extend(finish());
    let id = house.create(steps).await;
    house.until(id, "asks twice", |s| s.asks.len() == 2).await;
    let asleep = house.asleep(id).await;
    assert_eq!(asleep.asks.len(), 1, "{:?}", asleep.asks);
    let kept = asleep.asks[0].clone();
    assert!(kept.ask.headline().contains("Second?"), "{kept:?}");
    assert_eq!(house.seen(id).count("ask.withdrawn"), 1);

    house.answer(&kept, "Left").await.unwrap();
    // The second time it is overdue in the same turn, it is put aside in its own right.
    let again = house.ask(id).await;
    assert!(again.ask.headline().contains("First?"), "{again:?}");
    let asleep = house.asleep(id).await;
    assert_eq!(asleep.asks[0].handle, again.handle);
    house.answer(&again, "Right").await.unwrap();
    let done = house.done(id).await;
    assert_eq!(done.attempt.0, 3);
    let seen = house.seen(id);
    let applied: Vec<_> = seen.of_kind("ask.applied").map(|e| e["body"]["id"].as_str().unwrap()).collect();
    assert_eq!(applied, [kept.ask.id.0.as_str(), again.ask.id.0.as_str()]);
    house.end().await;
}

#[tokio::test]
async fn an_answer_after_the_default_is_told_what_stands() {
    let limits = vec![("ask_default", true.into()), ("ask_expiry", 2.into())];
    let mut house = House::open(Rules { hold: 1, limits, ..Rules::default() }).await;
    let id = house.create(story()).await;
    let ask = house.ask(id).await;
    house.until(id, "has its default", |s| s.asks.is_empty()).await;
    let late = house.answer(&ask, "Left").await.unwrap_err();
    assert_eq!(late.code, Code::Settled, "{late:?}");
    assert!(late.message.contains("default stands"), "{late:?}");
    house.done(id).await;
    let later = house.answer(&ask, "Left").await.unwrap_err();
    assert!(later.message.contains("default stands"), "{later:?}");
    let seen = house.seen(id);
    assert_eq!((seen.count("ask.defaulted"), seen.count("ask.applied")), (1, 1));
    house.end().await;
}

#[tokio::test]
async fn of_two_answers_the_first_wins_and_the_other_hears_so() {
    let mut house = House::open(Rules { hold: 1, ..Rules::default() }).await;
    let id = house.create(story()).await;
    let ask = house.ask(id).await;
    house.asleep(id).await;
    let (left, right) = tokio::join!(house.answer(&ask, "Left"), house.answer(&ask, "Right"));
    let (won, lost) = match (left, right) {
        (Ok(_), Err(lost)) => ("Left", lost),
        (Err(lost), Ok(_)) => ("Right", lost),
        other => panic!("{other:?}"),
    };
    assert_eq!(lost.code, Code::Settled);
    assert!(lost.message.contains("answered it"), "{lost:?}");
    house.done(id).await;
    one_turn(&house, id, &ask.ask.id.0, won);
    house.end().await;
}

#[tokio::test]
async fn a_message_to_a_session_that_waits_is_read_after_the_answer() {
    let mut house = House::open(Rules { hold: 1, ..Rules::default() }).await;
    let id = house.create(story()).await;
    let ask = house.ask(id).await;
    house.asleep(id).await;
    let text = "And say thanks.".to_owned();
    let message = devtask::wire::api::Message::new(text, MessageMode::Queue);
    let ana = devtask::domain::Actor::Person("local/ana".to_owned());
    house.remote().message(&ana, id, message).await.unwrap();
    assert_eq!(house.show(id).await.status, Status::Paused);
    house.answer(&ask, "Left").await.unwrap();
    house.done(id).await;
    let seen = house.seen(id);
    assert_eq!(seen.count("ask.applied"), 1);
    let issued = seen.count("command.issued");
    assert_eq!((issued, seen.count("command.consumed")), (3, 2), "an answer is applied, not consumed");
    house.end().await;
}
