//! How a test says a figure or a skip: one line on standard output, and one in the file that collects them.
//!
//! Knows the two environment variables that name those files, and the one that names the real agent; must not know who
//! reads them.

use std::io::Write;
use std::path::PathBuf;

/// Says a count that must be 0, and fails if it is not.
pub fn none(name: &str, value: u64) {
    at_most(name, value, 0);
}

/// Says a count that may not be above its limit, and fails if it is.
pub fn at_most(name: &str, value: u64, limit: u64) {
    let word = if value <= limit { "ok" } else { "short" };
    say("DEVTASK_FIGURES", &format!("figure {name} {value} count limit <= {limit} {word}"));
    assert!(value <= limit, "{name}: {value}");
}

/// Says how long something took. A machine with other work to do may be late, so nothing fails.
pub fn took(name: &str, seconds: f64, limit: f64) {
    let word = if seconds <= limit { "ok" } else { "short" };
    say("DEVTASK_FIGURES", &format!("figure {name} {seconds:.2} s limit <= {limit} {word}"));
}

/// Says what a test could not look at, and why.
pub fn skipped(what: &str) {
    say("DEVTASK_SKIPS", &format!("skipped: {what}"));
}

/// The real agent's program, or a word about what is not tried for want of it.
pub fn claude(what: &str) -> Option<PathBuf> {
    let found = std::env::var_os("DEVTASK_CLAUDE").map(PathBuf::from);
    if found.is_none() {
        skipped(&format!("{what} with the real agent: DEVTASK_CLAUDE does not name it"));
    }
    found
}

/// One write per line: tests run side by side and share the file.
fn say(file: &str, line: &str) {
    println!("{line}");
    let Some(path) = std::env::var_os(file) else { return };
    let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}
