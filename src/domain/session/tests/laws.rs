//! What holds after any sequence of inputs whatever.

use proptest::prelude::*;

use super::world::{Log, Move, any_control, any_move, any_person, any_report};
use crate::domain::session::{Hold, Input, Status, Want, fold, step, wants};

/// Plays moves and hands the log after each to `law`.
fn after_each(moves: Vec<Move>, law: impl Fn(&Log)) {
    let mut log = Log::new();
    law(&log);
    for one in moves {
        drop(one.play(&mut log));
        law(&log);
    }
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    prop::collection::vec(any_move(), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_log_tells_the_session(moves in moves()) {
        after_each(moves, |log| {
            let mut told = fold(&log.events).unwrap();
            // Records, not events.
            told.ingested = log.session.ingested;
            assert_eq!(told, log.session);
        });
    }

    #[test]
    fn the_log_is_gapless_from_one(moves in moves()) {
        after_each(moves, |log| {
            let seqs: Vec<u64> = log.events.iter().map(|e| e.seq).collect();
            assert_eq!(seqs, (1..=log.session.head).collect::<Vec<_>>());
        });
    }

    #[test]
    fn a_refused_input_changes_nothing(moves in moves(), last in any_move()) {
        let mut log = Log::new();
        for one in moves {
            drop(one.play(&mut log));
        }
        let (before, events) = (log.session.clone(), log.events.len());
        if last.play(&mut log).is_err() {
            prop_assert_eq!(before, log.session);
            prop_assert_eq!(events, log.events.len());
        }
    }

    #[test]
    fn settled_changes_only_by_follow_up_or_rerun(
        moves in moves(),
        person in any_person(),
        control in any_control(),
        report in any_report(),
    ) {
        let mut log = Log::new();
        for one in moves {
            drop(one.play(&mut log));
        }
        if !log.session.status.is_settled() {
            return Ok(());
        }
        let reopens = matches!(person, Input::FollowUp { .. } | Input::Rerun { .. });
        if !reopens {
            prop_assert!(log.say(person).is_err());
        }
        prop_assert!(log.say(control).is_err());
        prop_assert!(Move::Report(report).play(&mut log).is_err());
    }

    #[test]
    fn a_cancelled_session_takes_no_follow_up(moves in moves()) {
        after_each(moves, |log| {
            if log.session.status == Status::Cancelled {
                let input = Input::FollowUp { by: super::world::ana(), text: "more".to_owned() };
                assert!(step(&log.session, input, log.now).is_err());
            }
        });
    }

    #[test]
    fn paused_means_held_and_no_process(moves in moves()) {
        after_each(moves, |log| {
            let s = &log.session;
            if s.status == Status::Paused {
                assert!(!s.holds.is_empty());
            }
            if matches!(s.status, Status::Paused | Status::Queued) {
                assert!(!s.attempt_lives());
                assert_eq!(wants(s, log.now), Want::Rest);
            }
            if s.status == Status::Queued {
                assert!(s.holds.is_empty() && s.queued.is_some());
            }
        });
    }

    #[test]
    fn an_open_ask_without_a_process_holds(moves in moves()) {
        after_each(moves, |log| {
            let s = &log.session;
            let waits = s.open_asks().next().is_some() && !s.attempt_lives() && s.status != Status::Running;
            if waits {
                assert!(s.holds.contains(&Hold::Ask) || s.finished());
            }
        });
    }

    #[test]
    fn revision_rises_just_when_buttons_change(moves in moves()) {
        let mut log = Log::new();
        for one in moves {
            let face = |log: &Log| {
                let open: Vec<_> = log.session.open_asks().map(|a| a.id.clone()).collect();
                (log.session.status, log.session.holds.clone(), open)
            };
            let (rev, before) = (log.session.rev, face(&log));
            drop(one.play(&mut log));
            if before != face(&log) {
                prop_assert!(log.session.rev > rev);
            }
        }
    }

    #[test]
    fn attempts_only_rise_and_old_ones_are_fenced(moves in moves()) {
        let mut log = Log::new();
        let mut highest = log.session.attempt;
        for one in moves {
            drop(one.play(&mut log));
            prop_assert!(log.session.attempt >= highest);
            highest = log.session.attempt;
            if highest.0 > 1 {
                let old = crate::domain::Attempt(highest.0 - 1);
                let hello = step(&log.session, Input::Hello { attempt: old }, log.now);
                let records = Input::Records { attempt: old, records: Vec::new() };
                let records = step(&log.session, records, log.now);
                prop_assert!(hello.is_err() && records.is_err());
            }
        }
    }

    #[test]
    fn retries_stay_within_their_limit(moves in moves()) {
        after_each(moves, |log| {
            assert!(log.session.retries <= log.session.limits().max_retries);
        });
    }

    #[test]
    fn holds_commute(first_ask in any::<bool>()) {
        // Pause and a deferred ask, in either order, lifted in either order: the same place in the end.
        let end = |ask_first: bool, answer_first: bool| {
            let mut log = super::stories::asked();
            if ask_first {
                log.end(crate::domain::report::Ending::Deferred);
                super::stories::pause(&mut log);
            } else {
                super::stories::pause(&mut log);
                log.end(crate::domain::report::Ending::Deferred);
            }
            assert_eq!(log.session.status, Status::Paused);
            if answer_first {
                super::stories::answer(&mut log);
                assert_eq!(log.session.status, Status::Paused);
                super::stories::resume(&mut log);
            } else {
                super::stories::resume(&mut log);
                assert_eq!(log.session.status, Status::Paused);
                super::stories::answer(&mut log);
            }
            (log.session.status, log.session.holds.clone(), log.session.commands.clone())
        };
        prop_assert_eq!(end(first_ask, true), end(!first_ask, false));
        prop_assert_eq!(end(first_ask, true).0, Status::Queued);
    }
}
