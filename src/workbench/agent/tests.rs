//! The agent over in-memory pipes, held against what the real one was seen to do.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};
use uuid::Uuid;

use super::*;
use crate::workbench::script::{Markers, Script, Tally};

mod asks;
mod life;
mod markers;

/// A place where an agent runs: its working directory and its config dir.
struct Place {
    cwd: TempDir,
    config: TempDir,
    session: Uuid,
    /// Further environment.
    env: Vec<(&'static str, &'static str)>,
}

impl Place {
    fn new() -> Self {
        let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Self { cwd, config, session: Clock::system().random_id(), env: Vec::new() }
    }

    fn surroundings(&self) -> Surroundings {
        let mut env = BTreeMap::from(
            [
                ("CLAUDE_CONFIG_DIR", self.config.path().to_str().unwrap()),
                ("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1"),
                ("IS_SANDBOX", "1"),
                ("PATH", std::env::var("PATH").unwrap().as_str()),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned())),
        );
        env.extend(self.env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        Surroundings { env, cwd: self.cwd.path().into(), clock: Clock::system(), pid: 1 }
    }

    fn start(&self, more: &[&str]) -> Driven {
        self.spawn(&["--session-id", &self.session.to_string()], more)
    }

    fn resume(&self, more: &[&str]) -> Driven {
        self.spawn(&["--resume", &self.session.to_string()], more)
    }

    fn spawn(&self, first: &[&str], more: &[&str]) -> Driven {
        let usual = "-p --output-format stream-json --verbose --input-format stream-json --permission-prompt-tool stdio";
        let args: Vec<String> = usual
            .split(' ')
            .chain(first.iter().copied())
            .chain(more.iter().copied())
            .map(Into::into)
            .collect();
        drive(args, self.surroundings())
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.cwd.path().join(name)).unwrap_or_default()
    }
}

fn drive(args: Vec<String>, at: Surroundings) -> Driven {
    let (stdin, input) = tokio::io::duplex(1 << 20);
    let (output, stdout) = tokio::io::duplex(1 << 16);
    let (errors, stderr) = tokio::io::duplex(1 << 16);
    let (signal, signals) = mpsc::channel(4);
    let io = Stdio { input: Box::new(input), output: Box::new(output), errors: Box::new(errors), signals };
    let task = tokio::spawn(async move { run(io, &args, at).await });
    Driven {
        stdin: Some(stdin),
        stdout: BufReader::new(stdout).lines(),
        stderr,
        signal,
        task,
        heard: Vec::new(),
    }
}

/// A running agent and everything it said.
struct Driven {
    stdin: Option<DuplexStream>,
    stdout: Lines<BufReader<DuplexStream>>,
    stderr: DuplexStream,
    signal: mpsc::Sender<Signal>,
    task: tokio::task::JoinHandle<End>,
    heard: Vec<Value>,
}

impl Driven {
    async fn send(&mut self, line: Value) {
        self.send_raw(format!("{line}\n").as_bytes()).await;
    }

    async fn send_raw(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    async fn initialize(&mut self, matcher: Option<&str>) {
        let hooks = matcher
            .map(|m| json!({ "PreToolUse": [{ "matcher": m, "hookCallbackIds": ["h0"], "timeout": 3600 }] }));
        self.control("init", json!({ "subtype": "initialize", "hooks": hooks })).await;
    }

    async fn control(&mut self, id: &str, request: Value) {
        self.send(json!({ "type": "control_request", "request_id": id, "request": request })).await;
    }

    async fn say(&mut self, text: &str) -> Uuid {
        let uuid = Clock::system().random_id();
        self.say_as(uuid, text).await;
        uuid
    }

    async fn say_as(&mut self, uuid: Uuid, text: &str) {
        let message = json!({ "role": "user", "content": text });
        self.send(json!({ "type": "user", "message": message, "parent_tool_use_id": null, "uuid": uuid }))
            .await;
    }

    async fn answer(&mut self, request: &Value, response: Value) {
        let response =
            json!({ "subtype": "success", "request_id": request["request_id"], "response": response });
        self.send(json!({ "type": "control_response", "response": response })).await;
    }

    async fn hook(&mut self, request: &Value, decision: &str, input: Option<Value>) {
        let mut own = json!({ "hookEventName": "PreToolUse", "permissionDecision": decision });
        if let Some(input) = input {
            own["updatedInput"] = input;
        }
        self.answer(request, json!({ "hookSpecificOutput": own })).await;
    }

    /// Reads on until a line is wanted; that line.
    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = tokio::time::timeout(Duration::from_secs(20), self.stdout.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("nothing more came after {}", self.story()));
            let Some(line) = line.unwrap() else { panic!("the agent ended after {}", self.story()) };
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "not": "json" }));
            self.heard.push(line.clone());
            if wanted(&line) {
                return line;
            }
        }
    }

    async fn kind(&mut self, kind: &'static str) -> Value {
        self.until(|l| l["type"] == kind).await
    }

    async fn request(&mut self, subtype: &'static str) -> Value {
        self.until(|l| l["type"] == "control_request" && l["request"]["subtype"] == subtype).await
    }

    async fn idle(&mut self) {
        self.until(|l| l["state"] == "idle").await;
    }

    /// Closes the input; how the agent ends and what it said on standard error.
    async fn end(mut self) -> (End, Vec<Value>, String) {
        drop(self.stdin.take());
        while let Ok(Some(line)) = self.stdout.next_line().await {
            self.heard.push(serde_json::from_str(&line).unwrap_or_else(|_| json!({ "not": "json" })));
        }
        let end = tokio::time::timeout(Duration::from_secs(20), self.task).await.unwrap().unwrap();
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).await.unwrap();
        (end, self.heard, said)
    }

    fn story(&self) -> String {
        story(&self.heard)
    }
}

/// What a host sees, one short line each, ids left out.
fn story(lines: &[Value]) -> String {
    lines.iter().map(brief).collect::<Vec<_>>().join("\n")
}

fn brief(line: &Value) -> String {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    match line["type"].as_str().unwrap_or_default() {
        "system" if line["subtype"] == "session_state_changed" => format!("state {}", text(&line["state"])),
        "system" => format!("system/{}", text(&line["subtype"])),
        "command_lifecycle" => format!("lifecycle {}", text(&line["state"])),
        "control_response" => "reply".into(),
        "control_request" => format!(
            "request {} {}",
            text(&line["request"]["subtype"]),
            text(line["request"].get("tool_name").unwrap_or(&line["request"]["input"]["tool_name"]))
        ),
        "assistant" => {
            let block = &line["message"]["content"][0];
            match block["type"].as_str() {
                Some("tool_use") => format!("assistant calls {}", text(&block["name"])),
                _ => format!("assistant: {}", text(&block["text"])),
            }
        }
        "user" => match &line["message"]["content"] {
            Value::Array(blocks) => {
                let block = &blocks[0];
                let words = block["content"].as_str().or(block["text"].as_str()).unwrap_or_default();
                format!("user: {}", words.chars().take(300).collect::<String>())
            }
            _ => "user: replay".into(),
        },
        "result" => format!("result {} {}", text(&line["subtype"]), text(&line["terminal_reason"])),
        other => other.to_owned(),
    }
}

fn scripted(script: &str) -> String {
    format!("go <script>{script}</script>")
}

fn texts(lines: &[Value]) -> Vec<String> {
    let said = lines.iter().filter(|l| l["type"] == "assistant");
    said.filter_map(|l| l["message"]["content"][0]["text"].as_str().map(Into::into)).collect()
}
