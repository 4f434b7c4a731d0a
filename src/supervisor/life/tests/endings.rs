//! Drains, stops, crashes, and what a later process goes on with.

use super::*;

#[test]
fn a_drain_defers_what_is_held_and_interrupts_the_rest() {
    let mut stage = Stage::talking();
    stage.play([held("a"), Input::Want(Level::Drain)]);
    stage.play([ended(TurnOutcome::Deferred { ask: id("a") })]);
    stage.leave();
    assert_eq!(stage.ending(), Some(&Ending::Deferred), "the ask stays open");

    let mut stage = Stage::talking();
    stage.play([Input::Want(Level::Drain)]);
    assert_eq!(stage.news(), ["Interrupt"]);
    stage.wait(4);
    assert!(stage.news().is_empty());
    stage.wait(1);
    stage.wait(3);
    stage.wait(3);
    stage.wait(5);
    assert_eq!(stage.news(), ["CloseStdin", "CloseStdin", "Terminate", "Kill", "Kill"]);
    stage.leave();
    assert_eq!(stage.news(), ["Sweep", "Checkpoint", "ended Drained", "Over"]);
}

#[test]
fn a_drain_right_after_a_resume_waits_for_the_deferred_call_and_defers_it_again() {
    let mut stage =
        Stage::of(Life::new(Run { resume: true, ..fixture::run() }, Recall::default(), Plan::default()));
    stage.play([Input::Secrets, ready(), Input::Launched(Ok(())), Input::Want(Level::Drain)]);
    stage.news();
    stage.play([held("a"), ended(TurnOutcome::Deferred { ask: id("a") })]);
    assert_eq!(stage.news(), ["ask.raised", "DeferAll", "agent.turn_ended", "CloseStdin"]);
    stage.leave();
    assert_eq!(stage.ending(), Some(&Ending::Deferred));
}

#[test]
fn a_stop_is_at_once_and_a_drain_may_become_one() {
    let mut stage = Stage::talking();
    stage.play([Input::Want(Level::Drain), Input::Want(Level::Stop), Input::Want(Level::Run)]);
    assert_eq!(stage.news(), ["Interrupt", "CloseStdin", "Terminate"]);
    stage.leave();
    assert_eq!(stage.ending(), Some(&Ending::Stopped));
}

#[test]
fn the_end_is_not_said_while_anything_is_left() {
    let mut stage = Stage::talking();
    stage.play([Input::Want(Level::Stop), exit(), Input::Swept(false)]);
    stage.wait(5);
    assert_eq!(stage.news(), ["CloseStdin", "Terminate", "Sweep", "Sweep"]);
    assert!(stage.ending().is_none());
    stage.play([Input::Swept(true), Input::Checkpointed(Ok(None))]);
    assert_eq!(stage.ending(), Some(&Ending::Stopped));
}

#[test]
fn a_drain_lets_a_push_finish_and_a_stop_does_not() {
    let publishing = || {
        let mut stage = Stage::talking();
        stage.play([completed(), Input::Checkpointed(Ok(None)), round("t", 0)]);
        stage
    };
    let mut stage = publishing();
    stage.play([Input::Want(Level::Drain), Input::Published(Ok(pushed()))]);
    stage.leave();
    assert!(matches!(stage.ending(), Some(Ending::Finished { pushed: Some(_), .. })));
    let mut stage = publishing();
    stage.play([Input::Want(Level::Stop), Input::Published(Ok(pushed()))]);
    stage.leave();
    assert_eq!(stage.ending(), Some(&Ending::Stopped));
}

#[test]
fn a_crash_of_the_agent_says_how_it_went() {
    let mut stage = Stage::talking();
    let outcome =
        TurnOutcome::Failed { message: "it was killed; stderr: oops".to_owned(), retry: Retry::Later };
    stage.play([Input::Exited { outcome, remedy: None }, Input::Swept(true), Input::Checkpointed(Ok(None))]);
    let cause = "it was killed; stderr: oops".to_owned();
    assert_eq!(stage.ending(), Some(&Ending::Failed { cause, retry: Retry::Later }));
}

#[test]
fn a_lost_conversation_is_begun_afresh_with_the_brief() {
    let mut stage =
        Stage::of(Life::new(Run { resume: true, ..fixture::run() }, Recall::default(), Plan::default()));
    stage.play([
        Input::Secrets,
        Input::Command(message(4, MessageMode::Queue)),
        ready(),
        Input::Launched(Ok(())),
    ]);
    stage.news();
    let outcome = TurnOutcome::Failed { message: "No conversation found".to_owned(), retry: Retry::No };
    stage.play([Input::Exited { outcome, remedy: Some(Remedy::StartAfresh) }, Input::Launched(Ok(()))]);
    assert_eq!(stage.news(), ["launch resume=false plan=false", "say You work alone on one ta"]);
    stage.play([completed()]);
    assert_eq!(stage.news(), ["agent.turn_ended", "say ana writes:"]);
}

#[test]
fn a_line_the_agent_had_before_is_consumed_and_the_agent_told_to_go_on() {
    let mut stage =
        Stage::of(Life::new(Run { resume: true, ..fixture::run() }, Recall::default(), Plan::default()));
    stage.play([
        Input::Secrets,
        Input::Command(message(4, MessageMode::Queue)),
        ready(),
        Input::Launched(Ok(())),
    ]);
    stage.news();
    stage.play([Input::Known(message(4, MessageMode::Queue).uuid)]);
    assert_eq!(stage.news(), ["consumed 4", "say Your last turn was cut o"]);
}

#[test]
fn a_restarted_supervisor_goes_on_where_the_journal_stands() {
    let recall = |turn, asks: &[&str]| Recall {
        conversed: true,
        consumed: [1].into(),
        turn,
        asks: asks.iter().map(|a| id(a)).collect(),
        ..Recall::default()
    };
    let start = |recall| {
        let mut stage = Stage::of(Life::new(fixture::run(), recall, Plan::default()));
        stage.play([Input::Command(begin(1)), Input::Secrets, ready(), Input::Launched(Ok(()))]);
        stage.news()
    };
    let completed = TurnOutcome::Completed { text: "did it".to_owned() };
    assert_eq!(start(recall(Some(completed), &[])).last().unwrap(), "Checkpoint");
    assert_eq!(
        start(recall(None, &["a"])).last().unwrap(),
        "Sweep",
        "an open ask costs nothing while it waits"
    );
    let again = start(recall(None, &[]));
    assert_eq!(
        again[2..],
        ["phase Execute", "launch resume=true plan=false", "say Your last turn was cut o"]
    );
    let over = Life::new(fixture::run(), Recall { ended: true, ..Recall::default() }, Plan::default());
    assert!(over.is_over());
}
