//! The words of a pull request: its title and its body.
//!
//! Made from the session's row alone, so that the same session always says the same; must not know the forge.
//! What the agent or a check printed is foreign text: it cannot break out of its table cell or mention anybody.

use std::fmt::Write as _;

use crate::domain::brief::one_line;
use crate::domain::report::{CheckKind, Evidence};
use crate::domain::session::Session;

const MAX_TITLE: usize = 100;
const MAX_SUMMARY_CHARS: usize = 8_000;

pub(super) fn title(session: &Session) -> String {
    one_line(&session.new.brief.title, MAX_TITLE)
}

/// Summary, how we know it is done, evidence, where it comes from.
pub(super) fn body(session: &Session) -> String {
    let mut out = String::new();
    let summary = session.summary.as_deref().unwrap_or_default().trim();
    let text = if summary.is_empty() { session.new.brief.goal.trim() } else { summary };
    out.push_str(&calm(&cut(text, MAX_SUMMARY_CHARS)));
    out.push_str("\n\n");
    done_when(session, &mut out);
    evidence(session, &mut out);
    footer(session, &mut out);
    out
}

fn done_when(session: &Session, out: &mut String) {
    let goals = &session.new.brief.done_when;
    if goals.is_empty() {
        return;
    }
    out.push_str("### Done when\n\n");
    for goal in goals {
        let _ = writeln!(out, "- [ ] {}", calm(&one_line(goal, 300)));
    }
    out.push('\n');
}

fn evidence(session: &Session, out: &mut String) {
    out.push_str("### Checks\n\n");
    if session.evidence.is_empty() {
        out.push_str("No checks are configured for this repository, so none ran.\n\n");
        return;
    }
    out.push_str("| check | result | tests | time |\n|---|---|---|---|\n");
    for e in &session.evidence {
        let tests = e.tests.map_or_else(|| "–".to_owned(), |n| n.to_string());
        let _ = writeln!(
            out,
            "| {} | {} | {tests} | {} |",
            cell(&e.command, e.kind),
            result(e),
            duration(e.duration_ms)
        );
    }
    let tree = session.evidence.first().map(|e| e.tree.chars().take(12).collect::<String>());
    if let Some(tree) = tree.filter(|t| !t.is_empty()) {
        let _ = write!(out, "\nRun on tree `{}`.\n\n", code(&tree));
    } else {
        out.push('\n');
    }
}

fn cell(command: &str, kind: CheckKind) -> String {
    let kind = match kind {
        CheckKind::Build => "build",
        CheckKind::Test => "test",
        CheckKind::Lint => "lint",
        CheckKind::Format => "format",
        CheckKind::Other => "check",
    };
    format!("{kind} `{}`", code(&one_line(command, 80)))
}

fn result(e: &Evidence) -> String {
    match (e.passed(), e.timed_out, e.exit_code) {
        (true, ..) => "passed".to_owned(),
        (false, true, _) => "timed out".to_owned(),
        (false, false, Some(code)) => format!("failed ({code})"),
        (false, false, None) => "killed".to_owned(),
    }
}

fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

fn footer(session: &Session, out: &mut String) {
    let _ = write!(out, "---\n{} for {}", session.id(), calm(session.new.asked_by()));
    let base = session.base.as_deref().unwrap_or_default();
    let sha: String = session.base_sha.as_deref().unwrap_or_default().chars().take(12).collect();
    if !sha.is_empty() {
        let _ = write!(out, ", from `{}` at `{}`", code(base), code(&sha));
    }
    out.push_str(", by DevTask.\n");
}

/// Inside backticks in a table: no backtick, no bar, no line end.
fn code(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '`').map(|c| if c == '|' { '¦' } else { c }).collect()
}

/// Foreign text mentions nobody and hides nothing: `@` and `#` lose their power, comments show.
fn calm(text: &str) -> String {
    text.replace("<!--", "&lt;!--").replace('@', "@\u{200b}").replace('#', "#\u{200b}")
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(max).collect();
    cut.push_str(" …");
    cut
}
