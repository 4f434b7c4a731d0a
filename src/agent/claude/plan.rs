//! The plan the agent writes: `ExitPlanMode` does not carry it, so it is followed as it is written to its file.
//!
//! Knows `<config dir>/plans/*.md` and the tools that write there; must not know who approves.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::MAX_TEXT;
use super::views::Block;

#[derive(Debug)]
pub(super) struct Plan {
    dir: PathBuf,
    text: String,
    /// What the agent said last: all there is to show of a plan that was never written down.
    words: String,
}

impl Plan {
    pub(super) fn new(config_dir: &Path) -> Self {
        Self { dir: config_dir.join("plans"), text: String::new(), words: String::new() }
    }

    pub(super) fn text(&self) -> &str {
        if self.text.trim().is_empty() { &self.words } else { &self.text }
    }

    /// Whether a file of this path is a plan.
    pub(super) fn is_at(&self, path: &str) -> bool {
        let path = Path::new(path);
        let climbs = path.components().any(|c| c == std::path::Component::ParentDir);
        path.starts_with(&self.dir) && !climbs && path.extension().is_some_and(|e| e == "md")
    }

    /// Follows what the agent says and writes.
    pub(super) fn watch(&mut self, block: &Block) {
        if block.kind == "text" && !block.text.trim().is_empty() {
            self.words = super::policy::cut(&block.text, MAX_TEXT);
        }
        let field = |key: &str| block.input.get(key).and_then(Value::as_str);
        match block.name.as_str() {
            "Write" if field("file_path").is_some_and(|p| self.is_at(p)) => {
                self.set(field("content").unwrap_or_default());
            }
            "Edit" if field("file_path").is_some_and(|p| self.is_at(p)) => {
                let (old, new) =
                    (field("old_string").unwrap_or_default(), field("new_string").unwrap_or_default());
                let all = block.input.get("replace_all").and_then(Value::as_bool).unwrap_or(false);
                self.edit(old, new, all);
            }
            "ExitPlanMode" => {
                if let Some(text) = field("plan").filter(|t| !t.trim().is_empty()) {
                    self.set(text);
                }
            }
            _ => {}
        }
    }

    fn edit(&mut self, old: &str, new: &str, all: bool) {
        let known = !old.is_empty() && self.text.contains(old);
        match (known, all) {
            (true, true) => self.set(&self.text.replace(old, new)),
            (true, false) => self.set(&self.text.replacen(old, new, 1)),
            // We never saw the file (it was written before a resume): the new words are all there is to show.
            (false, _) => self.set(new),
        }
    }

    fn set(&mut self, text: &str) {
        self.text = super::policy::cut(text, MAX_TEXT);
    }
}
