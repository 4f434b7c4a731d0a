//! The configuration: flag > `DEVTASK_A__B` > file > default, refused with the key and the file it stands in.
//!
//! Knows where settings come from and how the seed names map to the rooms' own; must not know what the rooms do with
//! them. Read from values handed in: the environment is the caller's.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use config::{File, FileFormat, Map, Source, Value, ValueKind};
use serde::Deserialize;

use crate::control::settings::AgentSettings;
use crate::{control, github, http, node, slack};

/// Environment variables, or what a test says they are.
pub type Vars = BTreeMap<String, String>;

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    pub data_dir: PathBuf,
    pub control: control::Settings,
    pub http: http::Settings,
    pub github: github::Settings,
    pub slack: slack::Settings,
    pub nodes: Nodes,
}

/// One table for each provider.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nodes {
    pub local: node::local::Settings,
    pub codespaces: node::codespaces::Settings,
    /// Folder with our program for other machines, `devtask-<kind>`; beside the running one where it is not said.
    pub binaries: Option<PathBuf>,
}

/// The file as it is written.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    data_dir: Option<PathBuf>,
    control: control::Settings,
    http: http::Settings,
    github: github::Settings,
    slack: slack::Settings,
    nodes: Nodes,
    agents: BTreeMap<String, AgentSettings>,
    // The names DevTask began with; each is a setting of `[control]` and stronger than that.
    require_tests: Option<bool>,
    min_coverage: Option<u8>,
    auto_commit: Option<bool>,
    branch_pattern: Option<String>,
    max_consecutive_failures: Option<u32>,
    max_task_duration: Option<u32>,
    require_approval_for: Option<Vec<String>>,
}

/// Why the configuration is not used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration `{}` cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// `place`: the file or the environment; `what` names the key.
    #[error("{place}: {what}")]
    Bad { place: String, what: String, hint: Option<String> },
    #[error("there is no home folder to keep data in; name one with `--data-dir`")]
    NoHome,
}

impl ConfigError {
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Bad { hint, .. } => hint.as_deref(),
            Self::Read { .. } | Self::NoHome => None,
        }
    }
}

/// Lists that the environment writes with commas.
const LISTS: [&str; 6] = [
    "http.allowed_hosts",
    "require_approval_for",
    "control.require_approval_for",
    "slack.admins",
    "nodes.codespaces.fallback_machines",
    "nodes.codespaces.gh",
];
/// Names of the top level: all others in the environment need a `__`, so that `DEVTASK_LOG` is no setting.
const TOP: [&str; 7] = [
    "require_tests",
    "min_coverage",
    "auto_commit",
    "branch_pattern",
    "max_consecutive_failures",
    "max_task_duration",
    "require_approval_for",
];

impl Config {
    /// `file`: named by the person, so it must be there; else the usual place is tried.
    /// `flags`: keys like `http.listen` with what the command line says of them.
    pub fn read(file: Option<&Path>, vars: &Vars, flags: &[(&str, String)]) -> Result<Self, ConfigError> {
        let (path, text) = text_of(file, vars)?;
        let place = path.as_ref().map_or_else(|| "the configuration".to_owned(), |p| p.display().to_string());
        let tree = tree(&text, vars, flags).map_err(|e| explain(&e, &place, None))?;
        let written: Written =
            tree.clone().try_deserialize().map_err(|e| explain(&e, &place, Some(&tree)))?;
        let data_dir = match &written.data_dir {
            Some(dir) => dir.clone(),
            None => default_data_dir(vars).ok_or(ConfigError::NoHome)?,
        };
        let config = written.settle(path, data_dir);
        config.check().map_err(|what| {
            let key = what.split('`').nth(1).and_then(|t| t.split(' ').next()).unwrap_or_default();
            let place = origin(&tree, key).unwrap_or(place);
            ConfigError::Bad { place, what, hint: None }
        })?;
        Ok(config)
    }

    /// What can only be said of whole sections.
    fn check(&self) -> Result<(), String> {
        self.control.check().map_err(|e| e.to_string())?;
        self.http.hosts().map_err(|e| e.to_string())?;
        self.nodes.codespaces.check()?;
        self.slack.check()
    }
}

