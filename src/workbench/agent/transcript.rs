//! The conversation on disk: where the real agent keeps it, one JSON entry per line.
//!
//! Everything a resume needs is in these entries, so that a conversation rebuilt from its mirrored entries alone
//! goes on. Knows files and entries; must not know pipes or tools.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::workbench::script::{Cursor, Script};

/// A conversation and what its entries say about it.
pub(super) struct Transcript {
    pub(super) path: PathBuf,
    pub(super) session: Uuid,
    /// Where the script stands; `None` before the first message.
    pub(super) cursor: Option<Cursor>,
    /// User messages taken up.
    pub(super) heard: HashSet<Uuid>,
    /// A call that was deferred and not settled since: the `tool_use` block.
    pub(super) deferred: Option<Value>,
    pub(super) cost: f64,
    /// What of it was spent before this process.
    pub(super) cost_before: f64,
    pub(super) last_result: String,
    last: Option<Uuid>,
}

impl Transcript {
    pub(super) fn new(config: &Path, cwd: &Path, session: Uuid) -> Self {
        let folder: String =
            cwd.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Self {
            path: config.join("projects").join(folder).join(format!("{session}.jsonl")),
            session,
            cursor: None,
            heard: HashSet::new(),
            deferred: None,
            cost: 0.0,
            cost_before: 0.0,
            last_result: String::new(),
            last: None,
        }
    }

    /// Whether a conversation of this id exists, in any project's folder.
    pub(super) fn find(config: &Path, session: Uuid) -> Option<PathBuf> {
        let name = format!("{session}.jsonl");
        let projects = std::fs::read_dir(config.join("projects")).ok()?;
        projects.flatten().map(|p| p.path().join(&name)).find(|path| path.is_file())
    }

    /// Reads a conversation back. Lines it does not know are kept and mean nothing.
    pub(super) fn load(path: PathBuf, session: Uuid) -> std::io::Result<Self> {
        let mut all = Self::new(Path::new(""), Path::new(""), session);
        let text = std::fs::read_to_string(&path)?;
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).for_each(|entry| all.fold(&entry));
        (all.path, all.cost_before) = (path, all.cost);
        if !text.ends_with('\n') {
            // A torn last line is what a kill in mid-write leaves: it ends here, so that the next one is whole.
            all.store(&[Value::Null])?;
        }
        Ok(all)
    }

    /// The same conversation under another id, as a fork.
    pub(super) fn fork(self, config: &Path, cwd: &Path, session: Uuid) -> std::io::Result<Self> {
        let path = Self::new(config, cwd, session).path;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::copy(&self.path, &path)?;
        Self::load(path, session)
    }

    fn fold(&mut self, entry: &Value) {
        if let Some(uuid) = entry["uuid"].as_str().and_then(|u| Uuid::parse_str(u).ok()) {
            self.last = Some(uuid);
            if entry["type"] == "user" && results(entry).is_empty() {
                self.heard.insert(uuid);
            }
        }
        match entry["type"].as_str() {
            Some("devtask-script") => self.fold_script(entry),
            Some("deferred-tool-use") => self.deferred = Some(entry["toolUse"].clone()),
            Some("cost-state") => self.cost = entry["totalCostUSD"].as_f64().unwrap_or(self.cost),
            Some("user") => {
                for result in results(entry) {
                    result["content"].as_str().unwrap_or_default().clone_into(&mut self.last_result);
                    if self.deferred.as_ref().is_some_and(|d| d["id"] == result["tool_use_id"]) {
                        self.deferred = None;
                    }
                }
            }
            _ => {}
        }
    }

    fn fold_script(&mut self, entry: &Value) {
        if let Ok(script) = serde_json::from_value::<Script>(entry["script"].clone()) {
            self.cursor = Some(Cursor::new(script));
        }
        if let Some(cursor) = &mut self.cursor {
            let number = |name: &str| entry[name].as_u64().unwrap_or(0);
            cursor.round = usize::try_from(number("round")).unwrap_or(usize::MAX);
            cursor.step = usize::try_from(number("step")).unwrap_or(usize::MAX);
            cursor.marker = number("marker");
        }
    }

    /// The entry that notes where the script stands; with the script itself when it is new.
    pub(super) fn place(cursor: &Cursor, new: bool) -> Value {
        let mut entry = json!({ "type": "devtask-script", "round": cursor.round, "step": cursor.step, "marker": cursor.marker });
        if new {
            entry["script"] = json!(cursor.script);
        }
        entry
    }

    /// Adds entries, as they will be mirrored: message entries get their place in the chain.
    pub(super) fn append(&mut self, entries: Vec<Value>, facts: &Facts) -> std::io::Result<Vec<Value>> {
        let mut whole = Vec::with_capacity(entries.len());
        for mut entry in entries {
            entry["sessionId"] = json!(self.session);
            entry["timestamp"] = json!(facts.now);
            if entry.get("uuid").is_some() {
                entry["parentUuid"] = json!(self.last);
                entry["cwd"] = json!(facts.cwd);
                entry["version"] = json!(facts.version);
            }
            self.fold(&entry);
            whole.push(entry);
        }
        self.store(&whole)?;
        Ok(whole)
    }

    fn store(&self, entries: &[Value]) -> std::io::Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&self.path)?;
        let mut bytes = Vec::new();
        for entry in entries {
            bytes.extend_from_slice(entry.to_string().as_bytes());
            bytes.push(b'\n');
        }
        file.write_all(&bytes)
    }
}

/// What every message entry notes of its moment.
pub(super) struct Facts {
    pub(super) now: String,
    pub(super) cwd: PathBuf,
    pub(super) version: String,
}

fn results(entry: &Value) -> Vec<&Value> {
    let blocks = entry["message"]["content"].as_array();
    blocks.map(|b| b.iter().filter(|b| b["type"] == "tool_result").collect()).unwrap_or_default()
}
