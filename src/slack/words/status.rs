//! What a session is doing, why it waits, and where it works: the words of the root message.
//!
//! Nothing here moves by itself (no "12 minutes ago"): a root is written again only when something has changed.
//! Must not know blocks or buttons.

use super::figures::{money, nth, short, when};
use super::{People, counted, person, sentence};
use crate::domain::report::Phase;
use crate::domain::session::{Hold, Status, Verb, WaitingOn};
use crate::slack::escape;
use crate::wire::view::SessionView;

/// A sign, the word for it, and a sentence that says more, where there is more to say.
pub struct State {
    pub sign: &'static str,
    /// Plain words.
    pub word: String,
    pub more: String,
}

impl State {
    fn new(sign: &'static str, word: &str, more: impl Into<String>) -> Self {
        Self { sign, word: word.to_owned(), more: more.into() }
    }
}

pub fn state(v: &SessionView) -> State {
    match v.status {
        Status::Queued => queued(v),
        Status::Provisioning if is_stopping(v) => stopping(),
        Status::Provisioning => State::new("⚙️", "Preparing", "Its workspace is being set up."),
        Status::Running => running(v),
        Status::Paused => paused(v),
        Status::Done => State::new("✅", "Done", done(v)),
        Status::Failed => State::new("❌", "Failed", failure(v, 600)),
        Status::Cancelled => State::new("🚫", "Cancelled", kept(v)),
    }
}

/// The sign and the words for it in a list, where everybody's sessions stand: `⏳ Queued, 2nd in line`.
pub fn brief(v: &SessionView) -> String {
    let State { sign, word, .. } = state(v);
    let waits = matches!(v.status, Status::Running | Status::Paused) && !v.asks.is_empty() && !is_stopping(v);
    match (v.status, v.position) {
        (Status::Queued, Some(1)) => format!("{sign} {word}, next in line"),
        (Status::Queued, Some(n)) => format!("{sign} {word}, {} in line", nth(n)),
        _ if waits => format!("{sign} Waiting for an answer"),
        _ => format!("{sign} {word}"),
    }
}

fn queued(v: &SessionView) -> State {
    let again = if v.failure.is_some() { failure(v, 300) + " " } else { String::new() };
    let more = match (&v.waiting_on, v.position) {
        (Some(WaitingOn::Quota { until }), _) if v.failure.is_some() => {
            format!("{again}It is tried again {}.", when(*until))
        }
        (Some(WaitingOn::Quota { until }), _) => {
            format!("The model's limit is reached; it goes on {}.", when(*until))
        }
        (Some(WaitingOn::Retry { until }), _) => {
            format!("{again}Retry {} of {} starts {}.", v.retries, v.max_retries, when(*until))
        }
        (_, Some(1)) => format!("{again}Next in line; it starts when a slot is free."),
        (_, Some(n)) => format!("{again}{} in line; all slots are busy.", nth(n)),
        (_, None) => format!("{again}It waits for a free slot."),
    };
    State::new("⏳", "Queued", more)
}

fn running(v: &SessionView) -> State {
    if is_stopping(v) {
        return stopping();
    }
    if !v.asks.is_empty() {
        return waiting(v);
    }
    if let Some(WaitingOn::Retry { until }) = &v.waiting_on {
        let more = format!("The pull request could not be opened yet; it is tried again {}.", when(*until));
        return State::new("🟢", "Running", more);
    }
    let (sign, more) = match v.phase {
        Phase::Brief => ("🟢", "It reads the brief."),
        Phase::Plan => ("🟢", "It makes a plan."),
        Phase::Execute => ("🟢", "It works on the code."),
        Phase::Validate => ("🔁", "Its checks run."),
        Phase::Publish => ("🟢", "Its work is being published."),
        Phase::Review => ("🟢", "Its work is in review."),
    };
    State::new(sign, "Running", more)
}

fn paused(v: &SessionView) -> State {
    if v.holds.contains(&Hold::Budget) {
        let more = "It has used the time or the money it was granted. Resume grants the same again.";
        return State::new("⏸️", "Paused: budget spent", more);
    }
    if v.holds.contains(&Hold::Person) {
        let asks =
            if v.asks.is_empty() { String::new() } else { format!(" {} in the thread.", open(v.asks.len())) };
        return State::new(
            "⏸️",
            "Paused",
            format!("Its work is saved; Resume goes on where it stopped.{asks}"),
        );
    }
    if v.asks.is_empty() { State::new("⏸️", "Paused", "Its work is saved.") } else { waiting(v) }
}

fn waiting(v: &SessionView) -> State {
    State::new("🟡", "Waiting for you", format!("{} in the thread.", open(v.asks.len())))
}

fn open(asks: usize) -> String {
    if asks == 1 { "1 question is open".to_owned() } else { format!("{asks} questions are open") }
}

/// Told to stop, not stopped yet.
fn is_stopping(v: &SessionView) -> bool {
    v.holds.contains(&Hold::Person) || v.holds.contains(&Hold::Budget)
}

fn stopping() -> State {
    State::new("⏸️", "Pausing", "The agent ends its step and saves its work.")
}

