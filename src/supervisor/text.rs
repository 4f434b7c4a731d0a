//! Texts brought to size, what an agent writes may be megabytes and what a header carries may not, and errors as one line.
//!
//! Knows characters and reports' fields; must not know why a limit is what it is.

use std::error::Error;

use crate::domain::report::{Report, TurnOutcome};

/// Longest typed view of a record as JSON; a frame's header carries it and a few words more.
pub const MAX_META: usize = 512 * 1024;

/// `text` cut to at most `max` bytes, at a character's border, with a sign that it was.
pub fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max.saturating_sub(4));
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// The last `max` bytes of `bytes` as text.
pub fn tail(bytes: &[u8], max: usize) -> String {
    let from = bytes.len().saturating_sub(max);
    String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).trim().to_owned()
}

/// An error with its causes, once, for people.
pub fn chain(error: &dyn Error) -> String {
    let mut out = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        out.push_str(": ");
        out.push_str(&source.to_string());
        next = source.source();
    }
    out
}

/// A report whose JSON fits a header: its text is cut until it does. The raw line beside it keeps the whole.
pub fn fit(report: Report) -> Report {
    let size = |r: &Report| serde_json::to_vec(r).map_or(usize::MAX, |v| v.len());
    let mut report = report;
    let mut max = MAX_META / 2;
    while size(&report) > MAX_META {
        report = match report {
            Report::Message { text } => Report::Message { text: clip(&text, max) },
            Report::Note { text } => Report::Note { text: clip(&text, max) },
            Report::Tool { id, tool, summary } => {
                Report::Tool { id: clip(&id, max), tool: clip(&tool, max), summary: clip(&summary, max) }
            }
            Report::ToolResult { id, ok, excerpt } => {
                Report::ToolResult { id: clip(&id, max), ok, excerpt: clip(&excerpt, max) }
            }
            Report::TurnEnded { outcome: TurnOutcome::Completed { text }, usage } => {
                Report::TurnEnded { outcome: TurnOutcome::Completed { text: clip(&text, max) }, usage }
            }
            Report::TurnEnded { outcome: TurnOutcome::Failed { message, retry }, usage } => {
                let message = clip(&message, max);
                Report::TurnEnded { outcome: TurnOutcome::Failed { message, retry }, usage }
            }
            _ => return Report::Other { what: "a line whose view is too long".to_owned() },
        };
        max /= 2;
    }
    report
}
