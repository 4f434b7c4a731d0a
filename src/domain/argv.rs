//! A command line as words, the way a shell would split it, without a shell.
//!
//! Knows quotes and backslashes; expands nothing. What only a shell can do (pipes, `&&`, `$( )`) is refused, so that
//! nobody believes it was done. Must not know what is run.

use serde::{Deserialize, Serialize};

/// The line cannot be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum BadWords {
    #[error("`{0}` holds no command")]
    Empty(String),
    #[error("`{0}` has a quote that is not closed")]
    OpenQuote(String),
    #[error("`{line}` uses the shell's `{sign}`; write it into a script, or say `sh -c '…'`")]
    Shell { line: String, sign: String },
}

const SIGNS: [(&str, &str); 7] =
    [("&", "&"), ("|", "|"), (";", ";"), (">", ">"), ("<", "<"), ("`", "`"), ("$(", "$( )")];

/// Splits a line into words. `NAME=value` in front becomes `env NAME=value`.
///
/// ```
/// # use devtask::domain::argv::split;
/// assert_eq!(split("sh -c 'a b' \"c d\" e\\ f").unwrap(), ["sh", "-c", "a b", "c d", "e f"]);
/// assert_eq!(split("CI=1 npm test").unwrap(), ["env", "CI=1", "npm", "test"]);
/// assert!(split("make && rm x").is_err());
/// ```
pub fn split(line: &str) -> Result<Vec<String>, BadWords> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' => quoted(&mut rest, '\'', word.get_or_insert_default(), line)?,
            '"' => quoted(&mut rest, '"', word.get_or_insert_default(), line)?,
            '\\' => word.get_or_insert_default().extend(rest.next()),
            c if c.is_whitespace() => words.extend(word.take()),
            c => {
                let here = || std::iter::once(c).chain(rest.clone());
                if let Some((_, sign)) = SIGNS.iter().find(|(s, _)| s.chars().eq(here().take(s.len()))) {
                    return Err(BadWords::Shell { line: line.to_owned(), sign: (*sign).to_owned() });
                }
                word.get_or_insert_default().push(c);
            }
        }
    }
    words.extend(word);
    if words.iter().all(|w| is_assignment(w)) {
        return Err(BadWords::Empty(line.to_owned()));
    }
    if words.first().is_some_and(|w| is_assignment(w)) {
        words.insert(0, "env".to_owned());
    }
    Ok(words)
}

fn quoted(
    rest: &mut std::str::Chars<'_>,
    quote: char,
    word: &mut String,
    line: &str,
) -> Result<(), BadWords> {
    while let Some(c) = rest.next() {
        match c {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => match rest.next() {
                Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                Some(c) => word.extend(['\\', c]),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err(BadWords::OpenQuote(line.to_owned()))
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map_or("", |(name, _)| name);
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plain && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}
