//! Stories: what people do in Slack and what they see of it, each in both modes with one snapshot for both.
//!
//! Must not know how deliveries reach the server; that is the town's.

/// Each story in both modes; the snapshot is the same.
macro_rules! in_both_modes {
    ($($story:ident)*) => {
        mod over_sockets {
            use super::super::Mode;
            $(#[tokio::test] async fn $story() { super::$story(Mode::Socket).await; })*
        }
        mod over_signed_http {
            use super::super::Mode;
            $(#[tokio::test] async fn $story() { super::$story(Mode::Http).await; })*
        }
    };
}

mod asks;
mod decisions;
mod doors;
mod hands;
mod main_job;
mod rough;

use super::town::Mode;

/// The session's last word is in its thread, and its message shows it.
fn summed_up(seen: &str) -> bool {
    seen.contains("is done*") && seen.contains("✅ *Done* ·")
}

/// Without the lines that count turns, attempts and money: how far the agent came is not the story's.
fn without_figures(seen: &str) -> String {
    let counts = |line: &&str| {
        let line = line.trim_start();
        !line.starts_with("for ‹") && !line.starts_with("Took ")
    };
    seen.lines().filter(counts).collect::<Vec<_>>().join("\n")
}