fn done(v: &SessionView) -> String {
    let checks = match (v.evidence.len(), v.evidence.iter().filter(|e| e.passed()).count()) {
        (0, _) if super::ends::unchanged(v) => "nothing new to check".to_owned(),
        (0, _) => "no checks are configured".to_owned(),
        (all, passed) if all == passed => format!("{} passed", counted(all, "check")),
        (all, passed) => format!("{passed} of {} passed", counted(all, "check")),
    };
    match (&v.pull_request, &v.pushed_sha) {
        (Some(pull), _) => {
            let label = format!("pull request #{}", pull.number);
            format!("Ends in {}; {checks}.", escape::link(&pull.url, &label))
        }
        (None, Some(_)) => format!("Ends in the branch {}; {checks}.", branch(v)),
        (None, None) => "Nothing had to be changed.".to_owned(),
    }
}

/// The cause as a sentence.
pub fn failure(v: &SessionView, max: usize) -> String {
    let cause = v.failure.as_deref().unwrap_or("no cause was given");
    sentence(&escape::line(cause, max))
}

fn kept(v: &SessionView) -> String {
    match v.branch {
        Some(_) => format!("The branch {} is kept.", branch(v)),
        None => "Nothing was changed.".to_owned(),
    }
}

fn branch(v: &SessionView) -> String {
    escape::code(v.branch.as_deref().unwrap_or("?"), 120)
}

/// Where it works: `acme/api → branch, from main at a1b2c3d4`.
pub fn place(v: &SessionView) -> String {
    let to = v.branch.as_ref().map(|_| format!(" → {}", branch(v))).unwrap_or_default();
    let base = v.base.as_deref().map(|b| escape::code(b, 100));
    let sha = v.base_sha.as_deref().map(|s| escape::code(&short(s), 20));
    let from = match (base, sha) {
        (Some(base), Some(sha)) => format!(" · from {base} at {sha}"),
        (Some(base), None) => format!(" · from {base}"),
        (None, Some(sha)) => format!(" · from {sha}"),
        (None, None) => String::new(),
    };
    format!("{}{to}{from}", escape::line(&v.repo, 200))
}

/// Who, with what: `for @ana · claude with opus · on local · attempt 2 · 41 turns · $0.62`.
pub fn crew(v: &SessionView, people: People<'_>) -> String {
    let mut parts = vec![format!("for {}", person(people, &v.owner))];
    parts.push(agent(v));
    parts.push(format!("on {}", escape::line(&v.provider, 60)));
    if v.attempt.0 > 1 {
        parts.push(format!("attempt {}", v.attempt));
    }
    parts.extend(spent(v));
    parts.join(" · ")
}

/// `claude with opus`; a model that is called like its agent says nothing new.
fn agent(v: &SessionView) -> String {
    let agent = escape::line(&v.agent, 60);
    match v.model.as_deref() {
        Some(model) if model == v.agent => agent,
        Some(model) => format!("{agent} with {}", escape::line(model, 80)),
        None => format!("{agent} with its default model"),
    }
}

/// `41 turns`, `$0.62`; nothing before the first turn.
pub fn spent(v: &SessionView) -> Vec<String> {
    if v.usage.turns == 0 {
        return Vec::new();
    }
    vec![counted(usize::try_from(v.usage.turns).unwrap_or(usize::MAX), "turn"), money(v.usage.cost_micro_usd)]
}

pub const UNSANDBOXED: &str = "⚠️ Without a sandbox: the agent runs on DevTask's own machine with all rights of its user \
                               (`nodes.local.unsandboxed`).";

/// For notifications and screen readers: `dt-142 is running: Add a retry (acme/api)`.
pub fn spoken(v: &SessionView) -> String {
    let title = escape::line(&v.brief.title, 120);
    let repo = escape::line(&v.repo, 200);
    format!("{} {}: {title} ({repo}).", v.id, doing(v))
}

fn doing(v: &SessionView) -> &'static str {
    match v.status {
        Status::Queued => "is queued",
        Status::Provisioning | Status::Running if is_stopping(v) => "is pausing",
        Status::Provisioning => "is being prepared",
        Status::Running | Status::Paused if !v.asks.is_empty() => "is waiting for you",
        Status::Running => "is running",
        Status::Paused => "is paused",
        Status::Done => "is done",
        Status::Failed => "has failed",
        Status::Cancelled => "is cancelled",
    }
}

/// What stands on a button for this verb; plain text.
pub fn verb(which: Verb) -> &'static str {
    match which {
        Verb::Pause => "Pause",
        Verb::Resume => "Resume",
        Verb::Cancel => "Cancel",
        Verb::Rerun => "Rerun",
        Verb::Message => "Message",
        Verb::Answer => "Answer",
    }
}

/// What a screen reader says of a button; plain text.
pub fn aloud(which: Verb, v: &SessionView) -> String {
    format!("{} {}", verb(which), v.id)
}

pub const OPEN_PULL_REQUEST: &str = "Open pull request";

/// Asked before a cancel: title, text, yes, no; plain texts.
pub fn sure(v: &SessionView) -> [String; 4] {
    [
        format!("Cancel {}?", v.id),
        "The agent stops now. What it has pushed is kept; no pull request is opened.".to_owned(),
        "Cancel it".to_owned(),
        "Keep it".to_owned(),
    ]
}
