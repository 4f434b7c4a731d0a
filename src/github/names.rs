//! Which words may become part of a route, and how foreign text is shortened.
//!
//! octocrab pastes owner, name and branch into a path unescaped; so nothing that means something in a path may pass.

use super::{Act, GitHubError};

/// Longest piece of foreign text we repeat, in characters.
const SHORT: usize = 300;

pub(super) fn check(owner: &str, name: &str, act: &Act) -> Result<(), GitHubError> {
    // A repository may start with a dot (`.github`), but is never only dots.
    let name = name.strip_prefix('.').unwrap_or(name);
    check_word(owner, act)?;
    check_word(name, act)
}

/// One piece of a path: a login, a repository, a codespace, the number of an export.
pub(super) fn check_word(text: &str, act: &Act) -> Result<(), GitHubError> {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits = !text.is_empty() && text.len() <= 100 && text.chars().all(ok) && !text.starts_with(['-', '.']);
    if fits { Ok(()) } else { Err(GitHubError::BadName { act: act.clone() }) }
}

/// As part of a query.
pub(super) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut all, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => all.push(char::from(byte)),
            _ => drop(write!(all, "%{byte:02X}")),
        }
        all
    })
}

/// A branch as GitHub takes it: no white space, no control characters, none of git's own signs, not empty.
pub(super) fn check_branch(branch: &str, act: &Act) -> Result<(), GitHubError> {
    let bad = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    let fits = !branch.is_empty()
        && branch.len() <= 250
        && !branch.contains(bad)
        && !branch.contains("..")
        && !branch.starts_with(['-', '/']);
    if fits { Ok(()) } else { Err(GitHubError::BadName { act: act.clone() }) }
}

/// Foreign text on one line, without control characters, cut to what fits in a sentence.
pub(super) fn short(text: &str) -> String {
    let clean: Vec<&str> =
        text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|w| !w.is_empty()).collect();
    cut(&clean.join(" "), SHORT)
}

/// At most `most` characters; what was cut shows as `…`.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept.push('…');
    kept
}
