//! The language of `claude`: stream-json on both pipes, sans-IO.
//!
//! ```text
//!   line ─► views (tolerant) ─┬─ report    assistant, tool results, notices: kept with the raw line
//!                             ├─ turns     result, state, lifecycle: outcome, usage, consumed
//!                             ├─ requests  hooks and permissions ─► policy ─► asks: held, answered, deferred
//!                             └─ other     passed through under its type
//!   word ─► speak (lines for its standard input)
//! ```
//! Knows the protocol as it was measured; must not know pipes, timers, sandboxes or who answers.

mod answers;
mod asks;
mod launch;
mod outcome;
mod plan;
mod policy;
mod report;
mod requests;
mod speak;
mod turns;
mod views;

use std::collections::BTreeSet;

use chrono::DateTime;
use serde_json::Value;
use uuid::Uuid;

use super::{Adapter, Launch, Line, Remedy, Signal, Start, Word, probe};
use crate::domain::Time;
use crate::domain::report::{Report, TurnOutcome, Usage};
use views::{Head, view};

/// Bytes of a text that travels in a report's typed part; the whole is in the raw line.
const MAX_TEXT: usize = 64 * 1024;
/// Lines in a row that are no JSON before we stop believing that this is an agent. A stray one is a library's warning.
const MAX_STRAY: u32 = 8;
const INITIALIZE: &str = "devtask-initialize";

/// One conversation with one process.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; they do not form one state")]
pub struct Claude {
    start: Start,
    policy: policy::Policy,
    asks: asks::Asks,
    plan: plan::Plan,
    /// The plan is still being made.
    planning: bool,
    /// The agent has answered `initialize`; before that nothing is said to it, for its hooks do not stand.
    ready: bool,
    waiting: Vec<(Uuid, String)>,
    /// Resumed, and idle since: a call that was put aside may come back by itself a moment later.
    quiet: bool,
    /// User lines it has not taken up yet.
    said: BTreeSet<Uuid>,
    running: bool,
    speaks_of_state: bool,
    ended: Option<turns::Ended>,
    /// What runs in the background.
    tasks: usize,
    usage: Usage,
    quota: Option<Time>,
    announced: bool,
    stray: u32,
    /// The last of them.
    babble: String,
    requests: u32,
    remedy: Option<Remedy>,
}

impl Claude {
    pub fn new(start: Start) -> Self {
        Self {
            policy: policy::Policy::new(&start.require_approval_for),
            plan: plan::Plan::new(&start.config_dir),
            planning: start.plan,
            asks: asks::Asks::default(),
            ready: false,
            waiting: Vec::new(),
            quiet: false,
            said: BTreeSet::new(),
            running: false,
            speaks_of_state: false,
            ended: None,
            tasks: 0,
            usage: Usage::default(),
            quota: None,
            announced: false,
            stray: 0,
            babble: String::new(),
            requests: 0,
            remedy: None,
            start,
        }
    }
}

impl Adapter for Claude {
    fn launch(&self) -> Launch {
        launch::launch(&self.start)
    }

    fn open(&mut self) -> Vec<Line> {
        vec![launch::initialize(INITIALIZE, &self.policy)]
    }

    fn heard(&mut self, line: Vec<u8>) -> Vec<Signal> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Vec::new();
        }
        match parse(&line) {
            Some(value) => {
                self.stray = 0;
                self.understood(&value, line)
            }
            None => self.strayed(line),
        }
    }

    fn tell(&mut self, word: Word) -> Vec<Signal> {
        match word {
            Word::Say { uuid, text } => self.say(uuid, text),
            Word::Answer { ask, answer } => {
                let mut signals = self.asks.answer(ask, answer);
                self.say_beside(&mut signals);
                signals.extend(self.hand_over());
                signals
            }
            Word::DeferAll => self.asks.defer_all(),
            Word::NothingComes => self.speaks_up(),
            Word::Interrupt => {
                self.waiting.clear();
                // Without `cancel_queued` a queued message starts the next turn at once.
                let request = serde_json::json!({"subtype": "interrupt", "cancel_queued": true});
                vec![self.request(&request)]
            }
        }
    }

    fn exited(&mut self, code: Option<i32>, stderr: &str) -> TurnOutcome {
        self.remedy = self.remedy.or(outcome::remedy(stderr));
        match self.ended.take() {
            Some(ended) => ended.outcome,
            None if self.stray > 0 && !self.ready => outcome::babbled(code, stderr, &self.babble),
            None => outcome::exited(code, stderr),
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        self.remedy
    }
}

impl Claude {
    fn understood(&mut self, value: &Value, line: Vec<u8>) -> Vec<Signal> {
        let head: Head = view(value);
        match head.kind.as_str() {
            "assistant" => self.assistant(&head, value, line),
            "user" => self.user(&head, value, line),
            "system" => self.system(&head, value, line),
            "stream_event" | "tool_progress" => {
                let mut signals = vec![Signal::Live(line)];
                self.went_on(head.tool_use_id.as_deref(), &mut signals);
                signals
            }
            "result" => with(vec![report::other(&head)], line, self.result(value)),
            "command_lifecycle" => with(vec![report::other(&head)], line, self.lifecycle(value)),
            "transcript_mirror" => {
                report::kept(vec![report::transcript(value, &self.start.config_dir)], line)
            }
            "rate_limit_event" => {
                let limit = view::<views::RateLimited>(value).rate_limit_info;
                let notice = self.rate_limited(&limit).unwrap_or_else(|| report::other(&head));
                report::kept(vec![notice], line)
            }
            // Traffic between host and agent is not kept.
            "control_request" => self.asked(value),
            "control_cancel_request" => self.asks.cancelled(&view::<views::Cancelled>(value).request_id),
            "control_response" => self.replied(value),
            "keep_alive" => Vec::new(),
            _ => report::kept(vec![report::other(&head)], line),
        }
    }

