//! The words of the verbs that talk with a server.
//!
//! Knows how they are spelt; must not know what they do.

use clap::{Args, ValueEnum};

use crate::domain::SessionId;

#[derive(Debug, Args)]
pub struct Create {
    /// What is to be done: a text, `-` for standard input, `@file` for a file
    #[arg(long, value_name = "TEXT")]
    pub brief: String,
    /// A folder, or `owner/name` on the forge
    #[arg(long, default_value = ".", value_name = "PATH|owner/name")]
    pub repo: String,
    /// The branch to start from; else the remote's default
    #[arg(long)]
    pub base: Option<String>,
    /// Who works on it, by the name in the server's configuration
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Where it runs: local, or another provider of the server
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// The agent's model, in its own words
    #[arg(long)]
    pub model: Option<String>,
    /// How hard the agent thinks, in its own words
    #[arg(long)]
    pub effort: Option<String>,
    /// Show a plan and have it approved before anything is changed
    #[arg(long)]
    pub plan: bool,
    /// A command that must pass; may be given several times
    #[arg(long = "check", value_name = "COMMAND")]
    pub checks: Vec<String>,
    /// Something a reviewer can tick off; may be given several times
    #[arg(long = "done-when", value_name = "SENTENCE")]
    pub done_when: Vec<String>,
    /// A word to find it by; may be given several times
    #[arg(long = "label", value_name = "LABEL")]
    pub labels: Vec<String>,
    /// Higher runs earlier among your own
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub priority: i8,
    /// A repeat under the same key makes no second session
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Wait as `devtask wait` does
    #[arg(long)]
    pub wait: bool,
}

#[derive(Debug, Args)]
pub struct List {
    /// queued, provisioning, running, paused, done, failed or cancelled
    #[arg(long, value_parser = status)]
    pub status: Option<crate::domain::session::Status>,
    /// Only sessions of this person
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// Only sessions with this label
    #[arg(long)]
    pub label: Option<String>,
    /// At most so many, 1 to 200
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
    /// Go on where the last page ended
    #[arg(long)]
    pub cursor: Option<String>,
    /// List open asks instead
    #[arg(long, conflicts_with_all = ["status", "owner", "label", "cursor"])]
    pub asks: bool,
}

fn status(text: &str) -> Result<crate::domain::session::Status, String> {
    use crate::domain::session::Status;
    let names = Status::ALL.map(Status::name).join(", ");
    Status::ALL.into_iter().find(|s| s.name() == text).ok_or(format!("one of {names}"))
}

#[derive(Debug, Args)]
pub struct Link {
    /// Use the token in this file on the server's machine instead; it is read there whenever it is needed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["show", "remove"])]
    pub token_file: Option<std::path::PathBuf>,
    /// Only say how it stands
    #[arg(long, conflicts_with = "remove")]
    pub show: bool,
    /// Forget your account and its token
    #[arg(long)]
    pub remove: bool,
}

#[derive(Debug, Args)]
pub struct Logs {
    /// `142` or `dt-142`
    pub session: SessionId,
    /// Go on until the session is settled
    #[arg(short, long)]
    pub follow: bool,
    /// Only events with a higher number
    #[arg(long, default_value_t = 0, value_name = "SEQ")]
    pub after: u64,
    /// Also what only machines care about
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct Answer {
    /// A session, or an ask's handle; may be left out where only one ask is open
    #[arg(value_name = "SESSION|HANDLE")]
    pub target: Option<String>,
    /// The number of an option, one for each question; `1,3` where several may be chosen
    #[arg(long = "option", value_name = "N", conflicts_with_all = ["texts", "decide"])]
    pub options: Vec<String>,
    /// An answer in words, one for each question
    #[arg(long = "text", value_name = "TEXT", conflicts_with = "decide")]
    pub texts: Vec<String>,
    /// Let the agent choose, or allow or deny what it wants
    #[arg(long, value_name = "WHO")]
    pub decide: Option<Decide>,
    /// Words for the agent beside a decision
    #[arg(long, requires = "decide")]
    pub message: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Decide {
    /// The agent chooses and notes what it chose
    Agent,
    Allow,
    Deny,
}

#[derive(Debug, Args)]
pub struct Message {
    /// `142` or `dt-142`
    pub session: SessionId,
    /// The words; `-` for standard input, `@file` for a file
    pub text: String,
    /// End the agent's turn instead of waiting for its end
    #[arg(long)]
    pub interrupt: bool,
}

#[derive(Debug, Args)]
pub struct Act {
    /// `142` or `dt-142`
    pub session: SessionId,
    /// Why, for others to read
    #[arg(long)]
    pub reason: Option<String>,
}

#[derive(Debug, Args)]
pub struct Wait {
    /// `142` or `dt-142`
    pub session: SessionId,
    /// Give up after this long: `90`, `90s`, `30m`, `2h`
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub timeout: Option<std::time::Duration>,
}

/// `90`, `90s`, `30m`, `2h`.
pub fn span(text: &str) -> Result<std::time::Duration, String> {
    let (digits, unit) = match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        Some((at, _)) => text.split_at(at),
        None => (text, "s"),
    };
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err("a time is written like 90, 90s, 30m or 2h".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "a time starts with a number".to_owned())?;
    number.checked_mul(factor).map(std::time::Duration::from_secs).ok_or("too long".to_owned())
}
