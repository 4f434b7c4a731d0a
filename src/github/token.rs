//! A token out of a file, as it fits into a header.
//!
//! Knows what no token looks like. Must not know whose it is, nor keep it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::GitHubError;

/// Nobody's token is longer; more is the wrong file.
const LONGEST: usize = 4_096;

/// What a file holds, never more of it than a token is long.
///
/// # Errors
/// Why not, in words that go on after the file's name.
pub fn from_file(path: &Path) -> Result<SecretString, String> {
    let unreadable = |error| format!("cannot be read: {error}");
    let mut text = String::new();
    let most = u64::try_from(LONGEST + 1).unwrap_or(u64::MAX);
    File::open(path).map_err(unreadable)?.take(most).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() > LONGEST {
        return Err("is too long for a token".to_owned());
    }
    Ok(SecretString::from(text))
}

/// A token as it goes into a header, which octocrab does without asking; an empty one is none.
///
/// # Errors
/// [`GitHubError::Settings`] for what could never be one.
pub fn fit(token: &SecretString) -> Result<Option<SecretString>, GitHubError> {
    let token = token.expose_secret().trim();
    if !token.bytes().all(|b| b.is_ascii_graphic()) || token.len() > LONGEST {
        return Err(GitHubError::Settings("the token holds characters no token has".into()));
    }
    Ok((!token.is_empty()).then(|| SecretString::from(token)))
}
