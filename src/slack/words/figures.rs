//! Moments, spans, money and counts as people read them.
//!
//! Must not know what they are of.

use crate::domain::Time;

/// A moment in the reader's own time zone and language.
pub fn when(at: Time) -> String {
    let fallback = at.format("%-d %b %Y, %H:%M UTC");
    format!("<!date^{}^{{date_short_pretty}} at {{time}}|{fallback}>", at.timestamp())
}

/// Millionths of a dollar.
pub fn money(micro_usd: u64) -> String {
    format!("${}.{:02}", micro_usd / 1_000_000, micro_usd % 1_000_000 / 10_000)
}

/// `840 ms`, `3.1 s`, `2 min 5 s`, `3 h 12 min`.
pub fn lasting(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 if ms % 60_000 < 1_000 => format!("{} min", ms / 60_000),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// From one moment to another, to the minute from an hour on.
pub fn between(from: Time, to: Time) -> String {
    let seconds = (to - from).num_seconds().max(0).unsigned_abs();
    if seconds < 60 { format!("{seconds} s") } else { lasting(seconds * 1_000) }
}

/// `1st`, `2nd`, `3rd`, `11th`, `21st`.
pub fn nth(n: usize) -> String {
    let ending = match (n % 100, n % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// The first characters of a commit or a tree.
pub fn short(sha: &str) -> String {
    sha.chars().take(8).collect()
}
