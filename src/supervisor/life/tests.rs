//! Laws of an attempt's life, played without a process: an agent that is a few lines, a clock turned by hand.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::agent::{Remedy, Signal, Word};
use crate::domain::ask::{Answer, AskWhat, Decision};
use crate::domain::command::{MessageMode, uuid_of};
use crate::domain::report::{CheckKind, Pushed, Retry, Usage};
use crate::domain::{Actor, Attempt};
use crate::supervisor::checks::Round;
use crate::supervisor::fixture;

/// An attempt and everything it has done so far.
struct Stage {
    life: Life,
    now: Time,
    done: Vec<Effect>,
    /// How much of `done` a test has looked at.
    seen: usize,
}

fn mark() -> Uuid {
    fixture::run().new.mark
}

fn begin(c: CommandNo) -> Command {
    Command { c, uuid: uuid_of(mark(), c), body: CommandBody::Begin }
}

fn message(c: CommandNo, mode: MessageMode) -> Command {
    let from = Actor::Person("local/ana".to_owned());
    Command {
        c,
        uuid: uuid_of(mark(), c),
        body: CommandBody::Message { text: format!("words {c}"), mode, from },
    }
}

fn answer(c: CommandNo, ask: &str) -> Command {
    let answer = Answer::Decide { decide: Decision::Allow, message: None };
    Command { c, uuid: uuid_of(mark(), c), body: CommandBody::Answer { ask: id(ask), answer } }
}

fn id(ask: &str) -> AskId {
    AskId(ask.to_owned())
}

fn held(ask: &str) -> Input {
    let what = AskWhat::Permission { tool: "Bash".to_owned(), detail: "rm -r target".to_owned() };
    Input::Signal(Signal::Held { ask: id(ask), what })
}

fn ended(outcome: TurnOutcome) -> Input {
    Input::Signal(Signal::TurnEnded { outcome, usage: Usage::default(), queued: 0 })
}

fn completed() -> Input {
    ended(TurnOutcome::Completed { text: "did it".to_owned() })
}

/// A completed turn with something left running.
fn lingering() -> Input {
    let outcome = TurnOutcome::Completed { text: "it runs".to_owned() };
    Input::Signal(Signal::TurnEnded { outcome, usage: Usage::default(), queued: 1 })
}

fn exit() -> Input {
    Input::Exited { outcome: TurnOutcome::Interrupted, remedy: None }
}

fn ready() -> Input {
    let ready = Ready { base: "main".to_owned(), base_sha: "b".repeat(40), branch: "devtask/1-x".to_owned() };
    Input::Prepared(Ok(ready))
}

fn round(tree: &str, code: i32) -> Input {
    let evidence = Evidence {
        command: "just test".to_owned(),
        kind: CheckKind::Test,
        exit_code: Some(code),
        timed_out: false,
        duration_ms: 5,
        tests: Some(1),
        tree: tree.to_owned(),
        tail: "the end".to_owned(),
    };
    let round = Round {
        n: 1,
        tree: tree.to_owned(),
        evidence: vec![evidence],
        coverage: None,
        wants: None,
        cancelled: false,
    };
    Input::Checked(Ok(Verdict::Round { round, rounds: 3 }))
}

fn pushed() -> Pushed {
    Pushed { branch: "devtask/1-x".to_owned(), sha: "c".repeat(40), tree: "t".to_owned() }
}

impl Stage {
    fn new() -> Self {
        Self::of(Life::new(fixture::run(), Recall::default(), Plan::default()))
    }

    fn of(life: Life) -> Self {
        Self { life, now: Time::UNIX_EPOCH, done: Vec::new(), seen: 0 }
    }

    /// With the first words said.
    fn talking() -> Self {
        let mut stage = Self::new();
        stage.play([Input::Secrets, Input::Command(begin(1)), ready(), Input::Launched(Ok(()))]);
        stage.news();
        stage
    }

    fn play(&mut self, inputs: impl IntoIterator<Item = Input>) {
        for input in inputs {
            let effects = self.life.step(self.now, input);
            self.done.extend(effects);
        }
    }

    fn wait(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
        self.play([Input::Tick]);
    }

    /// What was done since the last look, in short.
    fn news(&mut self) -> Vec<String> {
        let news = self.done[self.seen..].iter().map(short).collect();
        self.seen = self.done.len();
        news
    }

    fn ending(&self) -> Option<&Ending> {
        self.done.iter().find_map(|e| match e {
            Effect::Record { report: Report::Ended { how }, .. } => Some(how),
            _ => None,
        })
    }

    /// The rest of a life that is on its way out.
    fn leave(&mut self) {
        self.play([exit(), Input::Swept(true), Input::Checkpointed(Ok(None))]);
    }
}

