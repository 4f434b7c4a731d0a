//! One golden row per event kind, kept for ever: a database written years ago must still be read.

use crate::domain::event::{Body, Stream};

const ROWS: &str = include_str!("golden.ndjson");

#[test]
fn every_row_that_was_ever_written_is_still_read_and_written_back_the_same() {
    for row in ROWS.lines().filter(|l| !l.is_empty()) {
        let body: Body = serde_json::from_str(row).unwrap_or_else(|e| panic!("{e}: {row}"));
        let again: serde_json::Value = serde_json::to_value(&body).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(row).unwrap());
    }
}

#[test]
fn every_kind_has_a_row() {
    let source = concat!(include_str!("../../event.rs"), include_str!("../../report.rs"));
    let kinds =
        source.lines().filter_map(|l| l.trim().strip_prefix("#[serde(rename = \"")?.strip_suffix("\")]"));
    for kind in kinds {
        let tag = format!("\"kind\":\"{kind}\"");
        assert!(ROWS.contains(&tag), "golden.ndjson has no row of kind `{kind}`");
    }
}

#[test]
fn every_kind_belongs_to_a_stream() {
    let mut kinds: Vec<(&str, &str)> = ROWS
        .lines()
        .filter_map(|row| row.split_once("\"kind\":\"")?.1.split('"').next())
        .map(|kind| (Stream::of(kind).name(), kind))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let of = |stream| kinds.iter().filter(move |(s, _)| *s == stream).map(|(_, k)| *k).collect::<Vec<_>>();
    assert_eq!(of("message"), ["agent.message"]);
    assert_eq!(of("check"), ["check.ended", "check.plan", "check.started"]);
    assert_eq!(of("ask").len(), 7);
    let log = [
        "agent.other",
        "agent.retry",
        "agent.started",
        "agent.tool",
        "agent.tool_result",
        "agent.transcript",
        "checkpoint",
        "command.consumed",
        "command.issued",
        "node.changed",
        "note",
        "pushed",
        "workspace.ready",
    ];
    assert_eq!(of("log"), log, "everything else is a status");
}
