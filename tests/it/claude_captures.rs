//! Every recorded conversation with the real agent, replayed through the adapter.
//!
//! Knows `tests/data/captures` (both directions, long strings trimmed) and what each of them showed; must not know how
//! the adapter works inside. What the host said in a recording becomes words to the adapter: answers, deferrals,
//! interrupts. Recordings of other agents' protocols (ACP, Codex) are not among them: this adapter does not speak them.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use devtask::agent::claude::Claude;
use devtask::agent::{Adapter, Signal, Start, Word};
use devtask::domain::AskId;
use devtask::domain::ask::{Answer, AskWhat, Decision};
use devtask::domain::report::{Report, Retry, TurnOutcome};
use serde_json::Value;
use uuid::Uuid;

/// What each recording must come to: one word a turn, and for a process that ended without one, how it stands.
const OUTCOMES: [(&str, &str); 37] = [
    ("context-overflow", "done done"),
    ("controls", "done done done"),
    ("dedupe-resume", "done done"),
    ("deferred-parallel", "deferred done"),
    ("deferred-permission", "deferred done deferred done"),
    ("deferred-prompt", "deferred done done"),
    ("deferred-question", "deferred done"),
    ("deferred-then-killed", "deferred gone gone done"),
    ("dont-ask", "done"),
    ("double-answer", "done done done done"),
    ("end-session", "interrupted"),
    ("fold-in", "done"),
    ("held-hook-answered", "done"),
    ("held-hook-then-defer", "deferred"),
    ("hooks-settings", "done"),
    ("interrupt", "interrupted done interrupted done"),
    ("killed-rescue", "gone done"),
    ("killed-then-resumed", "gone done"),
    ("max-budget", "failed:no"),
    ("max-turns", "failed:no done"),
    ("mirror", "done done done"),
    ("overloaded", "done failed:later failed:later failed:later failed:no failed:no done"),
    ("parallel-asks", "interrupted"),
    ("permission-denied", "done interrupted"),
    ("plan-mode", "done"),
    ("question", "done done done"),
    ("question-restart", "gone done"),
    ("question-restart-rescue", "gone done"),
    ("replay-dup", "done"),
    ("resume-variants", "done gone done done done done done failed:later done"),
    ("root-bypass", "failed:no done"),
    ("sdk-js-query", "done"),
    ("seq-close", "done done"),
    ("sigint", "interrupted gone gone"),
    ("stdin-close", "done interrupted"),
    ("structured", "done"),
    ("success", "done"),
];

/// Recordings in which tools other than questions and plans wait for a person.
const APPROVALS: [(&str, &str); 4] = [
    ("deferred-permission", "Bash"),
    ("permission-denied", "Bash"),
    ("parallel-asks", "Write"),
    ("sdk-js-query", "Write"),
];

#[test]
fn every_recording_ends_as_the_table_of_the_protocol_says() {
    let mut told = BTreeMap::new();
    for (name, want) in OUTCOMES {
        let replay = Replay::run(name);
        assert_eq!(replay.outcomes.join(" "), want, "{name}:\n{}", replay.text);
        assert!(!replay.text.contains("broken"), "{name}:\n{}", replay.text);
        told.insert(name, replay.text);
    }
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        for (name, text) in told {
            insta::assert_snapshot!(format!("capture-{name}"), text);
        }
    });
}

#[test]
fn no_recording_is_left_out() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, OUTCOMES.map(|(name, _)| name.to_owned()));
}

#[test]
fn every_call_that_waited_for_a_person_is_held() {
    let asking = ["AskUserQuestion", "ExitPlanMode"];
    for (name, _) in OUTCOMES {
        let replay = Replay::run(name);
        for row in rows(name).iter().filter(|r| r["dir"] == "out") {
            let request = &row["msg"]["request"];
            let tool = request["tool_name"].as_str().or(request["input"]["tool_name"].as_str());
            if let (true, Some(id)) =
                (tool.is_some_and(|t| asking.contains(&t)), request["tool_use_id"].as_str())
            {
                assert!(replay.text.contains(&format!("held {id}")), "{name}: {id}");
            }
        }
    }
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures")
}

