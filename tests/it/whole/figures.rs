//! How a test says a figure or a skip: one line on standard output, and one in the file that collects them.
//!
//! Knows the two environment variables that name those files; must not know who reads them.

use std::io::Write;

/// Says a count that must be 0, and fails if it is not.
pub fn none(name: &str, value: u64) {
    let word = if value == 0 { "ok" } else { "short" };
    say("DEVTASK_FIGURES", &format!("figure {name} {value} count limit <= 0 {word}"));
    assert_eq!(value, 0, "{name}");
}

/// Says what a test could not look at, and why.
pub fn skipped(what: &str) {
    say("DEVTASK_SKIPS", &format!("skipped: {what}"));
}

/// One write per line: tests run side by side and share the file.
fn say(file: &str, line: &str) {
    println!("{line}");
    let Some(path) = std::env::var_os(file) else { return };
    let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}
