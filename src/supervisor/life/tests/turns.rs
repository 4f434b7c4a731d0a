//! From brief to push: turns, checks, what is waited for. Must not know people.

use super::*;

#[test]
fn a_green_session_goes_from_brief_to_push() {
    let mut stage = Stage::new();
    stage.play([Input::Secrets, Input::Command(begin(1)), ready(), Input::Launched(Ok(()))]);
    stage.play([Input::Signal(Signal::Consumed { uuid: begin(1).uuid }), completed()]);
    stage.play([
        Input::Checkpointed(Ok(Some("w".to_owned()))),
        round("t", 0),
        Input::Published(Ok(pushed())),
    ]);
    stage.play([exit(), Input::Swept(true)]);
    insta::assert_snapshot!(stage.news().join("\n"), @r"
    Prepare
    workspace.ready
    phase Execute
    launch resume=false plan=false
    say You work alone on one ta
    consumed 1
    agent.turn_ended
    Checkpoint
    checkpoint
    phase Validate
    Check { round: 1 }
    phase Publish
    Publish
    pushed
    CloseStdin
    Sweep
    ended Finished
    Over
    ");
    assert!(stage.life.is_over());
    assert!(
        matches!(stage.ending(), Some(Ending::Finished { pushed: Some(_), evidence, summary }) if evidence.len() == 1 && summary == "did it")
    );
}

#[test]
fn a_session_that_changed_nothing_finishes_without_a_push() {
    let mut stage = Stage::talking();
    stage.play([completed(), Input::Checkpointed(Ok(None)), Input::Checked(Ok(Verdict::Nothing))]);
    stage.play([exit(), Input::Swept(true)]);
    assert!(
        matches!(stage.ending(), Some(Ending::Finished { pushed: None, evidence, .. }) if evidence.is_empty())
    );
}

#[test]
fn failing_checks_go_back_until_they_pass() {
    let mut stage = Stage::talking();
    stage.play([completed(), Input::Checkpointed(Ok(None)), round("t1", 1)]);
    insta::assert_snapshot!(stage.news().join("\n"), @r"
    agent.turn_ended
    consumed 1
    Checkpoint
    phase Validate
    Check { round: 1 }
    phase Execute
    say The checks of round 1 di
    ");
    stage.play([completed(), Input::Checkpointed(Ok(None)), round("t2", 0)]);
    assert_eq!(stage.news().last().unwrap(), "Publish");
}

#[test]
fn what_runs_in_the_background_is_waited_for_but_not_for_ever() {
    let mut stage = Stage::talking();
    stage.play([lingering()]);
    assert_eq!(stage.news(), ["agent.turn_ended"]);
    stage.wait(29);
    stage.play([Input::Signal(Signal::Live(Vec::new()))]);
    stage.wait(29);
    assert_eq!(stage.news(), ["Live([])"], "a sign of life is worth another wait");
    stage.play([Input::Signal(Signal::TurnBegan)]);
    stage.wait(3_600);
    assert!(stage.news().is_empty(), "a turn of its own takes as long as it takes");
    stage.play([lingering()]);
    stage.wait(30);
    assert_eq!(stage.news(), ["agent.turn_ended", "consumed 1", "Checkpoint"]);
}

#[test]
fn a_word_does_not_wait_for_what_runs_in_the_background() {
    for mode in [MessageMode::Queue, MessageMode::Interrupt] {
        let mut stage = Stage::talking();
        stage.play([lingering(), Input::Command(message(2, mode))]);
        assert_eq!(stage.news(), ["agent.turn_ended", "say ana writes:"], "{mode:?}");
        stage.wait(30);
        assert!(stage.news().is_empty(), "its turn runs");
    }
    let mut stage = Stage::talking();
    stage.play([lingering(), Input::Want(Level::Drain)]);
    assert_eq!(stage.news()[1..], ["CloseStdin"], "an idle agent is not interrupted");
    let mut stage = Stage::talking();
    stage.play([lingering(), exit()]);
    assert_eq!(stage.news().last().unwrap(), "Checkpoint", "it ended well and is gone");
}

#[test]
fn what_was_pushed_is_what_passed() {
    let mut stage = Stage::talking();
    stage.play([completed(), Input::Checkpointed(Ok(None)), round("older", 0)]);
    stage.play([Input::Published(Ok(pushed()))]);
    assert_eq!(stage.news()[7..], ["pushed", "Checkpoint"], "somebody committed after the checks");
    stage.play([Input::Checkpointed(Ok(None)), round("t", 0), Input::Published(Ok(pushed()))]);
    assert_eq!(stage.news().last().unwrap(), "CloseStdin");
}

#[test]
fn checks_that_fail_on_the_same_tree_end_the_attempt_and_so_do_too_many_rounds() {
    let mut stage = Stage::talking();
    for _ in 0..2 {
        stage.play([completed(), Input::Checkpointed(Ok(None)), round("t1", 1)]);
    }
    stage.leave();
    assert!(
        matches!(stage.ending(), Some(Ending::Failed { cause, retry: Retry::No }) if cause.contains("changes nothing"))
    );

    let mut stage = Stage::talking();
    for n in 0..3 {
        stage.play([completed(), Input::Checkpointed(Ok(None)), round(&format!("t{n}"), 1)]);
    }
    stage.leave();
    assert!(
        matches!(stage.ending(), Some(Ending::Failed { cause, .. }) if cause.contains("after 3 rounds: `just test`"))
    );
}

#[test]
fn a_plan_is_approved_before_anything_is_executed() {
    let mut run = fixture::run();
    run.new.plan = true;
    let mut stage = Stage::of(Life::new(run, Recall::default(), Plan::default()));
    stage.play([Input::Secrets, Input::Command(begin(1)), ready(), Input::Launched(Ok(()))]);
    let plan = Signal::Held { ask: id("p"), what: AskWhat::Plan { text: "first this".to_owned() } };
    stage.play([Input::Signal(plan), Input::Command(answer(2, "p"))]);
    insta::assert_snapshot!(stage.news().join("\n"), @r"
    Prepare
    workspace.ready
    phase Plan
    launch resume=false plan=true
    say You work alone on one ta
    plan approved=false
    ask.raised
    plan approved=true
    phase Execute
    Allow p
    ");
}

#[test]
fn an_attempt_is_numbered_in_its_own_words() {
    let mut stage = Stage::of(Life::new(
        Run { attempt: Attempt(7), ..fixture::run() },
        Recall::default(),
        Plan::default(),
    ));
    stage.play([Input::Secrets, Input::Command(begin(1)), ready(), Input::Launched(Ok(())), completed()]);
    stage.play([Input::Checkpointed(Ok(None)), round("t", 1)]);
    let said: Vec<Uuid> = stage
        .done
        .iter()
        .filter_map(|e| if let Effect::Say { uuid, .. } = e { Some(*uuid) } else { None })
        .collect();
    assert_eq!(said, [begin(1).uuid, Uuid::new_v5(&mark(), b"round/7/1")]);
}