fn rows(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.ndjson"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One recording on its way through.
struct Replay {
    name: &'static str,
    adapter: Claude,
    /// The recorded id of our own `initialize`.
    initialize: Value,
    /// Which call a recorded request of the agent was about.
    calls: BTreeMap<String, String>,
    open: bool,
    outcomes: Vec<String>,
    others: Vec<String>,
    text: String,
    stderr: String,
}

impl Replay {
    fn run(name: &'static str) -> Self {
        let mut replay = Self {
            name,
            adapter: Claude::new(start(name, &Value::Null)),
            initialize: Value::Null,
            calls: BTreeMap::new(),
            open: false,
            outcomes: Vec::new(),
            others: Vec::new(),
            text: String::new(),
            stderr: String::new(),
        };
        for row in rows(name) {
            replay.row(&row);
        }
        replay.flush();
        replay
    }

    fn row(&mut self, row: &Value) {
        let signals = match row["dir"].as_str().unwrap() {
            "spawn" => {
                // One recording starts a second process beside the first: what the first had to say is said.
                self.exited(Some(0));
                self.adapter = Claude::new(start(self.name, &row["args"]));
                self.open = true;
                self.stderr.clear();
                let resumed = self.adapter.launch().argv.contains(&"--resume".to_owned());
                self.tell(if resumed { "-- resumed" } else { "-- started" });
                Vec::new()
            }
            "in" => self.said(&row["msg"]),
            "out" => {
                let mut msg = row["msg"].clone();
                if msg["response"]["request_id"] == self.initialize && !self.initialize.is_null() {
                    msg["response"]["request_id"] = "devtask-initialize".into();
                }
                if let Some(id) = msg["request_id"].as_str() {
                    let call = msg["request"]["tool_use_id"].as_str().unwrap_or_default();
                    self.calls.insert(id.to_owned(), call.to_owned());
                }
                self.adapter.heard(msg.to_string().into_bytes())
            }
            "err" => {
                self.stderr += row["line"].as_str().unwrap();
                Vec::new()
            }
            "exit" => {
                self.exited(row["code"].as_i64());
                Vec::new()
            }
            _ => Vec::new(),
        };
        for signal in signals {
            self.signal(signal);
        }
    }

    /// What the recorded host said, as words.
    fn said(&mut self, msg: &Value) -> Vec<Signal> {
        match msg["type"].as_str() {
            Some("user") => {
                self.open = true;
                let uuid = msg["uuid"].as_str().and_then(|u| Uuid::parse_str(u).ok());
                let say = uuid.map(|uuid| Word::Say { uuid, text: "…".to_owned() });
                say.map(|word| self.adapter.tell(word)).unwrap_or_default()
            }
            Some("control_request") if msg["request"]["subtype"] == "initialize" => {
                self.initialize = msg["request_id"].clone();
                Vec::new()
            }
            Some("control_request") if msg["request"]["subtype"] == "interrupt" => {
                self.adapter.tell(Word::Interrupt)
            }
            Some("control_response") => {
                let id = msg["response"]["request_id"].as_str().unwrap_or_default();
                let ask = AskId(self.calls.get(id).cloned().unwrap_or_default());
                match word(ask, &msg["response"]["response"]) {
                    Some(word) => self.adapter.tell(word),
                    None => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    fn exited(&mut self, code: Option<i64>) {
        let code = code.and_then(|c| i32::try_from(c).ok()).filter(|c| *c >= 0);
        if std::mem::replace(&mut self.open, false) {
            let outcome = self.adapter.exited(code, &self.stderr);
            let remedy = self.adapter.remedy().map(|r| format!(" {r:?}")).unwrap_or_default();
            self.outcomes.push(label(&outcome).replace("failed:later", "gone"));
            self.tell(&format!("exited {code:?}: {}{remedy}", shown(&outcome)));
        }
    }

    fn signal(&mut self, signal: Signal) {
        let line = match signal {
            Signal::Report { report: Report::Other { what }, raw } => {
                assert!(raw.is_some(), "{what} lost its line");
                return self.others.push(what);
            }
            Signal::Report { report, .. } => shorten(&serde_json::to_string(&report).unwrap(), 160),
            Signal::Live(_) => return self.others.push("live".to_owned()),
            Signal::Held { ask, what } => match what {
                AskWhat::Questions { questions } => {
                    let asked: Vec<String> = questions.into_iter().map(|q| q.question).collect();
                    format!("held {ask}: {}", asked.join(" | "))
                }
                AskWhat::Permission { tool, detail } => {
                    format!("held {ask}: {tool} {}", shorten(&detail, 80))
                }
                AskWhat::Plan { text } => format!("held {ask}: plan {}", shorten(&text, 80)),
            },
            Signal::TakenBack { ask, why } => format!("taken back {ask}: {why}"),
            Signal::Consumed { uuid } => format!("consumed {uuid}"),
            Signal::TurnBegan => return self.others.push("a turn began".to_owned()),
            Signal::MayComeBack => {
                self.tell("an answer waits for its call, and it does not come back");
                for signal in self.adapter.tell(Word::NothingComes) {
                    self.signal(signal);
                }
                return;
            }
            Signal::TurnEnded { outcome, usage, queued } => {
                self.open = false;
                self.outcomes.push(label(&outcome));
                let more = if queued > 0 { format!(", {queued} more") } else { String::new() };
                format!(
                    "turn ended: {} ({} µ$, {} turns{more})",
                    shown(&outcome),
                    usage.cost_micro_usd,
                    usage.turns
                )
            }
            Signal::Write(line) => {
                let line: Value = serde_json::from_slice(&line).expect("only JSON is written");
                format!("write {}", shorten(&line.to_string(), 160))
            }
            Signal::Broken { cause } => format!("broken: {cause}"),
        };
        self.tell(&line);
    }

    fn tell(&mut self, line: &str) {
        self.flush();
        let _ = writeln!(self.text, "{line}");
    }

    /// Lines that were only passed on, together.
    fn flush(&mut self) {
        let mut others = std::mem::take(&mut self.others);
        others.dedup();
        if !others.is_empty() {
            let _ = writeln!(self.text, "  . {}", others.join(" "));
        }
    }
}

/// A recorded answer of the host as the word that would have led to it.
fn word(ask: AskId, response: &Value) -> Option<Word> {
    let hook = &response["hookSpecificOutput"];
    let input = [&response["updatedInput"], &hook["updatedInput"]].into_iter().find(|i| i.is_object());
    let answers = input.and_then(|i| serde_json::from_value(i["answers"].clone()).ok());
    let decide = |decide, message: &Value| {
        let message = message.as_str().map(str::to_owned);
        Some(Word::Answer { ask: ask.clone(), answer: Answer::Decide { decide, message } })
    };
    match (answers, hook["permissionDecision"].as_str(), response["behavior"].as_str()) {
        (Some(answers), ..) => Some(Word::Answer { ask, answer: Answer::Answers { answers } }),
        (None, Some("defer"), _) => Some(Word::DeferAll),
        (None, Some("allow"), _) | (None, None, Some("allow")) => decide(Decision::Allow, &Value::Null),
        (None, Some("deny"), _) | (None, None, Some("deny")) => decide(Decision::Deny, &response["message"]),
        _ => None,
    }
}

fn start(name: &str, args: &Value) -> Start {
    let args: Vec<&str> = args.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let after = |flag: &str| args.iter().position(|a| *a == flag).and_then(|at| args.get(at + 1)).copied();
    let conversation = after("--session-id").or(after("--resume")).and_then(|id| Uuid::parse_str(id).ok());
    let approvals = APPROVALS.iter().filter(|(n, _)| *n == name).map(|(_, tool)| (*tool).to_owned());
    Start {
        command: vec!["claude".to_owned()],
        conversation: conversation.unwrap_or(Uuid::nil()),
        resume: args.contains(&"--resume"),
        model: None,
        effort: None,
        plan: after("--permission-mode") == Some("plan"),
        require_approval_for: approvals.collect(),
        config_dir: "/workspace/.claude-config".into(),
    }
}

fn label(outcome: &TurnOutcome) -> String {
    match outcome {
        TurnOutcome::Completed { .. } => "done",
        TurnOutcome::Deferred { .. } => "deferred",
        TurnOutcome::Interrupted => "interrupted",
        TurnOutcome::Failed { retry: Retry::No, .. } => "failed:no",
        TurnOutcome::Failed { retry: Retry::Later, .. } => "failed:later",
        TurnOutcome::Failed { retry: Retry::Quota { .. }, .. } => "failed:quota",
    }
    .to_owned()
}

fn shown(outcome: &TurnOutcome) -> String {
    match outcome {
        TurnOutcome::Completed { text } => format!("done “{}”", shorten(text, 80)),
        TurnOutcome::Deferred { ask } => format!("deferred {ask}"),
        TurnOutcome::Failed { message, .. } => format!("{} “{}”", label(outcome), shorten(message, 120)),
        TurnOutcome::Interrupted => label(outcome),
    }
}

fn shorten(text: &str, max: usize) -> String {
    let line = text.replace('\n', "⏎");
    if line.chars().count() > max { line.chars().take(max).chain(['…']).collect() } else { line }
}
