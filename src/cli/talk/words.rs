//! The words for what a session is doing, the same in every verb.
//!
//! Must not know columns or colours beyond the ink of a status.

use super::paint::{Ink, Look, clean, lasting};
use crate::domain::report::{Evidence, Phase};
use crate::domain::session::{Hold, Status, WaitingOn};
use crate::wire::view::SessionView;

pub(super) fn ink(status: Status) -> Ink {
    match status {
        Status::Queued | Status::Provisioning => Ink::Cyan,
        Status::Running => Ink::Blue,
        Status::Paused => Ink::Yellow,
        Status::Done => Ink::Green,
        Status::Failed => Ink::Red,
        Status::Cancelled => Ink::Dim,
    }
}

pub(super) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Brief => "brief",
        Phase::Plan => "plan",
        Phase::Execute => "execute",
        Phase::Validate => "validate",
        Phase::Publish => "publish",
        Phase::Review => "review",
    }
}

/// What a session waits for or is busy with, in a few words.
pub(super) fn doing(view: &SessionView, look: &Look) -> String {
    if !view.asks.is_empty() {
        return "needs an answer".to_owned();
    }
    match (&view.waiting_on, view.status) {
        (Some(WaitingOn::User), _) if view.holds.contains(&Hold::Person) => "held by a person".to_owned(),
        (Some(WaitingOn::User), _) if view.holds.contains(&Hold::Budget) => "has spent its budget".to_owned(),
        (Some(WaitingOn::User), _) => "needs you".to_owned(),
        (Some(WaitingOn::Slot), _) => {
            view.position.map_or("waits for a slot".to_owned(), |n| format!("{n}. in line"))
        }
        (Some(WaitingOn::Node), _) => "gets its node".to_owned(),
        (Some(WaitingOn::Quota { until }), _) => format!("quota opens in {}", look.span(*until)),
        (Some(WaitingOn::Retry { until }), _) => format!("tries again in {}", look.span(*until)),
        (None, Status::Running) => phase(view.phase).to_owned(),
        (None, Status::Done) => {
            view.pull_request.as_ref().map(|p| format!("#{}", p.number)).unwrap_or_default()
        }
        (None, _) => String::new(),
    }
}

/// `person:local/ana` and `local/ana` are `ana` to people.
pub(super) fn person(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// A check as mark, command and what it showed.
pub(super) fn check(evidence: &Evidence, look: &Look) -> String {
    let (mark, ink) = if evidence.passed() { ("✓", Ink::Green) } else { ("✗", Ink::Red) };
    let mut facts = vec![lasting(evidence.duration_ms)];
    match evidence.exit_code {
        Some(0) => {}
        Some(code) => facts.insert(0, format!("exit {code}")),
        None if evidence.timed_out => facts.insert(0, "timed out".to_owned()),
        None => facts.insert(0, "killed".to_owned()),
    }
    if let Some(n) = evidence.tests {
        facts.push(format!("{n} tests"));
    }
    format!(
        "{} {}  {}",
        look.paint(ink, mark),
        clean(&evidence.command),
        look.paint(Ink::Dim, &facts.join(", "))
    )
}
