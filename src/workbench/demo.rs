//! The demo's sessions: what each is asked and what its agent plays, on the sample repository.
//!
//! Three run two at a time, a fourth is cancelled. Each says numbered markers, so that lost and doubled events can be
//! counted, and each that may finish makes the test pass. Must not know who runs them.

use serde_json::{Value, json};

use super::sample::{HALF, REPAIRED};
use super::script::{Markers, Script, Step};

/// One session of the demo.
#[derive(Clone, Debug)]
pub struct Story {
    /// What `<script:NAME>` names.
    pub name: &'static str,
    pub title: &'static str,
    /// The series it says once, whatever happens to it.
    pub markers: Markers,
    pub script: Script,
}

impl Story {
    /// The brief with the script it carries.
    pub fn brief(&self) -> String {
        format!("{}\n\n{}", self.title, self.script.tag())
    }

    /// What a person must find once each in the session's thread when it is done: what the script asked, and how its
    /// last words begin.
    pub fn told(&self) -> Vec<String> {
        let steps = || self.script.rounds.iter().flatten();
        let asked = steps().filter_map(|step| step.ask.as_ref()?.get("question")?.as_str());
        let last = steps().filter_map(|step| step.text.as_ref()?.lines().next()).next_back();
        asked.chain(last).map(str::to_owned).collect()
    }
}

/// The four sessions, in the order they are made.
pub fn stories() -> Vec<Story> {
    vec![question(), later(), long(), cancelled()]
}

/// The script `<script:NAME>` stands for: a story of the demo, or one of the small ones.
pub fn named(name: &str) -> Option<Script> {
    let told = stories().into_iter().find(|story| story.name == name).map(|story| story.script);
    told.or_else(|| match name {
        "plan" => Some(plan()),
        "approval" => Some(approval()),
        _ => None,
    })
}

/// Asks and is answered in time; then its check fails, and the second round repairs what the first left.
fn question() -> Story {
    let markers = series("question", 10, 40);
    let ask =
        asking("How shall the greeting end?", "Greeting", &["With an exclamation mark", "With a full stop"]);
    let first = vec![
        Step::say("I will repair the greeting. One thing I cannot know."),
        said(&markers),
        ask,
        Step::say("{{last_tool_result}}"),
        Step::write("greet.sh", HALF),
        Step::text("The greeting has its comma now."),
    ];
    let second = vec![
        Step::say("The check is right: without a name nobody is greeted. I will repair that too."),
        Step::write("greet.sh", REPAIRED),
        Step::run("sh test.sh"),
        Step::text("Repaired. The test says:\n\n{{last_tool_result}}"),
    ];
    Story {
        name: "question",
        title: "Make the greeting polite",
        markers,
        script: Script { rounds: vec![first, second] },
    }
}

/// Asks, is left waiting until the call is deferred and its process is gone, and is answered later.
fn later() -> Story {
    let markers = series("later", 10, 40);
    let ask = asking("Which language comes first?", "Language", &["English", "Esperanto"]);
    let steps = vec![
        Step::say("I will repair the greeting and write down its language."),
        said(&markers),
        ask,
        Step::say("{{last_tool_result}}"),
        Step::write("greet.sh", REPAIRED),
        Step::write("LANGUAGES.md", "# Languages\n\nThe one that was chosen comes first.\n"),
        Step::text("The greeting is repaired, and LANGUAGES.md says which language comes first."),
    ];
    Story { name: "later", title: "Greet in the team's language", markers, script: Script::of(steps) }
}

/// Works long enough to be paused in the middle and resumed.
fn long() -> Story {
    let markers = series("long", 60, 100);
    let steps = vec![
        Step::say("This takes a while; pause me whenever you like."),
        said(&markers),
        Step::write("greet.sh", REPAIRED),
        Step::write("HISTORY.md", "# History\n\nThe greeting was repaired.\n"),
        Step::text("All markers are said and the greeting is repaired."),
    ];
    Story { name: "long", title: "Write the greeting's history", markers, script: Script::of(steps) }
}

/// Would work for a minute and is cancelled before.
fn cancelled() -> Story {
    let markers = series("cancelled", 600, 100);
    let steps = vec![
        Step::say("I begin with something nobody needs."),
        said(&markers),
        Step::text("Nobody has stopped me."),
    ];
    Story {
        name: "cancelled",
        title: "Rewrite the greeting in another language",
        markers,
        script: Script::of(steps),
    }
}

/// A plan that waits for approval, then is carried out.
fn plan() -> Script {
    let plan = "# Repair the greeting\n\n1. Add the comma.\n2. Greet the world without a name.\n";
    Script::of(vec![
        Step { plan: Some(plan.into()), ..Step::default() },
        Step::write("greet.sh", REPAIRED),
        Step::text("The plan is carried out."),
    ])
}

/// A command that a person may have to allow.
fn approval() -> Script {
    Script::of(vec![
        Step::run("sh test.sh"),
        Step::write("greet.sh", REPAIRED),
        Step::text("{{last_tool_result}}"),
    ])
}

fn series(name: &str, count: u64, every_ms: u64) -> Markers {
    Markers { count, every_ms, prefix: format!("{name} marker") }
}

fn said(markers: &Markers) -> Step {
    Step { markers: Some(markers.clone()), ..Step::default() }
}

fn asking(question: &str, header: &str, options: &[&str]) -> Step {
    let options: Vec<Value> =
        options.iter().map(|label| json!({ "label": label, "description": "" })).collect();
    let ask = json!({ "question": question, "header": header, "multiSelect": false, "options": options });
    Step { ask: Some(ask), ..Step::default() }
}

#[cfg(test)]
mod tests;
