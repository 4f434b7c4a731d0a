//! How a turn ended and what it cost.
//!
//! Knows `is_error`, `terminal_reason`, `deferred_tool_use`, `api_error_status` and exit codes; never reads `subtype`,
//! which says `success` of failures. Must not know what is done about an outcome.

use super::policy::cut;
use super::views;
use crate::agent::Remedy;
use crate::domain::report::{Retry, TurnOutcome, Usage};
use crate::domain::{AskId, Time};

/// Characters of a failure's message.
const MAX_MESSAGE: usize = 2_000;

/// `quota`: when the account's limit, if it was refused by one, is over.
pub(super) fn outcome(result: &views::Outcome, quota: Option<Time>) -> TurnOutcome {
    if !result.is_error {
        return match &result.deferred_tool_use {
            Some(call) => TurnOutcome::Deferred { ask: AskId(call.id.clone()) },
            None => TurnOutcome::Completed { text: cut(&result.result, super::MAX_TEXT) },
        };
    }
    let message = message(result);
    let retry = match (result.terminal_reason.as_str(), result.api_error_status) {
        ("aborted_tools" | "aborted_streaming", _) => return TurnOutcome::Interrupted,
        ("prompt_too_long" | "max_turns" | "budget_exhausted", _) => Retry::No,
        (_, Some(429)) => quota.map_or(Retry::Later, |until| Retry::Quota { until }),
        (_, Some(408 | 500..)) => Retry::Later,
        (_, Some(_)) => Retry::No,
        ("api_error", None) if needs_person(&message) => Retry::No,
        _ => Retry::Later,
    };
    TurnOutcome::Failed { message, retry }
}

fn message(result: &views::Outcome) -> String {
    let text = if result.result.trim().is_empty() { result.errors.join("\n") } else { result.result.clone() };
    let text = match (text.trim(), result.terminal_reason.as_str()) {
        ("", "") => "the agent's turn failed without a reason".to_owned(),
        ("", reason) => format!("the agent's turn failed: {reason}"),
        (text, _) => text.to_owned(),
    };
    cut(&text, MAX_MESSAGE)
}

/// Without a status: no connection (worth another try) or no way to log in (not).
fn needs_person(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["api key", "/login", "log in", "authenticat", "credit", "oauth"]
        .iter()
        .any(|sign| message.contains(sign))
}

/// The running totals after this result. A result that counts less than we know (a failed start is all zeros) is no
/// reason to forget.
pub(super) fn usage(result: &views::Outcome, before: Usage) -> Usage {
    let models = result.model_usage.values();
    let input = models.clone().map(|m| m.input.saturating_add(m.cache_read).saturating_add(m.cache_made));
    let output = models.map(|m| m.output);
    Usage {
        cost_micro_usd: micro(result.total_cost_usd).max(before.cost_micro_usd),
        input_tokens: input.fold(0, u64::saturating_add).max(before.input_tokens),
        output_tokens: output.fold(0, u64::saturating_add).max(before.output_tokens),
        turns: before.turns.saturating_add(result.num_turns),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped; NaN becomes 0")]
fn micro(usd: f64) -> u64 {
    (usd * 1e6).round().clamp(0.0, 1e15) as u64
}

/// Whether what the process said while it refused to start is mended by starting it otherwise.
pub(super) fn remedy(said: &str) -> Option<Remedy> {
    if said.contains("No conversation found") {
        Some(Remedy::StartAfresh)
    } else if said.contains("Session ID") && said.contains("is already in use") {
        Some(Remedy::Resume)
    } else {
        None
    }
}

/// A process that is gone without having ended its turn.
pub(super) fn exited(code: Option<i32>, stderr: &str) -> TurnOutcome {
    let said = tail(stderr);
    let how = match code {
        None => "the agent was killed".to_owned(),
        Some(137) => "the agent was killed (exit code 137), perhaps for its memory".to_owned(),
        Some(code @ 129..=159) => format!("the agent was ended by signal {}", code - 128),
        Some(0) => "the agent ended without finishing its turn".to_owned(),
        Some(code) => format!("the agent ended with exit code {code}"),
    };
    let message = if said.is_empty() { how } else { format!("{how}: {said}") };
    let retry = if code == Some(1) && refused_start(&said) { Retry::No } else { Retry::Later };
    TurnOutcome::Failed { message: cut(&message, MAX_MESSAGE), retry }
}

/// A process that is gone and never spoke as an agent does: `text` is what it said last.
pub(super) fn babbled(code: Option<i32>, stderr: &str, text: &str) -> TurnOutcome {
    match exited(code, stderr) {
        TurnOutcome::Failed { message, retry } => {
            let message = format!("{message}; what it printed is not an agent's protocol ({text})");
            TurnOutcome::Failed { message, retry: if code == Some(0) { Retry::No } else { retry } }
        }
        other => other,
    }
}

fn refused_start(said: &str) -> bool {
    let signs = [
        "unknown option",
        "error: option",
        "cannot be used with root/sudo",
        "--resume requires a valid session",
        "Error parsing streaming input",
        "Invalid API key",
    ];
    signs.iter().any(|sign| said.contains(sign))
}

/// The last lines that say something.
fn tail(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(3)..).unwrap_or_default();
    last.join(" · ")
}
