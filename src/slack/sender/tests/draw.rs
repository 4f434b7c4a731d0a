//! What is drawn for an edge that time has overtaken.

use super::world::{Log, ana, yes};
use crate::domain::AskId;
use crate::domain::ask::{Ask, AskState};
use crate::domain::session::{Input, Status};
use crate::slack::sender::draw::Scene;
use crate::slack::sender::edge::{Edge, Entry};

fn scene(edge: Edge) -> Scene {
    let at = Entry { seq: 9, at: super::world::start(), edge };
    Scene { slot: at.slot(), edge: Some(at), ask: None, end: None, again: false }
}

fn asked(log: &Log) -> Ask {
    log.session.asks[0].clone()
}

#[test]
fn an_ask_that_is_over_before_it_is_shown_is_shown_as_its_record() {
    let mut log = Log::new();
    log.runs().asks("q");
    let ask = asked(&log);
    log.answers("q");
    let end = AskState::Answered { by: ana(), at: log.now, answer: yes("q"), applied: false };
    let late = Scene { end: Some(end.clone()), ..scene(Edge::Asked(ask.clone())) };
    let settled = Edge::Settled { id: AskId("q".into()), state: end };
    let record = Scene { ask: Some(ask), ..scene(settled) };
    let (late, record) = (late.draw(&log.view()).unwrap(), record.draw(&log.view()).unwrap());
    assert_eq!(late.hash(), record.hash());
}

#[test]
fn an_ask_that_was_shown_is_not_opened_again_unless_it_is_open() {
    let mut log = Log::new();
    log.runs().asks("q");
    let shown = Scene { again: true, ..scene(Edge::Asked(asked(&log))) };
    let open = shown.draw(&log.view()).unwrap();
    assert!(!open.blocks.is_empty());
    log.answers("q");
    assert!(shown.draw(&log.view()).is_none());
}

#[test]
fn an_end_is_told_as_it_was_also_when_the_session_goes_on() {
    let mut log = Log::new();
    log.runs();
    let attempt = log.session.attempt;
    log.must(Input::Lost { attempt, cause: "the disk is full".into(), transient: false });
    let at = log.now;
    let before = scene(Edge::Ended { status: Status::Failed, at, cause: Some("the disk is full".into()) });
    log.wait(5).must(Input::Rerun { by: ana() });
    let told = before.draw(&log.view()).unwrap();
    assert!(told.text.contains("failed"), "{}", told.text);
    assert!(serde_json::to_string(&told.blocks).unwrap().contains("disk is full"));
}
