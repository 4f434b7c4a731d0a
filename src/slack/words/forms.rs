//! Titles, labels, hints and complaints of the forms. Plain texts, but for the notes at a form's head.
//!
//! Must not know blocks or what is done with what is typed.

use super::counted;
use crate::domain::SessionId;
use crate::slack::escape;

pub const NEW: &str = "New session";
pub const START: &str = "Start";
pub const CLOSE: &str = "Close";
pub const SEND: &str = "Send";

pub const REPO: &str = "Repository";
pub const REPO_HINT: &str = "As owner/name. A channel can have its own: put repo:owner/name into its topic.";
pub const OTHER_REPO: &str = "Another repository";
pub const OTHER_REPO_HINT: &str = "As owner/name; it goes before what is chosen above. A channel can have its own: put repo:owner/name into its topic.";
pub const REPO_MENU: &str = "Choose a repository";
pub const REPO_EXAMPLE: &str = "acme/api";
pub const BASE: &str = "Base branch";
pub const BASE_HINT: &str = "Where the work starts from; empty for the repository's default branch.";
pub const GOAL: &str = "What should be done?";
pub const GOAL_HINT: &str =
    "At most 3,000 characters here. For more, put it into a file of the repository and name that file.";
pub const DONE_WHEN: &str = "How do we know it is done?";
pub const DONE_WHEN_HINT: &str = "One sentence a line; a reviewer ticks them off.";
pub const CHECKS: &str = "Checks";
pub const CHECKS_HINT: &str =
    "One command a line, such as cargo test. Empty for the repository's own checks, or detected ones.";
pub const PLAN: &str = "Before it changes anything";
pub const PLAN_FIRST: &str = "Show me the plan first";
pub const JUST_GO: &str = "Just go";

pub const OWN_WORDS: &str = "Or in words of your own";
pub const OWN_WORDS_HINT: &str = "What you write here counts instead of what is chosen above.";
pub const ANSWER: &str = "Your answer";
pub const CHANGES: &str = "What should be different?";
pub const CHANGES_HINT: &str = "The agent reads this, changes its plan and asks again.";
pub const DENY: &str = "Why not, and what instead?";
pub const DENY_HINT: &str = "The agent is refused this once and reads your words.";

/// At most 24 characters: `Answer dt-142`.
pub fn answer_title(session: SessionId) -> String {
    format!("Answer {session}")
}

/// Beside a question that has no answer yet.
pub const NEEDS_ANSWER: &str = "Choose an option or write an answer.";

/// On a button that opens the brief form: for a text without a repository, and else.
pub const CHOOSE_REPO: &str = "Choose a repository";
pub const OPEN: &str = "Open the form";

/// In place of the goal, where no field takes it.
pub fn kept_whole(typed: usize) -> String {
    format!("*What should be done?*\nYour text of {typed} characters goes along as it is.")
}

/// At the form's head: the text did not fit.
pub fn shortened(typed: usize) -> String {
    format!(
        "✂️ *Your text is shortened.* It has {typed} characters and a form of Slack's takes 3,000 a field. \
         Send it whole with `/devtask new` and the text behind it."
    )
}

/// At the form's head: it came back.
pub fn came_back(problems: usize) -> String {
    format!("⚠️ *Not started yet*: {} below. What you typed is kept.", counted(problems, "problem"))
}

/// Under a field.
pub fn problem(says: &str) -> String {
    format!("⚠️ {}", escape::line(says, 300))
}

/// Title of a form that only says something.
pub const SAYS: &str = "DevTask";

/// Above what was typed, so that it can be copied; plain text.
pub const YOUR_TEXT: &str = "What you typed";
