//! Laws of the code itself: floors, first lines, forbidden crates, forbidden words.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// DESIGN's table: a room and the rooms it may import.
const FLOORS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &[]),
    ("sweep", &[]),
    ("wire", &["domain"]),
    ("git", &["domain", "clock"]),
    ("store", &["domain", "clock"]),
    ("github", &["domain", "clock"]),
    ("agent", &["domain", "clock"]),
    ("node", &["domain", "wire", "github", "git", "clock", "sweep"]),
    ("supervisor", &["domain", "wire", "agent", "git", "clock", "sweep"]),
    ("control", &["domain", "wire", "clock", "store", "node", "github", "git"]),
    ("slack", &["wire", "domain", "clock", "store"]),
    ("http", &["wire", "domain", "clock"]),
    ("client", &["wire", "domain", "clock"]),
    ("workbench", &["wire", "domain", "git", "clock"]),
];
/// They put the others together and may import everything.
const TOP_FLOOR: &[&str] = &["cli", "config", "telemetry", "main", "lib"];

/// Everything that may lie at the top of the repository, beside dot names.
const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "manifests",
    "migrations",
    "tests",
    "docker",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "CHANGELOG.md",
    "docs",
    "target",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, with its path from the root.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap().map(Result::unwrap) {
            let path: PathBuf = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn room_of(file: &str) -> &str {
    let inside = file.strip_prefix("src/").unwrap_or(file);
    let first = inside.split('/').next().unwrap_or(inside);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// Rooms a file names as `crate::room`, its tests left out.
fn rooms_named(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut rooms = BTreeSet::new();
    for line in code {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + 7..];
            if let Some(list) = rest.strip_prefix('{') {
                rooms.extend(list.split(',').map(first_name));
            } else {
                rooms.insert(first_name(rest));
            }
        }
    }
    rooms.remove("");
    rooms
}

