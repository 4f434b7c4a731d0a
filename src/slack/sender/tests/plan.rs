//! What is told when, as stories of one thread.

use chrono::TimeDelta;

use super::world::{Log, Told, ana};
use crate::domain::AskId;
use crate::domain::report::{Phase, Report};
use crate::domain::session::Input;
use crate::slack::sender::budget::Rank;
use crate::slack::sender::plan::{Outcome, ROOT, Track};
use crate::slack::sender::wish::What;
use crate::store::slack::Post;

#[test]
fn the_root_comes_first_and_the_rest_in_order() {
    let mut log = Log::new();
    log.runs().asks("one").asks("two").answers("one");
    let mut told = Told::new(&log);
    told.tick(&log);
    assert_eq!(told.news(), "post root, post ask:one, post ask:two, update ask:one");
}

#[test]
fn changes_of_state_are_gathered_for_ten_seconds() {
    let mut log = Log::new();
    let mut told = Told::new(&log);
    told.tick(&log);
    log.wait(1).runs();
    log.wait(1).asks("q");
    told.pass(&mut log, 7);
    log.answers("q");
    told.tick(&log);
    assert_eq!(told.news(), "post root, post ask:q, update ask:q");
    told.pass(&mut log, 3);
    assert_eq!(told.news(), "update root");
    told.pass(&mut log, 120);
    assert_eq!(told.news(), "");
}

#[test]
fn who_has_clicked_does_not_wait() {
    let mut log = Log::new();
    log.runs();
    let mut told = Told::new(&log);
    told.tick(&log);
    log.wait(1).must(Input::Pause { by: ana(), reason: None });
    // The commit may be seen before the click is.
    told.tick(&log);
    assert_eq!(told.news(), "post root");
    told.track.nudge(log.now);
    let (wishes, _) = told.track.wishes(log.now);
    assert_eq!(wishes[0].rank, Rank::Ask);
    told.tick(&log);
    assert_eq!(told.news(), "update root");
    // Or after it.
    log.wait(2);
    told.track.nudge(log.now);
    told.tick(&log);
    assert_eq!(told.news(), "");
    log.must(Input::Cancel { by: ana(), reason: None });
    told.tick(&log);
    assert_eq!(told.news(), "post final:8, update root");
}

#[test]
fn an_answer_is_shown_by_its_record_and_the_root_follows() {
    let mut log = Log::new();
    log.runs().asks("q");
    let mut told = Told::new(&log);
    told.pass(&mut log, 30);
    told.news();
    log.answers("q");
    told.track.nudge(log.now);
    told.tick(&log);
    assert_eq!(told.news(), "update ask:q, update root");
    log.asks("r");
    told.tick(&log);
    log.wait(1).answers("r");
    told.track.nudge(log.now);
    told.tick(&log);
    assert_eq!(told.news(), "post ask:r, update ask:r");
}

#[test]
fn steps_on_the_way_change_the_root_ever_more_seldom() {
    let mut log = Log::new();
    log.runs();
    let mut told = Told::new(&log);
    told.tick(&log);
    for minute in 0..60 {
        for _ in 0..6 {
            told.pass(&mut log, 10);
            let phase = if minute % 2 == 0 { Phase::Execute } else { Phase::Validate };
            assert!(log.report(Report::Phase { phase }));
            assert!(log.report(Report::Message { text: "on it".to_owned() }));
        }
    }
    assert!((3..=8).contains(&told.root_versions()), "{:?}", told.calls);
}

#[test]
fn five_hundred_events_and_two_asks_take_at_most_twelve_writes() {
    let mut log = Log::new();
    let mut told = Told::new(&log);
    told.pass(&mut log, 2);
    log.runs();
    let mut n = 0;
    let mut work = |log: &mut Log, told: &mut Told| {
        for _ in 0..155 {
            n += 1;
            let summary = format!("step {n}");
            assert!(log.report(Report::Tool { id: "t".into(), tool: "Edit".into(), summary }));
            if n % 3 == 0 {
                told.pass(log, 1);
            }
        }
    };
    work(&mut log, &mut told);
    log.asks("one");
    told.pass(&mut log, 5);
    log.answers("one");
    told.track.nudge(log.now);
    work(&mut log, &mut told);
    assert!(log.report(Report::Phase { phase: Phase::Validate }));
    log.asks("two");
    told.pass(&mut log, 5);
    log.answers("two");
    told.track.nudge(log.now);
    work(&mut log, &mut told);
    log.finishes();
    told.pass(&mut log, 90);
    assert!(log.events.len() > 470, "{}", log.events.len());
    assert!(told.calls.len() <= 12, "{}: {:?}", told.calls.len(), told.calls);
    assert_eq!(told.calls.iter().filter(|call| call.starts_with("post")).count(), 4, "{:?}", told.calls);
    assert!(told.track.worth_keeping(log.now).is_some());
}

