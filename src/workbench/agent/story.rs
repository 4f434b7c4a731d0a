//! What the agent does when nobody gave it a script: something small and real, on any repository.
//!
//! Knows the sample repository by its files; must not know turns or pipes.

use std::path::{Path, PathBuf};

use crate::workbench::sample;
use crate::workbench::script::{Call, Script, Step};

/// The story for a prompt, seen from where the agent stands.
pub(super) fn untold(prompt: &str, cwd: &Path) -> Script {
    let first = if sample::is_here(cwd) { sample::repair() } else { anywhere(&title(prompt), cwd) };
    let later = Step::text(
        "Understood. Without a script I have only this one story, so I leave the files as they are.",
    );
    Script { rounds: vec![first, vec![later]] }
}

fn anywhere(title: &str, cwd: &Path) -> Vec<Step> {
    let before = std::fs::read_to_string(cwd.join("NOTES.md")).unwrap_or_else(|_| "# Notes\n".into());
    let lead = if before.ends_with('\n') { "" } else { "\n" };
    vec![
        Step::say(&format!(
            "I am the scripted agent. I will note the task “{title}” in NOTES.md and leave all else alone."
        )),
        Step::write("NOTES.md", &format!("{before}{lead}- {title}\n")),
        Step::text("NOTES.md has one more line, and nothing else is changed. Ready for review."),
    ]
}

/// The first line of the goal that says something, short.
fn title(prompt: &str) -> String {
    // DevTask's own first message says more than the task; its goal stands in a fence.
    let goal = prompt.split_once("# Goal\n").map_or(prompt, |(_, goal)| goal);
    let goal =
        goal.strip_prefix("<<<").and_then(|fenced| fenced.split_once('\n')).map_or(goal, |(_, goal)| goal);
    let line = goal.lines().map(|l| l.trim().trim_start_matches('#').trim()).find(|l| !l.is_empty());
    let title: String = line.unwrap_or("a task without words").chars().take(80).collect();
    title.trim_end().to_owned()
}

impl super::turn::Turn<'_> {
    /// The plan's file, written as any other file; its name follows from the plan.
    pub(super) fn plan_call(&self, plan: &str) -> Call {
        let slug: String = title(plan)
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(40)
            .collect();
        let path: PathBuf =
            self.desk.at.config_dir().join("plans").join(format!("{}.md", slug.trim_matches('-')));
        Call {
            name: "Write".into(),
            input: serde_json::json!({ "file_path": path, "content": plan }),
            id: None,
        }
    }
}
