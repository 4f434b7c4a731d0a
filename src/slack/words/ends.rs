//! How a session ended: outcome, evidence, what it took, what can be done next; and failures on the way that need a
//! person.
//!
//! Must not know blocks or buttons.

use super::figures::{between, lasting, money, short, when};
use super::status::spent;
use super::{People, counted, person, sentence};
use crate::domain::report::{CheckKind, Evidence};
use crate::domain::session::Status;
use crate::slack::escape;
use crate::wire::view::SessionView;

/// The first line; it mentions the owner, once.
pub fn outcome(v: &SessionView, people: People<'_>) -> String {
    let who = person(people, &v.owner);
    let (id, title) = (v.id, escape::line(&v.brief.title, 160));
    let end = match v.status {
        Status::Done => "✅ {who}, *{id} is done*",
        Status::Failed => "❌ {who}, *{id} has failed*",
        Status::Cancelled => "🚫 {who}, *{id} is cancelled*",
        _ => "{who}, *{id} goes on*",
    };
    format!("{}: {title}", end.replace("{who}", &who).replace("{id}", &id.to_string()))
}

/// For notifications and screen readers.
pub fn spoken(v: &SessionView) -> String {
    let id = v.id;
    match (v.status, &v.pull_request) {
        (Status::Done, Some(pull)) => {
            format!("{id} is done: pull request #{}, {}.", pull.number, checks(v))
        }
        (Status::Done, None) if v.pushed_sha.is_some() => format!("{id} is done: a branch, {}.", checks(v)),
        (Status::Done, None) => format!("{id} is done: nothing had to be changed."),
        (Status::Failed, _) => format!("{id} has failed: {}", super::status::failure(v, 400)),
        (Status::Cancelled, _) => format!("{id} is cancelled: {}.", escape::line(&v.brief.title, 120)),
        _ => super::status::spoken(v),
    }
}

/// `3 checks passed`, `1 of 3 checks failed`, `no checks configured`.
pub fn checks(v: &SessionView) -> String {
    let failed = v.evidence.iter().filter(|e| !e.passed()).count();
    match (v.evidence.len(), failed) {
        (0, _) if unchanged(v) => "nothing new to check".to_owned(),
        (0, _) => "no checks configured".to_owned(),
        (all, 0) => format!("{} passed", counted(all, "check")),
        (all, failed) => format!("{failed} of {} failed", counted(all, "check")),
    }
}

/// No check ran, because there was nothing to run them on: not because there are none.
pub fn unchanged(v: &SessionView) -> bool {
    v.evidence.is_empty()
        && (v.pushed_sha.is_none() || v.checks_from.as_deref().is_some_and(|f| f != NO_CHECKS))
}

/// What stands for the checks' origin where there are none.
const NO_CHECKS: &str = "none";

/// What came of it: the pull request, the branch, or the cause.
pub fn result(v: &SessionView, people: People<'_>) -> String {
    match v.status {
        Status::Failed => format!("*Cause*: {}{}", super::status::failure(v, 1_200), kept(v)),
        Status::Cancelled => format!("{}{}", cancelled(v, people), kept(v)).trim_start().to_owned(),
        _ => done(v),
    }
}

fn done(v: &SessionView) -> String {
    let repo = escape::line(&v.repo, 200);
    match (&v.pull_request, &v.branch, &v.pushed_sha) {
        (Some(pull), ..) => {
            let label = format!("#{}", pull.number);
            let found = if pull.adopted { " (it was there and is linked)" } else { "" };
            format!("*Pull request* {} in {repo}{found}", escape::link(&pull.url, &label))
        }
        (None, Some(branch), Some(sha)) => {
            let (branch, sha) = (escape::code(branch, 120), escape::code(&short(sha), 20));
            format!("*Branch* {branch} at {sha} in {repo}; there is no forge to open a pull request on")
        }
        _ => "Nothing had to be changed, so there is no pull request.".to_owned(),
    }
}

/// `Cancelled by @cy.`
fn cancelled(v: &SessionView, people: People<'_>) -> String {
    match v.cancelled_by.as_deref() {
        None => String::new(),
        Some(by) if by.starts_with("person:") => format!("Cancelled by {}.", person(people, by)),
        Some(_) => "Nobody came back to it in time, so DevTask cancelled it.".to_owned(),
    }
}

fn kept(v: &SessionView) -> String {
    match (&v.branch, &v.pull_request) {
        (_, Some(pull)) => {
            let label = format!("pull request #{}", pull.number);
            format!(" Its {} stays as it is.", escape::link(&pull.url, &label))
        }
        (Some(branch), None) => format!(" The branch {} is kept.", escape::code(branch, 120)),
        (None, None) => " Nothing was changed.".to_owned(),
    }
}

/// Heading of the evidence.
pub fn checks_from(v: &SessionView) -> String {
    let from =
        v.checks_from.as_deref().map(|f| format!(" from {}", escape::line(f, 100))).unwrap_or_default();
    if unchanged(v) {
        "*Checks*: nothing was changed, so none ran.".to_owned()
    } else if v.evidence.is_empty() {
        "*Checks*: none are configured for this repository, so none ran.".to_owned()
    } else {
        format!("*Checks*{from}: {}", checks(v))
    }
}

