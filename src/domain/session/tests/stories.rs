//! Short lives of sessions, told step by step.

use super::world::{Log, ana, evidence, finished, new_session, pull_request, question, yes};
use crate::domain::ask::{Answer, AskWhat, Decision};
use crate::domain::command::MessageMode;
use crate::domain::report::{Ending, Phase, Report, Retry};
use crate::domain::session::{Hold, Input, Refusal, Status, Verb, WaitingOn, Want, due, waiting_on, wants};
use crate::domain::{AskId, Attempt};

pub fn toolu(n: u8) -> AskId {
    AskId(format!("toolu_{n}"))
}

/// Running, with one question open.
pub fn asked() -> Log {
    let mut log = Log::new();
    log.admitted().report(Report::AskRaised { id: toolu(1), what: question("Go on?") });
    log
}

pub fn pause(log: &mut Log) {
    log.must(Input::Pause { by: ana(), reason: None });
}

pub fn resume(log: &mut Log) {
    log.must(Input::Resume { by: ana() });
}

pub fn answer(log: &mut Log) {
    log.must(Input::Answer { by: ana(), ask: toolu(1), answer: yes("Go on?") });
}

#[test]
fn from_brief_to_pull_request() {
    let mut log = Log::new();
    log.admitted();
    log.report(Report::CommandConsumed { c: 1 });
    log.report(Report::CheckEnded { round: 1, evidence: evidence() });
    log.end(finished());
    assert_eq!(wants(&log.session, log.now), Want::Publish);
    log.must(Input::Published { pull_request: Some(pull_request()) });
    assert_eq!(log.session.phase, Phase::Review);
    insta::assert_snapshot!(log.kinds(0), @r"
    session.created
    command.issued
    session.queued
    session.admitted
    session.running
    command.consumed
    check.ended
    attempt.ended
    session.publishing
    session.published
    session.done
    ");
}

#[test]
fn a_deferred_ask_frees_the_slot_and_its_answer_brings_it_back() {
    let mut log = asked();
    assert_eq!(waiting_on(&log.session, log.now), Some(WaitingOn::User));
    let from = log.events.len();
    log.end(Ending::Deferred);
    assert_eq!((log.session.status, log.session.status.runs()), (Status::Paused, false));
    assert_eq!(waiting_on(&log.session, log.now), Some(WaitingOn::User));
    answer(&mut log);
    insta::assert_snapshot!(log.kinds(from), @r"
    attempt.ended
    hold.set
    session.paused
    ask.answered
    command.issued
    hold.lifted
    session.queued
    ");
    assert!(log.session.queued.as_ref().unwrap().front);
    log.admitted();
    // The same call is asked again: no second ask.
    let before = log.session.asks.len();
    log.report(Report::AskRaised { id: toolu(1), what: question("Go on?") });
    assert_eq!(log.session.asks.len(), before);
    log.report(Report::AnswerApplied { id: toolu(1) });
    assert!(log.session.asks.iter().all(|a| a.unapplied_answer().is_none()));
}

#[test]
fn an_applied_answer_is_over_and_the_next_attempt_is_told_to_go_on() {
    let mut log = asked();
    log.report(Report::CommandConsumed { c: 1 });
    answer(&mut log);
    assert_eq!(log.session.commands, [2]);
    log.report(Report::AnswerApplied { id: toolu(1) });
    assert!(log.session.commands.is_empty());
    log.report(Report::AgentStarted {
        session: log.session.new.conversation(),
        version: "2.1.329".to_owned(),
        model: None,
        resumed: false,
    });
    log.end(Ending::Failed { cause: "its process ended".to_owned(), retry: Retry::Later });
    log.wait(3600);
    log.admitted();
    let said = log.session.commands.clone();
    assert_eq!(said, [3], "only the word to go on: the answer was told");
}

#[test]
fn an_answer_that_crosses_the_deferral_queues_at_once() {
    let mut log = asked();
    answer(&mut log);
    log.end(Ending::Deferred);
    assert_eq!(log.session.status, Status::Queued);
}

#[test]
fn the_first_answer_wins_and_the_late_one_is_told_what_stands() {
    let mut log = asked();
    answer(&mut log);
    let second = Input::Answer {
        by: ana(),
        ask: toolu(1),
        answer: Answer::Decide { decide: Decision::Agent, message: None },
    };
    let Err(refusal) = log.say(second) else { panic!("a second answer was taken") };
    insta::assert_snapshot!(refusal.to_string(), @"this ask was settled before: ana answered it");
    assert!(matches!(refusal, Refusal::AskSettled { answer: Some(a), .. } if a == yes("Go on?")));
}

#[test]
fn a_default_does_not_lift_a_persons_pause() {
    let mut new = new_session();
    new.limits.ask_default = true;
    let mut log = Log::of(new);
    log.admitted().report(Report::AskRaised { id: toolu(1), what: question("Go on?") });
    log.end(Ending::Deferred);
    pause(&mut log);
    let (at, input) = due(&log.session).unwrap();
    log.now = at;
    log.must(input);
    assert_eq!(log.session.status, Status::Paused);
    assert_eq!(log.session.holds.iter().collect::<Vec<_>>(), [&Hold::Person]);
    resume(&mut log);
    assert_eq!(log.session.status, Status::Queued);
}

#[test]
fn a_permission_never_defaults() {
    let mut new = new_session();
    new.limits.ask_default = true;
    let mut log = Log::of(new);
    let what = AskWhat::Permission { tool: "Bash".to_owned(), detail: "rm -rf target".to_owned() };
    log.admitted().report(Report::AskRaised { id: toolu(1), what });
    assert_eq!(log.session.asks[0].default, None);
}

#[test]
fn pausing_a_running_session_drains_it_first() {
    let mut log = Log::new();
    log.admitted();
    pause(&mut log);
    assert_eq!(log.session.status, Status::Running);
    assert_eq!(wants(&log.session, log.now), Want::Drain { attempt: Attempt(1) });
    log.end(Ending::Drained);
    assert_eq!(log.session.status, Status::Paused);
    resume(&mut log);
    assert_eq!(log.session.status, Status::Queued);
}

#[test]
fn resume_before_the_drain_is_over_queues_it_again() {
    let mut log = Log::new();
    log.admitted();
    pause(&mut log);
    resume(&mut log);
    log.end(Ending::Drained);
    assert_eq!(log.session.status, Status::Queued);
}

#[test]
fn an_attempt_that_will_not_stop_is_given_up() {
    let mut log = Log::new();
    log.admitted();
    pause(&mut log);
    let (at, input) = due(&log.session).unwrap();
    log.now = at;
    log.must(input);
    assert_eq!(log.session.status, Status::Paused);
    let late = Input::Records { attempt: Attempt(1), records: Vec::new() };
    // Its late words are of a dead attempt.
    assert!(log.say(late).is_ok());
    let note = Report::Note { text: "late".to_owned() };
    let record = crate::domain::report::Record { n: 1, at: log.now, report: note, raw: None };
    assert!(log.say(Input::Records { attempt: Attempt(1), records: vec![record] }).is_err());
}

#[test]
fn resuming_what_waits_for_an_answer_says_what_is_legal() {
    let mut log = asked();
    log.end(Ending::Deferred);
    let Err(Refusal::Illegal { legal, .. }) = log.say(Input::Resume { by: ana() }) else {
        panic!("resumed without an answer")
    };
    assert_eq!(legal, [Verb::Pause, Verb::Cancel, Verb::Message, Verb::Answer]);
}

#[test]
fn retries_are_counted_and_a_persons_word_forgives_them() {
    let mut log = Log::new();
    let crash = || Ending::Failed { cause: "exit 1".to_owned(), retry: Retry::Later };
    log.admitted().end(crash());
    assert_eq!((log.session.status, log.session.retries), (Status::Queued, 1));
    log.wait(3600).admitted().end(crash());
    assert_eq!(log.session.retries, 2);
    log.must(Input::Message { by: ana(), text: "try again".to_owned(), mode: MessageMode::Queue });
    assert_eq!(log.session.retries, 0);
    for _ in 0..2 {
        log.wait(3600).admitted().end(crash());
    }
    log.wait(3600).admitted().end(crash());
    assert_eq!(log.session.status, Status::Failed);
    assert_eq!(log.session.failure.as_deref(), Some("exit 1"));
}

#[test]
fn a_quota_is_waited_for_and_does_not_count() {
    let mut log = Log::new();
    let until = log.now + chrono::TimeDelta::hours(2);
    log.admitted().end(Ending::Failed { cause: "limit".to_owned(), retry: Retry::Quota { until } });
    assert_eq!(log.session.retries, 0);
    assert_eq!(waiting_on(&log.session, log.now), Some(WaitingOn::Quota { until }));
    assert!(log.say(Input::Admit { attempt: Attempt(2) }).is_err());
}

#[test]
fn money_spent_holds_until_granted_again() {
    let mut log = Log::new();
    let usage = crate::domain::report::Usage { cost_micro_usd: 1_230_000, ..Default::default() };
    let outcome = crate::domain::report::TurnOutcome::Completed { text: "ok".to_owned() };
    log.admitted().report(Report::TurnEnded { outcome, usage });
    assert!(log.session.holds.contains(&Hold::Budget));
    log.end(Ending::Drained);
    assert_eq!(log.session.status, Status::Paused);
    assert!(log.say(Input::Resume { by: ana() }).is_err());
    log.must(Input::Grant { by: ana() });
    assert_eq!(log.session.status, Status::Queued);
}

#[test]
fn no_pull_request_after_a_cancel() {
    let mut log = Log::new();
    log.admitted().end(finished());
    log.must(Input::Cancel { by: ana(), reason: None });
    assert!(log.say(Input::Published { pull_request: Some(pull_request()) }).is_err());
    assert_eq!(wants(&log.session, log.now), Want::Release);
}

#[test]
fn a_pause_during_publishing_waits_and_goes_on_without_a_new_attempt() {
    let mut log = Log::new();
    log.admitted().report(Report::CommandConsumed { c: 1 }).end(finished());
    pause(&mut log);
    assert_eq!(log.session.status, Status::Paused);
    resume(&mut log);
    assert_eq!(wants(&log.session, log.now), Want::Publish);
    assert_eq!(log.session.attempt, Attempt(1));
}

#[test]
fn a_follow_up_goes_on_with_the_same_branch() {
    let mut log = Log::new();
    log.admitted().end(finished());
    log.must(Input::Published { pull_request: Some(pull_request()) });
    log.must(Input::FollowUp { by: ana(), text: "also the docs".to_owned() });
    assert_eq!(log.session.status, Status::Queued);
    assert_eq!(log.session.pull_request, Some(pull_request()));
    log.admitted();
    assert_eq!(log.session.attempt, Attempt(2));
}

#[test]
fn records_are_taken_once_and_a_gap_is_refused() {
    let mut log = Log::new();
    log.admitted();
    let note = |n| crate::domain::report::Record {
        n,
        at: super::world::noon(),
        report: Report::Note { text: format!("note {n}") },
        raw: None,
    };
    let attempt = Attempt(1);
    log.must(Input::Records { attempt, records: vec![note(1), note(2)] });
    let head = log.session.head;
    log.must(Input::Records { attempt, records: vec![note(1), note(2), note(3)] });
    assert_eq!(log.session.head, head + 1);
    let gap = log.say(Input::Records { attempt, records: vec![note(5)] });
    assert_eq!(gap, Err(Refusal::Gap { session: log.session.id(), expected: 4 }));
}

#[test]
fn a_brief_must_say_something_and_not_too_much() {
    for (text, said) in
        [(" \n", "the brief is empty"), (&*"x".repeat(100_000), "the brief has 100080 characters")]
    {
        let mut new = new_session();
        new.brief = crate::domain::brief::Brief::from_text(text);
        new.brief.title = if text.len() > 10 { "t".repeat(80) } else { String::new() };
        let refusal = crate::domain::session::create(new, super::world::noon()).unwrap_err().to_string();
        assert!(refusal.starts_with(said), "{refusal}");
    }
}

#[test]
fn every_unsettled_state_but_the_queue_has_a_deadline() {
    let mut log = Log::new();
    log.must(Input::Admit { attempt: Attempt(1) });
    assert!(due(&log.session).is_some());
    log.must(Input::Hello { attempt: Attempt(1) });
    assert!(due(&log.session).is_some());
    pause(&mut log);
    log.end(Ending::Drained);
    let (at, input) = due(&log.session).unwrap();
    log.now = at;
    log.must(input);
    assert_eq!(log.session.status, Status::Cancelled);
}
