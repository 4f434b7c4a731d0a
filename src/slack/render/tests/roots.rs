//! The root in every state.

use super::*;
use crate::domain::report::Phase;
use crate::domain::session::{Hold, WaitingOn};
use crate::slack::button::Button;
use crate::slack::render::{Post, root};

fn shown(name: &str, v: &SessionView) -> String {
    let post = root(v, &people);
    assert_eq!(limits::post(&post), Vec::<String>::new(), "{name}");
    format!("== {name}\n{}\n", plain::post(&post))
}

fn of(status: Status, change: impl FnOnce(&mut SessionView)) -> SessionView {
    let mut v = session();
    v.status = status;
    change(&mut v);
    v
}

fn fresh(v: &mut SessionView) {
    (v.branch, v.base_sha, v.model, v.attempt.0) = (None, None, None, 0);
    v.usage = serde_json::from_str("{}").unwrap();
}

fn waits(v: &mut SessionView, on: WaitingOn) {
    v.waiting_on = Some(on);
}

fn soon() -> Time {
    noon() + minutes(5)
}

fn an_ask() -> AskView {
    questions(vec![question("Which budget?", &["3 tries", "5 tries"])])
}

fn waiting() -> Vec<(&'static str, SessionView)> {
    vec![
        (
            "queued, third in line",
            of(Status::Queued, |v| {
                fresh(v);
                waits(v, WaitingOn::Slot);
                v.position = Some(3);
            }),
        ),
        (
            "queued, next",
            of(Status::Queued, |v| {
                fresh(v);
                waits(v, WaitingOn::Slot);
                (v.position, v.base) = (Some(1), None);
            }),
        ),
        ("queued, quota", of(Status::Queued, |v| waits(v, WaitingOn::Quota { until: soon() }))),
        (
            "queued, retry",
            of(Status::Queued, |v| {
                waits(v, WaitingOn::Retry { until: soon() });
                (v.retries, v.attempt.0, v.failure) = (1, 1, Some("the node was lost".to_owned()));
            }),
        ),
        (
            "provisioning, no sandbox",
            of(Status::Provisioning, |v| {
                fresh(v);
                waits(v, WaitingOn::Node);
                v.unsandboxed = true;
            }),
        ),
    ]
}

fn at_work() -> Vec<(&'static str, SessionView)> {
    vec![
        ("running", of(Status::Running, |_| ())),
        (
            "running, planning, second attempt",
            of(Status::Running, |v| {
                (v.phase, v.attempt.0) = (Phase::Plan, 2);
            }),
        ),
        ("running, checks", of(Status::Running, |v| v.phase = Phase::Validate)),
        (
            "running, pull request in trouble",
            of(Status::Running, |v| {
                v.phase = Phase::Publish;
                waits(v, WaitingOn::Retry { until: soon() });
            }),
        ),
        ("running, asks", of(Status::Running, |v| v.asks = vec![an_ask()])),
        (
            "running, told to pause",
            of(Status::Running, |v| {
                (v.holds, v.verbs) = (vec![Hold::Person], vec![Verb::Resume, Verb::Cancel]);
            }),
        ),
        (
            "paused by a person",
            of(Status::Paused, |v| {
                (v.holds, v.verbs) = (vec![Hold::Person], vec![Verb::Resume, Verb::Cancel]);
            }),
        ),
        (
            "paused by a person, two asks",
            of(Status::Paused, |v| {
                (v.holds, v.verbs) = (vec![Hold::Person, Hold::Ask], vec![Verb::Resume, Verb::Cancel]);
                v.asks = vec![an_ask(), an_ask()];
            }),
        ),
        (
            "paused by an ask",
            of(Status::Paused, |v| {
                (v.holds, v.asks) = (vec![Hold::Ask], vec![an_ask()]);
            }),
        ),
        (
            "paused by its budget",
            of(Status::Paused, |v| {
                (v.holds, v.verbs) = (vec![Hold::Budget], vec![Verb::Pause, Verb::Resume, Verb::Cancel]);
            }),
        ),
    ]
}

fn ended() -> Vec<(&'static str, SessionView)> {
    vec![
        ("done", done()),
        (
            "done, a branch",
            of(Status::Done, |v| {
                *v = done();
                v.checks_from = Some("none".to_owned());
                (v.pull_request, v.repo, v.evidence) = (None, "/srv/code/api".to_owned(), Vec::new());
            }),
        ),
        (
            "done, nothing to do",
            of(Status::Done, |v| {
                *v = done();
                (v.pull_request, v.pushed_sha) = (None, None);
            }),
        ),
        (
            "failed",
            of(Status::Failed, |v| {
                *v = settled(Status::Failed);
                v.failure = Some("the checks failed 5 rounds in a row".to_owned());
            }),
        ),
        ("cancelled", settled(Status::Cancelled)),
    ]
}

#[test]
fn every_state_says_what_is_and_offers_what_is_legal() {
    let states = [waiting(), at_work(), ended()].concat();
    let all: String = states.iter().map(|(name, v)| shown(name, v) + "\n").collect();
    insta::assert_snapshot!("roots", all);
}

#[test]
fn the_json_is_what_slack_takes() {
    let json = serde_json::to_string_pretty(&root(&session(), &people).blocks).unwrap();
    insta::assert_snapshot!("root_json", json);
}

#[test]
fn every_button_carries_its_session_its_verb_and_the_reading_it_was_shown_with() {
    let json = serde_json::to_value(root(&session(), &people).blocks).unwrap();
    let values = json.as_array().unwrap().iter().filter_map(|b| b["elements"].as_array()).flatten();
    let read: Vec<Button> = values.filter_map(|e| Button::read(e["value"].as_str()?)).collect();
    let act = |verb| Button::Act { session: session().id, verb, rev: 7 };
    assert_eq!(read, [act(Verb::Pause), act(Verb::Cancel)]);
}

#[test]
fn the_same_look_has_the_same_hash_and_another_look_another() {
    let hash = |v: &SessionView| root(v, &people).hash();
    let (v, mut later) = (session(), session());
    later.updated_at = noon() + minutes(90);
    later.head = 500;
    assert_eq!(hash(&v), hash(&later), "what nobody sees does not count");
    later.rev = 8;
    assert_ne!(hash(&v), hash(&later), "a button with an old reading is another button");
    let a = Post { text: "a".to_owned(), blocks: root(&v, &people).blocks };
    let b = Post { text: "b".to_owned(), ..a.clone() };
    assert_ne!(a.hash(), b.hash());
}

#[test]
fn an_address_that_is_none_is_no_button() {
    let mut v = done();
    v.pull_request.as_mut().unwrap().url = "javascript:alert(1)".to_owned();
    let shown = plain::post(&root(&v, &people));
    assert!(!shown.contains("javascript") && !shown.contains("[Open"), "{shown}");
}
