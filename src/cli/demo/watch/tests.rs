//! Laws of the count: what is lost or doubled is counted, what only has not come yet is not.

use serde_json::json;

use super::*;

fn series() -> Markers {
    Markers { count: 4, every_ms: 0, prefix: "marker".to_owned() }
}

fn event(seq: u64, text: &str) -> EventView {
    let event = json!({
        "seq": seq, "at": "2026-01-01T00:00:00Z", "attempt": 1, "kind": "agent.message", "text": text,
        "body": { "kind": "agent.message", "text": text },
    });
    serde_json::from_value(event).unwrap()
}

/// What is lost after these events of one session.
fn lost(events: &[(u64, u64)]) -> u64 {
    let seen = Seen::default();
    let id: SessionId = "dt-1".parse().unwrap();
    for (seq, number) in events {
        seen.take(id, &event(*seq, &series().text(*number)));
    }
    assert_eq!(seen.sessions(), 1);
    seen.lost_in_all(&[series()])
}

#[test]
fn a_whole_stream_and_one_that_is_not_over_have_lost_nothing() {
    assert_eq!(lost(&[(1, 1), (2, 2), (3, 3), (4, 4)]), 0);
    assert_eq!(lost(&[(1, 1), (2, 2)]), 0);
}

#[test]
fn gaps_and_repeats_in_the_ids_are_counted() {
    assert_eq!(lost(&[(1, 1), (4, 2)]), 2);
    assert_eq!(lost(&[(1, 1), (1, 2)]), 1);
}

#[test]
fn markers_that_were_skipped_or_came_twice_are_counted() {
    assert_eq!(lost(&[(1, 1), (2, 3)]), 1);
    assert_eq!(lost(&[(1, 1), (2, 1), (3, 2)]), 1);
}

#[test]
fn each_session_counts_for_itself() {
    let seen = Seen::default();
    for id in ["dt-1", "dt-2"] {
        seen.take(id.parse().unwrap(), &event(1, &series().text(1)));
    }
    assert_eq!((seen.lost_in_all(&[series()]), seen.sessions()), (0, 2));
}
