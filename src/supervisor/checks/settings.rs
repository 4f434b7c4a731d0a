//! `.devtask.toml`: how a repository says what must pass. `docs/checks.md` is its page.
//!
//! Knows the file's shape and says every fault by its key; must not know which commit it was read from.

use std::time::Duration;

use toml::{Table, Value};

use super::{Check, Plan};
use crate::domain::argv::{BadWords, split};
use crate::domain::limits::Policy;
use crate::domain::report::CheckKind;

/// The file's name, at the top of the repository.
pub const FILE: &str = ".devtask.toml";
/// Longest file that is read.
const MAX: usize = 64 * 1024;
/// Commands of one section, at most.
const MAX_COMMANDS: usize = 50;
/// Longest time one command may be given, in seconds: a day.
const MAX_TIMEOUT: i64 = 24 * 3600;

/// What is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    #[error("{FILE} is longer than {MAX} bytes or no text")]
    NoText,
    #[error("{FILE} is no TOML: {0}")]
    NoToml(String),
    #[error("{FILE} has an unknown key `{key}`; known here are {known}")]
    Unknown { key: String, known: &'static str },
    #[error("{FILE}: `{key}` should be {should}")]
    Shape { key: String, should: &'static str },
    #[error("{FILE}: `{key}` cannot be run")]
    Words {
        key: String,
        #[source]
        source: BadWords,
    },
}

/// What the file asks for; what it leaves out is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub setup: Vec<Check>,
    pub checks: Vec<Check>,
    pub require_tests: Option<bool>,
    pub min_coverage: Option<u8>,
    pub auto_commit: Option<bool>,
    pub max_consecutive_failures: Option<u32>,
}

type Result<T> = std::result::Result<T, BadSettings>;

/// Reads the file. `limit`: the time a command gets that names none.
pub fn parse(bytes: &[u8], limit: Duration) -> Result<Settings> {
    let text = std::str::from_utf8(bytes).ok().filter(|t| t.len() <= MAX).ok_or(BadSettings::NoText)?;
    let table: Table =
        text.parse().map_err(|e: toml::de::Error| BadSettings::NoToml(e.message().to_owned()))?;
    let mut settings = Settings::default();
    for (key, value) in &table {
        let section = value.as_table().ok_or_else(|| shape(key, "a section"));
        match key.as_str() {
            "setup" => settings.setup = setup(section?, limit)?,
            "checks" => settings.checks = checks(section?, limit)?,
            "policy" => policy(section?, &mut settings)?,
            _ => return Err(unknown(key, "`setup`, `checks` and `policy`")),
        }
    }
    Ok(settings)
}

fn setup(table: &Table, limit: Duration) -> Result<Vec<Check>> {
    let limit = timeout("setup", table)?.unwrap_or(limit);
    let mut out = Vec::new();
    for (key, value) in table {
        match (key.as_str(), value) {
            ("timeout", _) => {}
            ("run", Value::Array(lines)) if lines.len() <= MAX_COMMANDS => {
                for line in lines {
                    out.push(command("setup.run", "set-up", CheckKind::Other, line, limit)?);
                }
            }
            ("run", _) => return Err(shape("setup.run", "a list of at most 50 commands")),
            _ => return Err(unknown(&format!("setup.{key}"), "`run` and `timeout`")),
        }
    }
    Ok(out)
}

fn checks(table: &Table, limit: Duration) -> Result<Vec<Check>> {
    if table.len() > MAX_COMMANDS {
        return Err(shape("checks", "at most 50 commands"));
    }
    let mut out = Vec::new();
    for (name, value) in table {
        let key = format!("checks.{name}");
        let own = match value {
            Value::Table(own) => own,
            value => {
                out.push(command(&key, name, kind(name), value, limit)?);
                continue;
            }
        };
        if let Some(odd) = own.keys().find(|k| !matches!(k.as_str(), "run" | "timeout" | "kind")) {
            return Err(unknown(&format!("{key}.{odd}"), "`run`, `timeout` and `kind`"));
        }
        let run = own.get("run").ok_or_else(|| shape(&format!("{key}.run"), "a command"))?;
        let kind = own.get("kind").map_or_else(|| Ok(kind(name)), |k| named_kind(&key, k))?;
        let limit = timeout(&key, own)?.unwrap_or(limit);
        out.push(command(&format!("{key}.run"), name, kind, run, limit)?);
    }
    // What fails fastest and says most comes first.
    out.sort_by_key(|c| match c.kind {
        CheckKind::Format => 0,
        CheckKind::Build => 1,
        CheckKind::Lint => 2,
        CheckKind::Test => 3,
        CheckKind::Other => 4,
    });
    Ok(out)
}

