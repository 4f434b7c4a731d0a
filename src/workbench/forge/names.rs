//! Which words name an owner, a repository or a branch.
//!
//! The one gate between a request's path and the file system: what passes [`owner`] and [`repo`] is a single
//! harmless path segment.

/// A login: letters, digits and single inner dashes, at most 39.
pub(super) fn owner(text: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let dashes = text.starts_with('-') || text.ends_with('-') || text.contains("--");
    (1..=39).contains(&text.len()) && text.chars().all(ok) && !dashes && !text.eq_ignore_ascii_case("api")
}

/// A repository's name without `.git`.
pub(super) fn repo(text: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let dots = text.chars().all(|c| c == '.');
    (1..=100).contains(&text.len())
        && text.chars().all(ok)
        && !dots
        && !text.starts_with('-')
        && !text.to_ascii_lowercase().ends_with(".git")
}

/// GitHub's names differ in more than case; the key of a repository, or `None` where it cannot exist.
pub(super) fn key(owner_text: &str, name: &str) -> Option<String> {
    let fits = owner(owner_text) && repo(name);
    fits.then(|| format!("{}/{}", owner_text.to_ascii_lowercase(), name.to_ascii_lowercase()))
}
