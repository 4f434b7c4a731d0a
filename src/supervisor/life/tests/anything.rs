//! What holds whatever comes, in whatever order.

use super::*;

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
