//! Words and answers of people, in time and late. Must not know endings.

use super::*;

#[test]
fn a_plain_message_waits_for_the_turn_and_an_interrupting_one_ends_it() {
    let mut stage = Stage::talking();
    stage.play([Input::Command(message(2, MessageMode::Queue))]);
    assert!(stage.news().is_empty());
    stage.play([Input::Command(message(3, MessageMode::Interrupt))]);
    assert_eq!(stage.news(), ["Interrupt"]);
    stage.play([ended(TurnOutcome::Interrupted)]);
    assert_eq!(stage.news(), ["agent.turn_ended", "say ana writes:"]);
    assert!(stage.done.iter().any(|e| matches!(e, Effect::Say { text, .. } if text.contains("words 3"))));
    stage.play([completed()]);
    assert_eq!(stage.news().last().unwrap(), "say ana writes:");
    stage.play([completed()]);
    assert_eq!(stage.news().last().unwrap(), "Checkpoint");
}

#[test]
fn a_message_in_mid_check_is_said_before_anything_is_pushed() {
    let mut stage = Stage::talking();
    stage.play([completed(), Input::Checkpointed(Ok(None)), Input::Command(message(2, MessageMode::Queue))]);
    stage.news();
    stage.play([round("t", 0)]);
    assert_eq!(stage.news(), ["phase Execute", "say ana writes:"]);
    stage.play([
        completed(),
        Input::Checkpointed(Ok(None)),
        Input::Command(message(3, MessageMode::Interrupt)),
    ]);
    assert_eq!(stage.news()[5..], ["Abandon", "phase Execute", "say ana writes:"]);
}

#[test]
fn a_held_ask_is_recorded_then_deferred_when_nobody_answers() {
    let mut stage = Stage::talking();
    stage.play([held("a")]);
    assert_eq!(stage.news(), ["ask.raised"]);
    stage.wait(299);
    assert!(stage.news().is_empty());
    stage.wait(1);
    assert_eq!(stage.news(), ["DeferAll"]);
    stage.play([ended(TurnOutcome::Deferred { ask: id("a") })]);
    stage.leave();
    insta::assert_snapshot!(stage.news().join("\n"), @r"
    agent.turn_ended
    CloseStdin
    Sweep
    Checkpoint
    ended Deferred
    Over
    ");
}

#[test]
fn an_answer_in_time_goes_on_with_the_turn_and_is_applied_when_the_agent_shows_it() {
    let mut stage = Stage::talking();
    stage.play([held("a"), Input::Command(answer(2, "a")), Input::Command(answer(2, "a"))]);
    assert_eq!(stage.news(), ["ask.raised", "Allow a"]);
    stage.wait(1000);
    assert!(stage.news().is_empty(), "its hold is over");
    let applied =
        || Input::Signal(Signal::Report { report: Report::AnswerApplied { id: id("a") }, raw: None });
    stage.play([applied(), applied()]);
    assert_eq!(stage.news(), ["ask.applied"]);
}

#[test]
fn a_second_overdue_call_of_a_turn_is_refused_not_deferred() {
    let mut stage = Stage::talking();
    stage.play([held("a")]);
    stage.wait(300);
    stage.play([
        Input::Signal(Signal::TakenBack { ask: id("a"), why: "in a subagent".to_owned() }),
        held("b"),
    ]);
    stage.wait(300);
    assert_eq!(
        stage.news(),
        ["ask.raised", "DeferAll", "ask.taken_back", "ask.raised", "ask.taken_back", "Deny b"]
    );
    let applied = Input::Signal(Signal::Report { report: Report::AnswerApplied { id: id("b") }, raw: None });
    stage.play([applied]);
    assert!(stage.news().is_empty(), "our own refusal is no person's answer");
}

#[test]
fn an_answer_waits_a_moment_for_its_call_to_come_back_and_is_said_in_words_otherwise() {
    for came in [false, true] {
        let run = Run { resume: true, ..fixture::run() };
        let mut stage = Stage::of(Life::new(run, Recall::default(), Plan::default()));
        stage.play([Input::Secrets, ready(), Input::Launched(Ok(())), Input::Signal(Signal::MayComeBack)]);
        stage.wait(1);
        stage.play([Input::Signal(Signal::MayComeBack)]);
        if came {
            stage.play([Input::Signal(Signal::TurnBegan)]);
        }
        stage.news();
        stage.wait(1);
        assert_eq!(stage.news(), if came { &[][..] } else { &["NothingComes"] });
        stage.wait(5);
        assert!(stage.news().is_empty(), "once");
    }
}