/// `✓ passed · test `cargo test` · exit 0 · 12.3 s · 41 tests`
pub fn evidence(e: &Evidence) -> String {
    let mut parts = Vec::new();
    parts.push(if e.passed() { "✓ passed".to_owned() } else { "✗ failed".to_owned() });
    parts.push(format!("{} {}", kind(e.kind), escape::code(&e.command, 160)));
    parts.push(match e.exit_code {
        Some(code) => format!("exit {code}"),
        None if e.timed_out => "timed out".to_owned(),
        None => "killed".to_owned(),
    });
    parts.push(lasting(e.duration_ms));
    if let Some(tests) = e.tests {
        parts.push(counted(usize::try_from(tests).unwrap_or(usize::MAX), "test"));
    }
    parts.join(" · ")
}

fn kind(kind: CheckKind) -> &'static str {
    match kind {
        CheckKind::Build => "build",
        CheckKind::Test => "test",
        CheckKind::Lint => "lint",
        CheckKind::Format => "format",
        CheckKind::Other => "check",
    }
}

/// The trees the evidence is about, and who says so.
pub fn trees(v: &SessionView) -> Option<String> {
    let mut trees: Vec<String> =
        v.evidence.iter().map(|e| short(&e.tree)).filter(|t| !t.is_empty()).collect();
    trees.dedup();
    trees.truncate(4);
    let trees: Vec<String> = trees.iter().map(|t| escape::code(t, 20)).collect();
    let what = if trees.len() == 1 { "tree" } else { "trees" };
    (!trees.is_empty()).then(|| format!("Run by DevTask, not by the agent, on {what} {}", trees.join(", ")))
}

/// Above what a failed check printed. `more`: that is not all that is known of it.
pub fn printed(v: &SessionView, e: &Evidence, more: bool) -> String {
    let more = if more {
        format!(" (`devtask show {} --json` has more of it)", v.id.number())
    } else {
        String::new()
    };
    format!("What {} printed last{more}:", escape::code(&e.command, 160))
}

pub fn more_checks(n: usize) -> String {
    format!("and {}", counted(n, "more check"))
}

/// `Took 23 min 10 s, 41 turns, $0.62.`
pub fn took(v: &SessionView) -> String {
    let mut parts = vec![between(v.created_at, v.settled_at.unwrap_or(v.updated_at))];
    parts.extend(spent(v));
    if v.attempt.0 > 1 {
        parts.push(counted(usize::try_from(v.attempt.0).unwrap_or(usize::MAX), "attempt"));
    }
    format!("Took {}", parts.join(" · "))
}

/// What can be done next.
pub fn next(v: &SessionView) -> &'static str {
    match v.status {
        Status::Done => "Not quite it? Reply here and the agent goes on, on the same branch.",
        Status::Failed => "Reply here with what to do differently, or press Rerun to try the same again.",
        Status::Cancelled => "Press Rerun to run it after all.",
        _ => "Reply here and the agent reads it when its turn ends.",
    }
}

/// It has used up what it was granted.
pub fn budget(v: &SessionView, reason: Option<&str>, people: People<'_>) -> String {
    let who = person(people, &v.owner);
    let why = reason.map(|r| format!(" ({})", escape::line(r, 200))).unwrap_or_default();
    format!(
        "⏸️ {who}, *{} has spent what it was granted*{why} and waits; so far {}. Its work is saved. \
         Resume grants the same again, Cancel ends it and keeps the branch.",
        v.id,
        money(v.usage.cost_micro_usd)
    )
}

pub fn budget_spoken(v: &SessionView) -> String {
    format!("{} has spent its budget and waits: {}.", v.id, escape::line(&v.brief.title, 120))
}

/// The pull request could not be opened, again and again.
pub fn unpublished(
    v: &SessionView,
    cause: &str,
    tries: u32,
    again: crate::domain::Time,
    people: People<'_>,
) -> String {
    let who = person(people, &v.owner);
    format!(
        "⚠️ {who}, *the pull request of {} could not be opened* in {tries} tries: {}\nThe branch {} is safe. \
         It is tried again {}; Cancel stops that.",
        v.id,
        escape::line(cause, 600),
        escape::code(v.branch.as_deref().unwrap_or("?"), 120),
        when(again)
    )
}

/// Its node's provider in its own words.
pub fn noticed(v: &SessionView, notice: &str) -> String {
    format!("ℹ️ About its node ({}): {}", escape::line(&v.provider, 60), sentence(&escape::line(notice, 600)))
}

pub fn noticed_spoken(v: &SessionView, notice: &str) -> String {
    format!("{}: {}", v.id, sentence(&escape::line(notice, 300)))
}

pub fn unpublished_spoken(v: &SessionView, cause: &str) -> String {
    format!("{} could not open its pull request: {}", v.id, escape::line(cause, 300))
}

/// It is told to its owner in person from here on, and why not there any more.
pub fn moved(v: &SessionView, channel: &str, why: Gone) -> String {
    let (id, channel) = (v.id, super::troubles::channel(channel));
    match why {
        Gone::Archived => format!("{id} goes on here: {channel} is archived, and nobody can write there."),
        Gone::Thread => format!("{id} goes on here: the thread in {channel} where it was asked for is gone."),
        Gone::Closed => format!(
            "{id} goes on here, for I may not write in {channel}. To have the next one there, invite me there with \
             `/invite @DevTask`."
        ),
    }
}

/// Why a channel has no place for a session any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    Archived,
    /// The message its thread hung under.
    Thread,
    /// We are not in it, or may not write.
    Closed,
}

/// Under a summary that had to be cut.
pub fn cut(v: &SessionView) -> String {
    format!("The summary goes on; `devtask show {}` in a terminal has all of it.", v.id.number())
}
