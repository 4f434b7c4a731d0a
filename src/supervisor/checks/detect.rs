//! What a repository's own files say about building and testing it.
//!
//! Only what it opted into: a formatter or linter is run where it is configured, because a repository that never used
//! one would fail from the start. The first kind of project found decides. Pure: files are handed in.
//!
//! Knows Cargo, npm and its kin, just, make, Python and Go; must not know where the files come from.

use std::collections::BTreeMap;

use serde_json::Value;

/// Every file detection looks at.
pub const FILES: [&str; 22] = [
    "Cargo.toml",
    "rustfmt.toml",
    ".rustfmt.toml",
    "clippy.toml",
    ".clippy.toml",
    ".config/nextest.toml",
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
    "justfile",
    "Justfile",
    ".justfile",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "pyproject.toml",
    "uv.lock",
    "go.mod",
    "pytest.ini",
];

/// Commands found, as lines, and the file that told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub file: &'static str,
    pub setup: Vec<String>,
    pub lines: Vec<String>,
}

type Files = BTreeMap<&'static str, Vec<u8>>;

/// `None`: nothing says how this is built or tested.
pub fn detect(files: &Files) -> Option<Found> {
    [cargo, npm, just, make, python, go].iter().find_map(|look| look(files)).filter(|f| !f.lines.is_empty())
}

fn found(file: &'static str, lines: &[&str]) -> Found {
    Found { file, setup: Vec::new(), lines: lines.iter().map(|l| (*l).to_owned()).collect() }
}

fn text<'a>(files: &'a Files, name: &str) -> Option<&'a str> {
    files.get(name).and_then(|bytes| std::str::from_utf8(bytes).ok())
}

fn cargo(files: &Files) -> Option<Found> {
    files.get("Cargo.toml")?;
    let has = |names: &[&str]| names.iter().any(|n| files.contains_key(n));
    let mut out = found("Cargo.toml", &[]);
    if has(&["rustfmt.toml", ".rustfmt.toml"]) {
        out.lines.push("cargo fmt --all --check".to_owned());
    }
    out.lines.push("cargo build --workspace --all-targets".to_owned());
    if has(&["clippy.toml", ".clippy.toml"]) {
        out.lines.push("cargo clippy --workspace --all-targets".to_owned());
    }
    let nextest = has(&[".config/nextest.toml"]);
    out.lines
        .push(if nextest { "cargo nextest run --workspace" } else { "cargo test --workspace" }.to_owned());
    Some(out)
}

fn npm(files: &Files) -> Option<Found> {
    let package: Value = serde_json::from_str(text(files, "package.json")?).ok()?;
    let scripts = package.get("scripts")?.as_object()?;
    let (tool, setup) = manager(files);
    let mut out = found("package.json", &[]);
    out.setup.extend(setup.map(str::to_owned));
    for name in ["format:check", "fmt:check", "check-format", "build", "typecheck", "lint", "test"] {
        let script = scripts.get(name).and_then(Value::as_str);
        // What `npm init` writes fails by design.
        if script.is_some_and(|s| !s.contains("no test specified")) {
            out.lines.push(format!("{tool} run {name}"));
        }
    }
    (!out.lines.is_empty()).then_some(out)
}

fn manager(files: &Files) -> (&'static str, Option<&'static str>) {
    let has = |name: &str| files.contains_key(name);
    if has("pnpm-lock.yaml") {
        ("pnpm", Some("pnpm install --frozen-lockfile"))
    } else if has("yarn.lock") {
        ("yarn", Some("yarn install --frozen-lockfile"))
    } else if has("bun.lock") || has("bun.lockb") {
        ("bun", Some("bun install --frozen-lockfile"))
    } else {
        ("npm", has("package-lock.json").then_some("npm ci"))
    }
}

/// Recipes and targets worth running, in this order.
const TARGETS: [&str; 8] =
    ["format-check", "fmt-check", "check-format", "build", "lint", "check", "typecheck", "test"];

fn just(files: &Files) -> Option<Found> {
    let file = ["justfile", "Justfile", ".justfile"].into_iter().find(|f| files.contains_key(f))?;
    targets(file, "just", text(files, file)?)
}

fn make(files: &Files) -> Option<Found> {
    let file = ["GNUmakefile", "makefile", "Makefile"].into_iter().find(|f| files.contains_key(f))?;
    targets(file, "make", text(files, file)?)
}

fn targets(file: &'static str, tool: &str, text: &str) -> Option<Found> {
    let heads = |line: &str, name: &str| {
        let rest = line.trim_start_matches('@').strip_prefix(name)?;
        let colon = rest.find(':')?;
        let own = rest.get(..colon)?;
        let fits = own.is_empty() || own.starts_with(' ');
        (fits && !rest.get(colon..)?.starts_with(":=")).then_some(())
    };
    let has = |name: &&&str| text.lines().any(|l| heads(l, name).is_some());
    let lines: Vec<String> = TARGETS.iter().filter(has).map(|t| format!("{tool} {t}")).collect();
    (!lines.is_empty()).then_some(Found { file, setup: Vec::new(), lines })
}

fn python(files: &Files) -> Option<Found> {
    let project = text(files, "pyproject.toml").unwrap_or_default();
    if !files.contains_key("pyproject.toml") && !files.contains_key("pytest.ini") {
        return None;
    }
    let run = if files.contains_key("uv.lock") { "uv run " } else { "" };
    let mut out = found("pyproject.toml", &[]);
    if project.contains("[tool.ruff") {
        out.lines.push(format!("{run}ruff check ."));
    }
    if project.contains("[tool.mypy") {
        out.lines.push(format!("{run}mypy ."));
    }
    if project.contains("pytest") || files.contains_key("pytest.ini") {
        out.lines.push(if run.is_empty() { "python -m pytest".to_owned() } else { format!("{run}pytest") });
    }
    (!out.lines.is_empty()).then_some(out)
}

fn go(files: &Files) -> Option<Found> {
    files.get("go.mod")?;
    Some(found("go.mod", &["go build ./...", "go vet ./...", "go test ./..."]))
}