#[test]
fn an_ask_that_is_taken_back_unseen_has_no_record() {
    let mut log = Log::new();
    log.runs().asks("q");
    assert!(log.report(Report::AskTakenBack { id: AskId("q".into()), why: "again".into() }));
    let mut track = Track::new(log.thread(0), Vec::new());
    log.read_by(&mut track);
    let stands = |ts: &str| Outcome::Stands { ts: ts.into(), hash: [0; 32], shown: log.shown() };
    track.outcome(ROOT, stands("1.0"), log.now);
    assert_eq!(track.wishes(log.now).0[0].slot, "ask:q");
    track.outcome("ask:q", Outcome::Nothing, log.now);
    assert!(track.wishes(log.now).0.is_empty());
    assert_eq!(track.cursor(), log.session.head);
}

#[test]
fn the_cursor_waits_for_what_is_not_told() {
    let mut log = Log::new();
    log.runs().asks("q");
    let asked = log.session.head;
    assert!(log.report(Report::Message { text: "…".to_owned() }));
    let mut track = Track::new(log.thread(0), Vec::new());
    log.read_by(&mut track);
    assert_eq!(track.cursor(), 0);
    let stands = || Outcome::Stands { ts: "1.0".into(), hash: [0; 32], shown: log.shown() };
    track.outcome(ROOT, stands(), log.now);
    assert_eq!((track.cursor(), track.worth_keeping(log.now)), (asked - 1, None));
    track.outcome("ask:q", stands(), log.now);
    assert_eq!(track.worth_keeping(log.now), Some(log.session.head));
    track.kept(log.session.head, log.now);
    assert_eq!(track.worth_keeping(log.now), None);
}

#[test]
fn in_doubt_it_waits_and_looks_before_it_posts_again() {
    let mut log = Log::new();
    log.runs();
    let doubted = Post {
        session: log.session.id(),
        slot: ROOT.to_owned(),
        channel: "C1".to_owned(),
        ts: None,
        hash: None,
        at: log.now,
    };
    let mut track = Track::new(log.thread(0), vec![doubted]);
    log.read_by(&mut track);
    let (wishes, later) = track.wishes(log.now);
    assert!(wishes.is_empty());
    assert_eq!(later, Some(log.now + TimeDelta::seconds(10)));
    log.wait(10);
    let look = What::Look { since: log.now - TimeDelta::seconds(10) };
    assert_eq!(track.wishes(log.now).0[0].what, look);
    track.outcome(ROOT, Outcome::Unsure, log.now);
    assert_eq!(track.wishes(log.now).0[0].what, look, "who could not look does not know");
    let mut absent = track.clone();
    absent.outcome(ROOT, Outcome::Absent, log.now);
    assert_eq!(absent.wishes(log.now).0[0].what, What::Post);
    track.outcome(ROOT, Outcome::Found { ts: "9.0".into() }, log.now);
    assert_eq!(track.thread.thread.as_deref(), Some("9.0"));
    log.wait(10);
    let (wishes, _) = track.wishes(log.now);
    assert_eq!(wishes[0].what, What::Update { ts: "9.0".into(), hash: None });
}

#[test]
fn a_root_that_was_deleted_comes_anew_and_an_ask_does_not() {
    let mut log = Log::new();
    log.runs().asks("q");
    let mut told = Told::new(&log);
    told.tick(&log);
    told.news();
    log.wait(20).answers("q");
    log.read_by(&mut told.track);
    told.track.outcome("ask:q", Outcome::Gone, log.now);
    told.track.outcome(ROOT, Outcome::Gone, log.now);
    told.tick(&log);
    assert_eq!(told.news(), "post root");
    assert_eq!(told.track.thread.thread, told.track.thread.root);
}

#[test]
fn a_thread_that_moves_says_so_and_begins_again_over_there() {
    let mut log = Log::new();
    log.runs().asks("q");
    let mut told = Told::new(&log);
    log.read_by(&mut told.track);
    told.track.outcome(
        ROOT,
        Outcome::Moved { channel: "D1".into(), code: "is_archived".into(), open: Vec::new() },
        log.now,
    );
    told.tick(&log);
    assert_eq!(told.news(), "post root, post moved:C1, post ask:q");
    assert_eq!(told.track.thread.channel, "D1");
}

#[test]
fn a_settled_session_is_forgotten_when_all_is_told() {
    let mut log = Log::new();
    log.runs().finishes();
    let mut told = Told::new(&log);
    told.tick(&log);
    assert!(!told.track.over());
    let cursor = told.track.worth_keeping(log.now).unwrap();
    assert_eq!(cursor, log.session.head);
    told.track.kept(cursor, log.now);
    assert!(told.track.over());
    log.must(Input::FollowUp { by: ana(), text: "one more".into() });
    log.read_by(&mut told.track);
    assert!(!told.track.over());
}

#[test]
fn what_is_open_is_asked_again_where_a_thread_moves_to() {
    let mut log = Log::new();
    log.runs().asks("q");
    let mut told = Told::new(&log);
    told.tick(&log);
    told.news();
    let open = log.session.open_asks().cloned().collect();
    let moved = Outcome::Moved { channel: "D1".into(), code: "not_in_channel".into(), open };
    told.track.outcome(ROOT, moved, log.now);
    told.tick(&log);
    assert_eq!(told.news(), "post root, post moved:C1, post ask:q");
}
