//! The one script language of the scripted agent and the scripted model.
//!
//! A prompt carries its script anywhere in its text: `<script>[ steps ]</script>`, or
//! `<script>{"rounds": [[steps], [steps]]}</script>`, or by name, `<script:question>` (see [`super::demo`]).
//! The newest user message with a script wins. Within a round the steps are played one after the other; a step that
//! is only `text` ends the turn, and the next user message goes on behind it. A new user message that finds its
//! round played to the end starts the next round; past the last one there is [`OVER`].
//! Knows how a script is found and what a step may hold; must not know who plays it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

mod cursor;
mod markers;
#[cfg(test)]
mod tests;

pub use cursor::Cursor;
pub use markers::{Markers, Tally, marker_id};

/// What is said when the script is played to its end.
pub const OVER: &str = "(script over)";

/// Steps in rounds; a plain list of steps is one round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub rounds: Vec<Vec<Step>>,
}

/// One tool call of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    pub name: String,
    #[serde(default)]
    pub input: Value,
    /// A fixed `tool_use` id; minted if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// One action. A field the language does not know makes the whole script a bad one, said in its first answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    // Both play these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Said while the turn goes on. The model sends it in one message with the step behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Call>,
    /// A command for the agent's own shell: `{"tool": "Bash", "input": {"command": …}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// A whole file: `{"path": …, "content": …}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<WriteFile>,
    /// One replacement: `{"path": …, "old": …, "new": …}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edit: Option<EditFile>,
    /// One question or several in one call: `{question, header, options, multiSelect}` or a list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask: Option<Value>,
    /// Several calls of the same turn, each a value as in `ask`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Value>,
    /// A plan in Markdown: written to the plans folder, then shown through `ExitPlanMode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The text, so many times over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<usize>,
    /// Seconds before the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<f64>,
    /// Seconds of silence (the model keeps its stream open with pings), then the step goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hang: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Map<String, Value>>,

    // The model plays these; the agent plays `error` as `api_error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
    /// Seconds between text deltas of `chunk` characters (20 unless said).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk_delay: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<usize>,
    /// Cuts the connection after half of the text.
    pub drop: bool,
    /// An HTTP error of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<u16>,
    /// Only so many first tries fail; absent: all do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,

    // Only the agent plays these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markers: Option<Markers>,
    /// So many tool calls at full speed.
    #[serde(rename = "loop", skip_serializing_if = "Option::is_none")]
    pub repeat_call: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flood: Option<Flood>,
    /// One message of so many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_line: Option<usize>,
    /// Bytes that are no protocol: invalid UTF-8, NULs, text that is not JSON.
    pub garbage: bool,
    /// SIGTERM does nothing from here on.
    pub ignore_sigterm: bool,
    /// Leaves a process in a session of its own behind that lives so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spawn: Option<u64>,
    /// Milliseconds before the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_error: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteFile {
    pub path: String,
    pub content: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditFile {
    pub path: String,
    pub old: String,
    pub new: String,
}

/// How the agent dies in the middle of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
}

/// So many messages of so many bytes, without a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flood {
    pub lines: u64,
    pub bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Seconds until the limit is lifted.
    pub resets_in: u64,
}

impl Script {
    /// The script this text carries or names, the last one if several; `None` if there is none. A script that cannot
    /// be read becomes one that says so.
    pub fn find(text: &str) -> Option<Self> {
        let mut found = None;
        let mut rest = text;
        while let Some(at) = rest.find("<script") {
            rest = rest.get(at + "<script".len()..).unwrap_or_default();
            if let Some(name) = rest.strip_prefix(':').and_then(|r| r.split_once('>')) {
                found = super::demo::named(name.0).or(found);
            } else if let Some((body, _)) = rest.strip_prefix('>').and_then(|r| r.split_once("</script>"))
                && body.trim_start().starts_with(['[', '{'])
            {
                found = Some(Self::read(body));
            }
        }
        found
    }

    fn read(body: &str) -> Self {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape {
            Steps(Vec<Value>),
            Rounds(Map<String, Value>),
        }
        let parsed = serde_json::from_str(body).and_then(|shape| match shape {
            Shape::Steps(steps) => serde_json::from_value(json!({ "rounds": [steps] })),
            Shape::Rounds(rounds) => serde_json::from_value(Value::Object(rounds)),
        });
        parsed.unwrap_or_else(|e| Self::of(vec![Step::text(&format!("bad script: {e}"))]))
    }

    /// One round.
    pub fn of(steps: Vec<Step>) -> Self {
        Self { rounds: vec![steps] }
    }

    /// As a prompt carries it.
    pub fn tag(&self) -> String {
        let body = match self.rounds.as_slice() {
            [only] => serde_json::to_string(only),
            _ => serde_json::to_string(self),
        };
        format!("<script>{}</script>", body.unwrap_or_default())
    }
}

impl Step {
    pub fn text(text: &str) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    pub fn say(text: &str) -> Self {
        Self { say: Some(text.into()), ..Self::default() }
    }

    pub fn run(command: &str) -> Self {
        Self { run: Some(command.into()), ..Self::default() }
    }

    pub fn write(path: &str, content: &str) -> Self {
        Self { write: Some(WriteFile { path: path.into(), content: content.into() }), ..Self::default() }
    }

    /// The step's tool calls in the agent's own words, without `plan` (which is two turns for the agent).
    pub fn calls(&self) -> Vec<Call> {
        let named = self.tool.iter().map(|name| call(name, self.input.clone().unwrap_or_else(|| json!({}))));
        let run = self.run.iter().map(|command| call("Bash", json!({ "command": command })));
        let write =
            self.write.iter().map(|f| call("Write", json!({ "file_path": f.path, "content": f.content })));
        let edit = self
            .edit
            .iter()
            .map(|f| call("Edit", json!({ "file_path": f.path, "old_string": f.old, "new_string": f.new })));
        let asks = self.ask.iter().chain(&self.asks).map(|ask| call("AskUserQuestion", questions(ask)));
        self.tools.iter().cloned().chain(named).chain(run).chain(write).chain(edit).chain(asks).collect()
    }

    /// Whether the turn is over when this step is played: it says something and calls nothing.
    pub fn ends_turn(&self) -> bool {
        self.text.is_some() && self.plan.is_none() && self.calls().is_empty()
    }
}

fn call(name: &str, input: Value) -> Call {
    Call { name: name.into(), input, id: None }
}

fn questions(ask: &Value) -> Value {
    let list = match ask {
        Value::Array(many) => many.clone(),
        one => vec![one.clone()],
    };
    json!({ "questions": list.iter().map(whole_question).collect::<Vec<_>>() })
}

/// Fills in what a script need not say: a header, `multiSelect`, and options given as bare labels.
fn whole_question(q: &Value) -> Value {
    let text = q.get("question").and_then(Value::as_str).or_else(|| q.as_str()).unwrap_or("Which one?");
    let header: String =
        q.get("header").and_then(Value::as_str).unwrap_or("Question").chars().take(12).collect();
    let options = q
        .get("options")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_else(|| vec![json!("Yes"), json!("No")]);
    let options: Vec<Value> = options
        .into_iter()
        .map(|o| if o.is_string() { json!({ "label": o, "description": "" }) } else { o })
        .collect();
    let many = q.get("multiSelect").and_then(Value::as_bool).unwrap_or(false);
    json!({ "question": text, "header": header, "options": options, "multiSelect": many })
}
