//! The command line: the real agent's flags, strictly.
//!
//! Knows which flags there are and which belong together; must not know what they lead to.

use std::collections::BTreeMap;

/// Flags with a value.
const VALUED: &[&str] = &[
    "--output-format",
    "--input-format",
    "--permission-prompt-tool",
    "--session-id",
    "--resume",
    "--max-turns",
    "--max-budget-usd",
    "--model",
    "--fallback-model",
    "--effort",
    "--append-system-prompt",
    "--system-prompt",
    "--allowedTools",
    "--disallowedTools",
    "--permission-mode",
    "--settings",
    "--add-dir",
    "--json-schema",
    "--setting-sources",
    "--mcp-config",
    "--agents",
];
/// Flags without one.
const SWITCHES: &[&str] = &[
    "--print",
    "--verbose",
    "--include-partial-messages",
    "--replay-user-messages",
    "--fork-session",
    "--include-hook-events",
    "--session-mirror",
    "--await-initialize",
    "--strict-mcp-config",
    "--dangerously-skip-permissions",
];
const MODES: &[&str] = &["default", "acceptEdits", "plan", "bypassPermissions", "dontAsk"];

pub(super) enum Parsed {
    Version,
    /// Said on standard error, exit 1.
    Refused(String),
    Run(Box<Flags>),
}

/// A command line that makes sense.
#[derive(Clone, Debug, Default)]
pub(super) struct Flags {
    switches: Vec<String>,
    values: BTreeMap<String, String>,
    /// A prompt given as an argument: the only user message.
    pub prompt: Option<String>,
}

impl Flags {
    pub(super) fn parse(args: &[String], refused: &[&str]) -> Parsed {
        if args.iter().any(|a| a == "--version" || a == "-v") {
            return Parsed::Version;
        }
        let mut flags = Self::default();
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (arg.as_str(), None),
            };
            let name = match name {
                "-p" => "--print",
                "-r" => "--resume",
                other => other,
            };
            if refused.contains(&name) {
                return Parsed::Refused(format!("error: unknown option '{name}'"));
            } else if SWITCHES.contains(&name) {
                flags.switches.push(name.into());
            } else if VALUED.contains(&name) {
                let Some(value) = inline.or_else(|| rest.next().cloned()) else {
                    return Parsed::Refused(format!("error: option '{name} <value>' argument missing"));
                };
                flags.values.insert(name.into(), value);
            } else if name.starts_with('-') {
                return Parsed::Refused(format!("error: unknown option '{name}'"));
            } else {
                flags.prompt = Some(arg.clone());
            }
        }
        match flags.nonsense() {
            Some(why) => Parsed::Refused(why),
            None => Parsed::Run(Box::new(flags)),
        }
    }

    fn nonsense(&self) -> Option<String> {
        if !self.has("--print") {
            return Some("Error: the scripted agent only runs with --print".into());
        }
        if self.value("--output-format") != Some("stream-json") {
            return Some("Error: the scripted agent only writes --output-format=stream-json".into());
        }
        if !self.has("--verbose") {
            return Some("Error: When using --print, --output-format=stream-json requires --verbose".into());
        }
        if let Some(other) = self.value("--input-format").filter(|f| !matches!(*f, "stream-json" | "text")) {
            return Some(format!("error: option '--input-format <format>' argument '{other}' is invalid."));
        }
        if !self.streams() && self.prompt.is_none() {
            return Some("Error: Input must be provided either through stdin or as a prompt argument when using --print".into());
        }
        if self.value("--session-id").is_some_and(|id| uuid::Uuid::parse_str(id).is_err()) {
            return Some("Error: Invalid session ID. Must be a valid UUID.".into());
        }
        if self.value("--session-id").is_some()
            && self.value("--resume").is_some()
            && !self.has("--fork-session")
        {
            return Some(
                "Error: --session-id can only be used with --resume if --fork-session is also specified."
                    .into(),
            );
        }
        if let Some(mode) = self.value("--permission-mode").filter(|m| !MODES.contains(m)) {
            return Some(format!("error: option '--permission-mode <mode>' argument '{mode}' is invalid."));
        }
        ["--max-turns", "--max-budget-usd"]
            .into_iter()
            .find(|f| self.value(f).is_some_and(|v| v.parse::<f64>().is_err()))
            .map(|f| format!("error: option '{f}' needs a number"))
    }

    pub(super) fn has(&self, switch: &str) -> bool {
        self.switches.iter().any(|s| s == switch)
    }

    pub(super) fn value(&self, flag: &str) -> Option<&str> {
        self.values.get(flag).map(String::as_str)
    }

    pub(super) fn streams(&self) -> bool {
        self.value("--input-format") == Some("stream-json")
    }

    /// A person can be asked: the hidden `--permission-prompt-tool stdio` is given.
    pub(super) fn can_ask(&self) -> bool {
        self.value("--permission-prompt-tool") == Some("stdio")
    }

    pub(super) fn mode(&self) -> &str {
        match self.value("--permission-mode") {
            _ if self.has("--dangerously-skip-permissions") => "bypassPermissions",
            Some(mode) => mode,
            None => "default",
        }
    }

    pub(super) fn model(&self) -> &str {
        self.value("--model").unwrap_or("scripted")
    }

    /// Whether a rule of `--allowedTools` (or, with the other name, `--disallowedTools`) names the whole tool.
    pub(super) fn lists(&self, flag: &str, tool: &str) -> bool {
        self.value(flag).is_some_and(|list| {
            list.split([',', ' ']).any(|rule| rule == tool || rule.strip_suffix("(*)") == Some(tool))
        })
    }

    pub(super) fn number(&self, flag: &str) -> Option<f64> {
        self.value(flag).and_then(|v| v.parse().ok())
    }
}