    fn assistant(&mut self, head: &Head, value: &Value, line: Vec<u8>) -> Vec<Signal> {
        let said: views::Said = view(value);
        let blocks = said.message.blocks();
        for block in &blocks {
            self.plan.watch(block);
        }
        let mut reports = report::assistant(head, &said.message.model, &blocks);
        reports.extend(self.rate_limited(&said.api_error_params.rate_limit_info));
        report::kept(reports, line)
    }

    fn user(&mut self, head: &Head, value: &Value, line: Vec<u8>) -> Vec<Signal> {
        let said: views::Said = view(value);
        let blocks = said.message.blocks();
        let mut signals = report::kept(report::user(head, &blocks), line);
        for block in blocks.iter().filter(|b| b.kind == "tool_result") {
            self.went_on(Some(&block.tool_use_id), &mut signals);
        }
        signals.extend(self.consumed(said.uuid.filter(|_| said.replay)));
        signals
    }

    fn system(&mut self, head: &Head, value: &Value, line: Vec<u8>) -> Vec<Signal> {
        match head.subtype.as_str() {
            "init" => self.init(head, value, line),
            "session_state_changed" => with(vec![report::other(head)], line, self.state(value)),
            "background_tasks_changed" => {
                let tasks = view::<views::Tasks>(value).tasks;
                self.tasks = tasks.iter().filter(|t| !t.ambient && !t.off_host).count();
                report::kept(vec![report::other(head)], line)
            }
            _ => {
                let mut signals = report::kept(vec![report::system(head, value)], line);
                self.went_on(
                    head.tool_use_id.as_deref().filter(|_| head.subtype == "task_started"),
                    &mut signals,
                );
                signals
            }
        }
    }

    /// Comes at every turn; the first is the start.
    fn init(&mut self, head: &Head, value: &Value, line: Vec<u8>) -> Vec<Signal> {
        let init: views::Init = view(value);
        if let Some(broken) = turns::refused_version(&init.claude_code_version) {
            return vec![broken];
        }
        if std::mem::replace(&mut self.announced, true) {
            return report::kept(vec![report::other(head)], line);
        }
        let started = Report::AgentStarted {
            session: init.session_id.unwrap_or(self.start.conversation),
            version: policy::cut(&init.claude_code_version, 100),
            model: init.model.map(|m| policy::cut(&m, 200)),
            resumed: self.start.resume,
        };
        report::kept(vec![started], line)
    }

    /// The agent went on with a call: its answer has reached it.
    fn went_on(&mut self, tool_use: Option<&str>, signals: &mut Vec<Signal>) {
        let Some(id) = tool_use else { return };
        let (seen, plan_approved) = self.asks.seen(id);
        signals.extend(seen);
        if plan_approved {
            self.planning = false;
            let mode = serde_json::json!({"subtype": "set_permission_mode", "mode": "acceptEdits"});
            signals.push(self.request(&mode));
        }
    }

    fn request(&mut self, request: &Value) -> Signal {
        self.requests = self.requests.wrapping_add(1);
        Signal::Write(speak::request(&format!("devtask-{}", self.requests), request))
    }

    /// Remembers until when the account's limit refuses us.
    fn rate_limited(&mut self, limit: &views::RateLimit) -> Option<Report> {
        if limit.status != "rejected" {
            return None;
        }
        self.quota = limit.resets_at.and_then(|at| DateTime::from_timestamp(at, 0));
        let until = self.quota.map_or_else(|| "an unknown time".to_owned(), |until| until.to_rfc3339());
        Some(report::note(&format!("The account's limit ({}) is used up until {until}.", limit.kind)))
    }

    fn strayed(&mut self, line: Vec<u8>) -> Vec<Signal> {
        self.stray += 1;
        let text = readable(&line);
        self.babble.clone_from(&text);
        if self.stray > MAX_STRAY {
            let cause = format!(
                "the agent's output is not its protocol: {MAX_STRAY} lines in a row are no JSON ({text})"
            );
            return vec![Signal::Broken { cause }];
        }
        report::kept(vec![report::note(&format!("The agent printed a line that is no JSON: {text}"))], line)
    }
}

fn with(reports: Vec<Report>, line: Vec<u8>, more: Vec<Signal>) -> Vec<Signal> {
    let mut signals = report::kept(reports, line);
    signals.extend(more);
    signals
}

/// A line as a person can read it.
fn readable(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text) if !text.chars().any(|c| c.is_control() && c != '\t') => policy::cut(text.trim(), 200),
        _ => "binary data".to_owned(),
    }
}

/// A JSON object; bytes that are no UTF-8 are replaced.
fn parse(line: &[u8]) -> Option<Value> {
    let value = match std::str::from_utf8(line) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_str(&String::from_utf8_lossy(line)),
    };
    value.ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests;
