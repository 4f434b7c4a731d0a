//! The finale in each outcome, and the notes on the way.

use super::*;
use crate::domain::report::Usage;
use crate::domain::session::Hold;
use crate::slack::render::{Post, finale, moved, spent, unpublished};
use crate::slack::words::ends::Gone;

fn shown(name: &str, post: &Post) -> String {
    assert_eq!(limits::post(post), Vec::<String>::new(), "{name}");
    format!("== {name}\n{}\n\n", plain::post(post))
}

fn changed(mut v: SessionView, change: impl FnOnce(&mut SessionView)) -> SessionView {
    change(&mut v);
    v
}

#[test]
fn every_end_says_what_came_of_it_with_what_evidence_and_what_to_do_next() {
    let ends = [
        ("done", done()),
        (
            "done, a branch",
            changed(done(), |v| {
                (v.pull_request, v.repo) = (None, "/srv/code/api".to_owned());
            }),
        ),
        (
            "done, no checks, adopted",
            changed(done(), |v| {
                v.evidence.clear();
                v.checks_from = Some("none".to_owned());
                v.pull_request.as_mut().unwrap().adopted = true;
            }),
        ),
        (
            "done, nothing to do",
            changed(done(), |v| {
                (v.pull_request, v.pushed_sha, v.summary) = (None, None, None);
            }),
        ),
        (
            "failed, checks",
            changed(settled(Status::Failed), |v| {
                v.failure = Some("the checks failed 5 rounds in a row".to_owned());
                v.checks_from = Some("Cargo.toml".to_owned());
                v.evidence = vec![
                    check("cargo build", "build", Some(0), None),
                    check("cargo test", "test", Some(101), Some(41)),
                ];
                v.attempt.0 = 3;
            }),
        ),
        (
            "failed at once",
            changed(settled(Status::Failed), |v| {
                (v.failure, v.branch) = (Some("there is no repository acme/api".to_owned()), None);
                v.usage = Usage::default();
            }),
        ),
        ("cancelled", settled(Status::Cancelled)),
    ];
    let all: String = ends.iter().map(|(name, v)| shown(name, &finale(v, &people))).collect();
    insta::assert_snapshot!("finales", all);
}

#[test]
fn a_check_says_how_it_ended() {
    let mut killed = check("make e2e", "other", None, None);
    let words = crate::slack::words::ends::evidence;
    assert_eq!(words(&killed), "✗ failed · check `make e2e` · killed · 12.3 s");
    killed.timed_out = true;
    assert_eq!(words(&killed), "✗ failed · check `make e2e` · timed out · 12.3 s");
    let one = check("go test", "test", Some(0), Some(1));
    assert_eq!(words(&one), "✓ passed · test `go test` · exit 0 · 12.3 s · 1 test");
}

#[test]
fn what_a_failed_check_printed_last_is_shown_and_its_beginning_is_not() {
    let mut v = settled(Status::Failed);
    v.evidence = vec![check("cargo test", "test", Some(101), None)];
    v.evidence[0].tail = format!("the beginning\n{}\nthe end <!channel>\n", "noise\n".repeat(1_000));
    let shown = shown("tail", &finale(&v, &people));
    assert!(shown.contains("| the end <!channel>") && !shown.contains("the beginning"), "{shown}");
}

#[test]
fn notes_say_what_needs_a_person_and_offer_it() {
    let held = changed(session(), |v| {
        (v.status, v.holds) = (Status::Paused, vec![Hold::Budget]);
        v.verbs = vec![Verb::Pause, Verb::Resume, Verb::Cancel];
    });
    let cause = "the forge refused the token: 403 <https://evil.example|here>";
    let all = [
        shown("budget", &spent(&held, Some("it has cost $5.00"), &people)),
        shown("unpublished", &unpublished(&session(), cause, 3, noon(), &people)),
        shown("archived", &moved(&session(), "C024", Gone::Archived)),
        shown("no thread", &moved(&session(), "C024", Gone::Thread)),
        shown("closed", &moved(&session(), "C024", Gone::Closed)),
    ];
    insta::assert_snapshot!("notes", all.concat());
}