fn command(key: &str, name: &str, kind: CheckKind, value: &Value, limit: Duration) -> Result<Check> {
    let argv = match value {
        Value::String(line) => {
            split(line).map_err(|source| BadSettings::Words { key: key.to_owned(), source })?
        }
        Value::Array(words) if !words.is_empty() => {
            let word = |w: &Value| w.as_str().filter(|w| !w.contains('\0')).map(str::to_owned);
            let words: Option<Vec<String>> = words.iter().map(word).collect();
            words
                .filter(|w| w.first().is_some_and(|p| !p.is_empty()))
                .ok_or_else(|| shape(key, "a list of words"))?
        }
        _ => return Err(shape(key, "a command: a line, or a list of words")),
    };
    let line = value.as_str().map_or_else(|| argv.join(" "), str::to_owned);
    let line = line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
    Ok(Check { name: name.to_owned(), kind, line, argv, limit })
}

fn timeout(key: &str, table: &Table) -> Result<Option<Duration>> {
    let Some(value) = table.get("timeout") else { return Ok(None) };
    let seconds =
        value.as_integer().filter(|s| (1..=MAX_TIMEOUT).contains(s)).and_then(|s| u64::try_from(s).ok());
    let wrong = || shape(&format!("{key}.timeout"), "seconds, from 1 to 86400");
    seconds.map(|s| Some(Duration::from_secs(s))).ok_or_else(wrong)
}

/// What a name or a command line is for; `Other` where it does not say.
pub(super) fn kind(name: &str) -> CheckKind {
    let name = name.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|w| name.contains(w));
    if says(&["fmt", "format", "prettier", "black"]) {
        CheckKind::Format
    } else if says(&["clippy", "lint", "ruff", "vet", "typecheck", "mypy"]) {
        CheckKind::Lint
    } else if says(&["test", "jest", "mocha", "spec", "tox"]) {
        CheckKind::Test
    } else if says(&["build", "compile", "tsc", "cargo check"]) {
        CheckKind::Build
    } else {
        CheckKind::Other
    }
}

fn named_kind(key: &str, value: &Value) -> Result<CheckKind> {
    match value.as_str() {
        Some("build") => Ok(CheckKind::Build),
        Some("test") => Ok(CheckKind::Test),
        Some("lint") => Ok(CheckKind::Lint),
        Some("format") => Ok(CheckKind::Format),
        Some("other") => Ok(CheckKind::Other),
        _ => Err(shape(&format!("{key}.kind"), "`build`, `test`, `lint`, `format` or `other`")),
    }
}

fn policy(table: &Table, settings: &mut Settings) -> Result<()> {
    let flag =
        |key: &str, v: &Value| v.as_bool().ok_or_else(|| shape(&format!("policy.{key}"), "true or false"));
    for (key, value) in table {
        match key.as_str() {
            "require_tests" => settings.require_tests = Some(flag(key, value)?),
            "auto_commit" => settings.auto_commit = Some(flag(key, value)?),
            "min_coverage" => {
                let percent = value.as_integer().and_then(|v| u8::try_from(v).ok()).filter(|v| *v <= 100);
                settings.min_coverage =
                    Some(percent.ok_or_else(|| shape("policy.min_coverage", "a percentage"))?);
            }
            "max_consecutive_failures" => {
                let count = value.as_integer().and_then(|v| u32::try_from(v).ok()).filter(|v| *v > 0);
                let count =
                    count.ok_or_else(|| shape("policy.max_consecutive_failures", "a number from 1"))?;
                settings.max_consecutive_failures = Some(count);
            }
            _ => {
                let known = "`require_tests`, `min_coverage`, `auto_commit` and `max_consecutive_failures`";
                return Err(unknown(&format!("policy.{key}"), known));
            }
        }
    }
    Ok(())
}

impl Settings {
    /// Makes a plan's policy stricter; a wish to make it looser is noted and not taken.
    pub fn tighten(&self, plan: &mut Plan) {
        let Policy { require_tests, min_coverage, auto_commit } = plan.policy.clone();
        let asked = [
            ("require_tests", self.require_tests == Some(false) && require_tests),
            ("min_coverage", self.min_coverage.is_some_and(|c| c < min_coverage)),
            ("auto_commit", self.auto_commit == Some(true) && !auto_commit),
            (
                "max_consecutive_failures",
                self.max_consecutive_failures.is_some_and(|m| m > plan.max_consecutive_failures),
            ),
        ];
        for (key, _) in asked.iter().filter(|(_, looser)| *looser) {
            plan.notes.push(format!(
                "{FILE} may make `policy.{key}` stricter than the session's, not looser: not taken"
            ));
        }
        plan.policy.require_tests |= self.require_tests == Some(true);
        plan.policy.min_coverage = min_coverage.max(self.min_coverage.unwrap_or(0));
        plan.policy.auto_commit &= self.auto_commit != Some(false);
        let most = self.max_consecutive_failures.unwrap_or(u32::MAX);
        plan.max_consecutive_failures = plan.max_consecutive_failures.min(most);
    }
}

fn unknown(key: &str, known: &'static str) -> BadSettings {
    BadSettings::Unknown { key: key.chars().filter(|c| !c.is_control()).take(80).collect(), known }
}

fn shape(key: &str, should: &'static str) -> BadSettings {
    BadSettings::Shape { key: key.chars().filter(|c| !c.is_control()).take(80).collect(), should }
}