impl Written {
    fn settle(self, file: Option<PathBuf>, data_dir: PathBuf) -> Config {
        let mut control = self.control;
        for (name, agent) in self.agents {
            let known = control.agents.entry(name).or_default();
            if !agent.command.is_empty() {
                known.command = agent.command;
            }
            if !agent.secrets.is_empty() {
                known.secrets = agent.secrets;
            }
            known.env.extend(agent.env);
        }
        set(&mut control.policy.require_tests, self.require_tests);
        set(&mut control.policy.min_coverage, self.min_coverage);
        set(&mut control.policy.auto_commit, self.auto_commit);
        set(&mut control.branch_pattern, self.branch_pattern);
        set(&mut control.limits.max_consecutive_failures, self.max_consecutive_failures);
        set(&mut control.limits.max_task_duration, self.max_task_duration);
        set(&mut control.require_approval_for, self.require_approval_for);
        Config {
            file,
            data_dir,
            control,
            http: self.http,
            github: self.github,
            slack: self.slack,
            nodes: self.nodes,
        }
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// Where data is kept when nobody says: `$XDG_DATA_HOME/devtask`.
pub fn default_data_dir(vars: &Vars) -> Option<PathBuf> {
    below(vars, "XDG_DATA_HOME", ".local/share").map(|d| d.join("devtask"))
}

/// Where the file is looked for when nobody names one: `$XDG_CONFIG_HOME/devtask/config.toml`.
pub fn default_file(vars: &Vars) -> Option<PathBuf> {
    below(vars, "XDG_CONFIG_HOME", ".config").map(|d| d.join("devtask").join("config.toml"))
}

fn below(vars: &Vars, name: &str, home: &str) -> Option<PathBuf> {
    let absolute = |text: &String| Path::new(text).is_absolute().then(|| PathBuf::from(text));
    vars.get(name).and_then(absolute).or_else(|| vars.get("HOME").and_then(absolute).map(|h| h.join(home)))
}

fn text_of(file: Option<&Path>, vars: &Vars) -> Result<(Option<PathBuf>, String), ConfigError> {
    let Some(path) = file.map(Path::to_owned).or_else(|| default_file(vars)) else {
        return Ok((None, String::new()));
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok((Some(path), text)),
        Err(e) if file.is_none() && e.kind() == std::io::ErrorKind::NotFound => Ok((None, String::new())),
        Err(source) => Err(ConfigError::Read { path, source }),
    }
}

/// All sources on top of each other.
fn tree(text: &str, vars: &Vars, flags: &[(&str, String)]) -> Result<config::Config, config::ConfigError> {
    let mut builder = config::Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .add_source(Environment::of(vars));
    for (key, value) in flags {
        let value = Value::new(Some(&"the command line".to_owned()), ValueKind::String(value.clone()));
        builder = builder.set_override(*key, value)?;
    }
    builder.build()
}

/// What the environment says, as text: who wants a number reads one, and a secret of digits stays what it is.
#[derive(Clone)]
struct Environment(Map<String, Value>);

impl Environment {
    fn of(vars: &Vars) -> Self {
        let said = vars.iter().filter_map(|(name, text)| {
            let rest = name.strip_prefix("DEVTASK_")?.to_ascii_lowercase();
            let ours = rest.contains("__") || TOP.contains(&rest.as_str());
            let key = rest.replace("__", ".");
            let value = Self::value(&key, text);
            ours.then_some((key, value))
        });
        Self(said.collect())
    }

    fn value(key: &str, text: &str) -> Value {
        let word = |text: &str| Self::from_here(ValueKind::String(text.to_owned()));
        if LISTS.contains(&key) {
            Self::from_here(ValueKind::Array(text.split(',').map(word).collect()))
        } else {
            word(text)
        }
    }

    fn from_here(kind: ValueKind) -> Value {
        Value::new(Some(&"the environment".to_owned()), kind)
    }
}

/// Its values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

impl Source for Environment {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

/// An error as key, place and cause; for a name we do not know, the nearest one we do.
fn explain(error: &config::ConfigError, file: &str, tree: Option<&config::Config>) -> ConfigError {
    let (key, cause) = innermost(error);
    let unknown = quoted_after(&cause, "unknown field ");
    let path = match (key.as_deref(), unknown) {
        (Some(key), Some(name)) if !key.is_empty() => format!("{key}.{name}"),
        (_, Some(name)) => name.to_owned(),
        (key, None) => key.unwrap_or_default().to_owned(),
    };
    let place = tree.and_then(|t| origin(t, &path)).unwrap_or_else(|| file.to_owned());
    match unknown {
        Some(name) => ConfigError::Bad {
            place,
            what: format!("there is no setting `{path}`"),
            hint: nearest(name, &expected(&cause)).map(|n| format!("did you mean `{n}`?")),
        },
        None if path.is_empty() => ConfigError::Bad { place, what: cause, hint: None },
        None => ConfigError::Bad { place, what: format!("`{path}`: {cause}"), hint: None },
    }
}

/// Where the value of a key came from; `None` = the file.
fn origin(tree: &config::Config, key: &str) -> Option<String> {
    let mut at = &tree.cache;
    for part in key.split('.') {
        let ValueKind::Table(table) = &at.kind else { return None };
        at = table.get(part)?;
    }
    at.origin().map(str::to_owned)
}

/// The key and the bare cause, without what `config` repeats of both.
fn innermost(error: &config::ConfigError) -> (Option<String>, String) {
    use config::ConfigError as E;
    match error {
        E::At { error, key, .. } => {
            let (inner, cause) = innermost(error);
            (key.clone().or(inner), cause)
        }
        E::Type { unexpected, expected, key, .. } => {
            (key.clone(), format!("this is {unexpected}, and {expected} is wanted"))
        }
        E::FileParse { cause, .. } => (None, without_excerpt(&cause.to_string())),
        other => (None, other.to_string()),
    }
}

/// What is wrong with the file and where, without the line itself: that may be the one with the token.
fn without_excerpt(cause: &str) -> String {
    let excerpt = |line: &&str| {
        line.trim_start_matches([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).starts_with('|')
    };
    let lines: Vec<&str> =
        cause.lines().filter(|l| !excerpt(l)).map(str::trim).filter(|l| !l.is_empty()).collect();
    lines.join(": ")
}

/// The word in backticks behind `before`.
fn quoted_after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.split_once(before)?.1.strip_prefix('`')?.split('`').next()
}

/// The names that would have been taken.
fn expected(cause: &str) -> Vec<&str> {
    let list = cause.split_once("expected").map_or("", |(_, list)| list);
    list.split('`').skip(1).step_by(2).collect()
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let far = name.chars().count() / 3 + 1;
    known.iter().map(|k| (distance(name, k), *k)).filter(|(d, _)| *d <= far).min().map(|(_, k)| k)
}

/// Letters to change, add or drop between two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        let mut next = vec![left];
        for (cb, above) in b.iter().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(ca != *cb);
            left = changed.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