fn first_name(text: &str) -> String {
    text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn is_test_file(file: &str) -> bool {
    file.contains("/tests/") || file.ends_with("/tests.rs") || file.starts_with("tests/")
}

/// The declarations of error variants of a file: the sentence, and what stands between it and the next one.
fn sentences(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("#[error(").skip(1).filter_map(|rest| {
        let (sentence, rest) = rest.split_once(")]\n")?;
        Some((sentence, rest.split("\n}").next().unwrap_or(rest)))
    })
}

/// How a sentence would name the field that is its source.
fn source_name(fields: &str) -> Option<String> {
    if fields.contains(" source: ") {
        return Some("source".to_owned());
    }
    let at = fields.find("#[from]").or_else(|| fields.find("#[source]"))?;
    let (_, before) = fields[..at].rsplit_once('(')?;
    Some(before.matches(',').count().to_string())
}

#[test]
fn an_error_does_not_say_what_its_source_says() {
    let mut seen = 0;
    for (file, text) in rust_files("src") {
        for (sentence, fields) in sentences(&text) {
            let Some(source) = source_name(fields) else { continue };
            seen += 1;
            for name in [format!("{{{source}}}"), format!("{{{source}:"), format!(".{source}")] {
                assert!(
                    !sentence.contains(&name),
                    "{file}: `{sentence}` repeats its source; chains say it twice"
                );
            }
        }
    }
    assert!(seen > 20, "only {seen} errors with a source were found");
}

#[test]
fn rooms_import_only_the_floors_below() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files("src") {
        let room = room_of(&file);
        if TOP_FLOOR.contains(&room) || is_test_file(&file) {
            continue;
        }
        let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{file}: `{room}` is no room of DESIGN's table; give it a floor there first"));
            continue;
        };
        for named in rooms_named(&text) {
            if named != room && !allowed.contains(&named.as_str()) {
                // `slack` and `http` speak to sessions through `wire::api::Control` alone.
                wrong.push(format!("{file}: `{room}` may not know `{named}`; it may import {allowed:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "a room reaches over its floor:\n{}", wrong.join("\n"));
}

#[test]
fn slack_knows_of_the_store_only_what_is_kept_about_slack() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files("src/slack").into_iter().filter(|(file, _)| !is_test_file(file)) {
        let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
        let others =
            code.filter(|l| l.replace("store::slack::", "").contains("store::") || l.contains("::store;"));
        wrong.extend(others.map(|l| format!("{file}: {}", l.trim())));
    }
    assert!(wrong.is_empty(), "sessions are reached through `dyn Control`: {wrong:#?}");
}

#[test]
fn every_file_says_first_what_it_knows() {
    let silent: Vec<String> = ["src", "tests"]
        .into_iter()
        .flat_map(rust_files)
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(file, _)| file)
        .collect();
    assert!(silent.is_empty(), "open each of these with `//!`, what it knows and must not know: {silent:#?}");
}

#[test]
fn no_glob_imports_across_rooms() {
    let globs: Vec<String> = rust_files("src")
        .into_iter()
        .flat_map(|(file, text)| {
            let lines = text.lines().filter(|l| l.contains("use crate::") && l.contains("::*"));
            lines.map(|l| format!("{file}: {}", l.trim())).collect::<Vec<_>>()
        })
        .collect();
    assert!(globs.is_empty(), "name what you import: {globs:#?}");
}

#[test]
fn nothing_unfinished_is_kept() {
    // Put together here, so that this file does not find itself.
    let words = ["todo", "unimplemented"].map(|w| format!("{w}!("));
    let ignore = format!("#[{}", "ignore");
    // What only a person can run says so, and where it is written down how.
    let for_a_person = |l: &str| l.contains("a person") && l.contains("docs/");
    let mut found = Vec::new();
    for (file, text) in ["src", "tests"].into_iter().flat_map(rust_files) {
        let has =
            |l: &str| words.iter().any(|w| l.contains(w.as_str())) || l.contains(&ignore) && !for_a_person(l);
        found.extend(text.lines().filter(|l| has(l)).map(|l| format!("{file}: {}", l.trim())));
    }
    assert!(found.is_empty(), "finish it or take it out: {found:#?}");
}

#[test]
fn files_stay_one_idea_long() {
    let long: Vec<String> = rust_files("src")
        .into_iter()
        .filter(|(file, _)| !is_test_file(file))
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, lines)| *lines > 600)
        .map(|(file, lines)| format!("{file}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "split these by idea: {long:#?}");
}

#[test]
fn the_top_of_the_house_is_tidy() {
    let stray: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()))
        .collect();
    assert!(stray.is_empty(), "these belong into a folder: {stray:?}");
}

/// Crates that what we build and test is made of, on every target.
fn crates_in_use() -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "--all-features", "--target", "all", "--edges", "all"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).unwrap();
    text.lines().filter_map(|l| l.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn one_tls_one_sqlite_one_http_stack() {
    let crates = crates_in_use();
    // Cargo.lock also lists what optional features of dependencies would bring; what counts is what is built.
    let banned = [
        ("aws-lc-rs", "TLS is rustls on ring"),
        ("aws-lc-sys", "TLS is rustls on ring"),
        ("openssl-sys", "TLS is rustls on ring"),
        ("native-tls", "TLS is rustls on ring"),
        ("rusqlite", "SQLite is sqlx's"),
        ("diesel", "SQLite is sqlx's"),
        ("reqwest", "HTTP is hyper's"),
        ("ureq", "HTTP is hyper's"),
        ("isahc", "HTTP is hyper's"),
        ("actix-web", "HTTP is hyper's"),
    ];
    let found: Vec<_> = banned.iter().filter(|(name, _)| crates.contains(*name)).collect();
    assert!(found.is_empty(), "take these out again: {found:#?}");
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for single in ["rustls", "hyper", "sqlx", "libsqlite3-sys", "tokio", "axum", "ring"] {
        let count = lock.lines().filter(|l| *l == format!("name = \"{single}\"")).count();
        assert_eq!(count, 1, "there are {count} versions of `{single}`");
    }
}

#[test]
fn the_chosen_crates_are_really_used() {
    let source: String = rust_files("src").into_iter().map(|(_, text)| text).collect();
    for name in ["tokio", "axum", "serde", "sqlx", "octocrab", "hyper", "tracing", "chrono", "config"] {
        let used = source.contains(&format!("use {name}::")) || source.contains(&format!(" {name}::"));
        assert!(used, "`{name}` is a dependency that nothing uses");
    }
}

#[test]
fn no_word_of_any_machine_or_registry() {
    let words = [
        ["/", "root/"].concat(),
        ["/work", "/main"].concat(),
        ["/work", "/shared"].concat(),
        ["crates", ".io"].concat(),
    ];
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output().unwrap();
    let mut found = Vec::new();
    for file in String::from_utf8(listed.stdout).unwrap().lines() {
        // The lock file names the registry of each crate; captures are measured facts.
        if file == "Cargo.lock" || file.starts_with("tests/data/captures/") {
            continue;
        }
        let Ok(text) = fs::read_to_string(root().join(file)) else { continue };
        found.extend(words.iter().filter(|w| text.contains(w.as_str())).map(|w| format!("{file}: {w}")));
    }
    assert!(found.is_empty(), "{found:#?}");
}
