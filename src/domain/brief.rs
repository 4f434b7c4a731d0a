//! The brief: what a person wants done and how everybody will know that it is.
//!
//! Knows the brief's shape and when it can be accepted; must not know who wrote it or where it runs.

use serde::{Deserialize, Serialize};

use super::argv::{self, BadWords};

/// Longest brief we accept, in characters over all its parts: what fits an agent's first message with room.
pub const MAX_CHARS: usize = 50_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Brief {
    /// One line, ≤ 80 characters; the first line of the goal where nobody wrote one.
    #[serde(default)]
    pub title: String,
    pub goal: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub context: String,
    /// Sentences a reviewer can tick off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done_when: Vec<String>,
    /// Check commands of this session alone; empty = the repository's own, or detected ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
}

/// Why a brief is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum BadBrief {
    #[error("the brief is empty; say what should be different when the session is done")]
    Empty,
    #[error(
        "the brief has {chars} characters and {MAX_CHARS} is the limit; put the rest into a file of the repository and name it"
    )]
    TooLong { chars: usize },
    #[error("a check command spans several lines or is empty; give one command a line")]
    BadCheck,
    /// Said here and not by the node, where it would cost an agent's whole turn first.
    #[error("a check of the brief cannot be run: {0}")]
    NoCommand(BadWords),
}

impl Brief {
    /// A brief from free text: the first line becomes the title.
    pub fn from_text(text: &str) -> Self {
        Self { goal: text.trim().to_owned(), ..Self::default() }
    }

    /// Trims, fills the title in, and refuses what nobody could work on.
    pub fn accept(mut self) -> Result<Self, BadBrief> {
        self.goal = self.goal.trim().to_owned();
        if is_blank(&self.goal) {
            self.goal = self.title.trim().to_owned();
        }
        if is_blank(&self.goal) {
            return Err(BadBrief::Empty);
        }
        let chars = self.chars();
        if chars > MAX_CHARS {
            return Err(BadBrief::TooLong { chars });
        }
        if self.checks.iter().any(|c| c.trim().is_empty() || c.contains(['\n', '\r', '\0'])) {
            return Err(BadBrief::BadCheck);
        }
        if let Some(bad) = self.checks.iter().find_map(|c| argv::split(c).err()) {
            return Err(BadBrief::NoCommand(bad));
        }
        let title = if is_blank(&self.title) { &self.goal } else { &self.title };
        self.title = one_line(title, 80);
        Ok(self)
    }

    fn chars(&self) -> usize {
        let lists = self.done_when.iter().chain(&self.checks);
        let texts = [&self.title, &self.goal, &self.context].into_iter().chain(lists);
        texts.map(|t| t.chars().count()).sum()
    }
}

/// Whether nobody sees anything of it: white space, control characters, and what has no width.
///
/// ```
/// use devtask::domain::brief::is_blank;
/// assert!(is_blank(" \n\u{200b}\u{feff}\u{7}") && is_blank(""));
/// assert!(!is_blank(" ."));
/// ```
pub fn is_blank(text: &str) -> bool {
    let unseen = |c: char| {
        let wide = !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        c.is_whitespace() || c.is_control() || !wide
    };
    text.chars().all(unseen)
}

/// The first line of `text`, cut to `max` characters with an ellipsis.
pub fn one_line(text: &str, max: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim();
    if line.chars().count() <= max {
        return line.to_owned();
    }
    let mut cut: String = line.chars().take(max.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Longest part of a branch name that is made of a text.
const MAX_SLUG: usize = 40;

/// `text` as a part of a branch name: lower-case words joined by `-`, as many as fit 40 characters, never empty.
///
/// ```
/// use devtask::domain::brief::slug;
/// assert_eq!(slug("Teach the parser about nested comments"), "teach-the-parser-about-nested-comments");
/// assert_eq!(slug("Teach the parser: 'nested' comments, twice"), "teach-the-parser-nested-comments-twice");
/// assert_eq!(slug("Teach the parser about deeply nested comments"), "teach-the-parser-about-deeply-nested");
/// assert_eq!(slug(&"x".repeat(50)), "x".repeat(40));
/// assert_eq!(slug("…"), "task");
/// ```
pub fn slug(text: &str) -> String {
    let mut out = String::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if out.is_empty() {
            out.extend(word.chars().take(MAX_SLUG));
        } else if out.len() + 1 + word.len() <= MAX_SLUG {
            out.push('-');
            out.push_str(word);
        } else {
            break;
        }
    }
    if out.is_empty() { "task".to_owned() } else { out.to_ascii_lowercase() }
}