fn short(effect: &Effect) -> String {
    match effect {
        Effect::Record { report: Report::Phase { phase }, .. } => format!("phase {phase:?}"),
        Effect::Record { report: Report::CommandConsumed { c }, .. } => format!("consumed {c}"),
        Effect::Record { report: Report::Ended { how }, .. } => {
            let text = format!("{how:?}");
            format!("ended {}", text.split([' ', '{']).next().unwrap())
        }
        Effect::Record { report, .. } => {
            serde_json::to_value(report).unwrap()["kind"].as_str().unwrap().to_owned()
        }
        Effect::Say { text, .. } => {
            format!("say {}", text.lines().next().unwrap().chars().take(24).collect::<String>())
        }
        Effect::Tell(Word::Answer { answer: Answer::Decide { decide, .. }, ask }) => {
            format!("{decide:?} {ask}")
        }
        Effect::Tell(word) => format!("{word:?}"),
        Effect::Launch { resume, plan } => format!("launch resume={resume} plan={plan}"),
        Effect::KeepPlan(plan) => format!("plan approved={}", plan.approved),
        other => format!("{other:?}"),
    }
}

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

/// Anything at any time: a peer, a person and a machine that follow no script.
fn anything() -> impl Strategy<Value = Input> {
    let ask = prop_oneof![Just("a"), Just("b"), Just("c")];
    prop_oneof![
        1 => Just(Input::Secrets),
        1 => Just(ready()),
        2 => Just(Input::Launched(Ok(()))),
        1 => prop_oneof![Just(Level::Run), Just(Level::Drain), Just(Level::Stop)].prop_map(Input::Want),
        2 => (1..6_u32).prop_map(|c| Input::Command(message(c, MessageMode::Queue))),
        1 => (6..9_u32).prop_map(|c| Input::Command(message(c, MessageMode::Interrupt))),
        3 => (9..15_u32, ask.clone()).prop_map(|(c, a)| Input::Command(answer(c, a))),
        4 => ask.clone().prop_map(held),
        2 => ask.clone().prop_map(|a| Input::Signal(Signal::TakenBack { ask: id(a), why: "so".to_owned() })),
        2 => ask.clone().prop_map(|a| Input::Signal(Signal::Report { report: Report::AnswerApplied { id: id(a) }, raw: None })),
        3 => Just(completed()),
        1 => Just(ended(TurnOutcome::Interrupted)),
        1 => ask.prop_map(|a| ended(TurnOutcome::Deferred { ask: id(a) })),
        1 => Just(exit()),
        2 => Just(Input::Checkpointed(Ok(None))),
        1 => Just(round("t", 1)),
        1 => Just(round("t", 0)),
        1 => Just(Input::Published(Ok(pushed()))),
        1 => Just(Input::Swept(true)),
        5 => Just(Input::Tick),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_laws_hold(inputs in proptest::collection::vec((anything(), 0..400_i64), 1..120)) {
        let mut stage = Stage::new();
        stage.play([Input::Secrets, Input::Command(begin(100)), ready(), Input::Launched(Ok(()))]);
        let (mut deferrals, mut ended_turns, mut wanted) = (0, 0, false);
        let mut alive = true;
        let mut applied = std::collections::BTreeSet::new();
        for (input, seconds) in inputs {
            stage.now += TimeDelta::seconds(seconds);
            let turn_over = matches!(input, Input::Signal(Signal::TurnEnded { .. }) | Input::Exited { .. });
            alive &= !matches!(input, Input::Exited { .. });
            wanted |= matches!(input, Input::Want(Level::Drain | Level::Stop));
            let effects = stage.life.step(stage.now, input);
            if turn_over {
                deferrals = 0;
                ended_turns += 1;
            }
            for effect in &effects {
                match effect {
                    // A new process begins a new turn.
                    Effect::Launch { .. } => {
                        deferrals = 0;
                        prop_assert!(!alive, "one process at a time");
                        alive = true;
                    }
                    Effect::Tell(Word::DeferAll) => deferrals += 1,
                    Effect::Record { report: Report::AnswerApplied { id }, .. } => {
                        prop_assert!(applied.insert(id.clone()), "an answer is applied once");
                    }
                    Effect::Record { report: Report::Ended { .. }, .. } => {
                        prop_assert!(stage.life.is_over(), "the end is the last word");
                    }
                    _ => {}
                }
                let speaks = match effect {
                    Effect::Say { .. } | Effect::Launch { .. } | Effect::Check { .. } | Effect::Tell(Word::Say { .. }) => true,
                    Effect::Tell(Word::Answer { answer: Answer::Decide { decide, .. }, .. }) => *decide != Decision::Deny,
                    _ => false,
                };
                prop_assert!(!(wanted && speaks), "after the wish to end only what ends it: {effect:?}");
                prop_assert!(deferrals <= 1, "one deferral a turn (turn {ended_turns})");
            }
            stage.done.extend(effects);
        }
        let ends = stage.done.iter().filter(|e| matches!(e, Effect::Record { report: Report::Ended { .. }, .. })).count();
        prop_assert!(ends <= 1);
    }
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
