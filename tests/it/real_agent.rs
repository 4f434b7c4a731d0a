//! The real `claude` binary on the scripted model, and the scripted agent as a process.
//!
//! The real binary is 360 MB and comes from outside: where `DEVTASK_CLAUDE` (its path) is not set, or
//! `$DEVTASK_CACHE/claude` has no package of it, the suite says so and passes.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use devtask::workbench::model::Model;
use serde_json::{Value, json};

/// The real binary, from `DEVTASK_CLAUDE` or unpacked from the cache.
fn claude() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("DEVTASK_CLAUDE") {
        return Some(PathBuf::from(path));
    }
    let cache = std::env::var_os("DEVTASK_CACHE")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/devtask")))?;
    let packages = std::fs::read_dir(cache.join("claude")).ok()?;
    let package = packages.flatten().map(|e| e.path()).find(|p| p.to_string_lossy().contains("linux-x64"))?;
    let into = cache.join("claude/unpacked").join(package.file_stem()?);
    let binary = into.join("package/claude");
    if !binary.is_file() {
        std::fs::create_dir_all(&into).ok()?;
        let done = Command::new("tar").arg("-xzf").arg(&package).arg("-C").arg(&into).status().ok()?;
        assert!(done.success(), "cannot unpack {}", package.display());
    }
    Some(binary)
}

struct Agent {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    heard: Vec<Value>,
}

impl Agent {
    fn start(program: &Path, more: &[&str], model: &Model, cwd: &Path, config: &Path) -> Self {
        let usual = "-p --output-format stream-json --verbose --input-format stream-json \
            --permission-prompt-tool stdio --setting-sources=";
        let mut child = Command::new(program)
            .args(usual.split_whitespace())
            .args(more)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", config)
            .env("CLAUDE_CONFIG_DIR", config)
            .env("ANTHROPIC_BASE_URL", model.url())
            .env("ANTHROPIC_API_KEY", "dummy")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("IS_SANDBOX", "1")
            .current_dir(cwd)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, heard: Vec::new() }
    }

    fn send(&mut self, line: &Value) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        for line in self.lines.by_ref() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            self.heard.push(line.clone());
            if wanted(&line) {
                return line;
            }
        }
        panic!("the agent ended after {:#?}", self.heard);
    }

    fn initialize(&mut self) {
        let hooks = json!({ "PreToolUse": [{ "matcher": "AskUserQuestion", "hookCallbackIds": ["h0"], "timeout": 3600 }] });
        let request = json!({ "subtype": "initialize", "hooks": hooks });
        self.send(&json!({ "type": "control_request", "request_id": "init", "request": request }));
    }

    fn say(&mut self, text: &str) {
        let message = json!({ "role": "user", "content": text });
        let uuid = devtask::clock::Clock::system().random_id();
        self.send(&json!({ "type": "user", "message": message, "parent_tool_use_id": null, "uuid": uuid }));
    }

    fn decide(&mut self, held: &Value, decision: &str, input: Option<Value>) {
        let mut own = json!({ "hookEventName": "PreToolUse", "permissionDecision": decision });
        if let Some(input) = input {
            own["updatedInput"] = input;
        }
        let response = json!({ "subtype": "success", "request_id": held["request_id"],
            "response": { "hookSpecificOutput": own } });
        self.send(&json!({ "type": "control_response", "response": response }));
    }

    fn end(mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        for line in self.lines.by_ref() {
            self.heard.push(serde_json::from_str(&line.unwrap()).unwrap());
        }
        self.child.wait().unwrap().code()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}

/// The same story for both agents, told through the same lines: a question deferred, a resume, an answer, a file.
fn deferral(program: &Path, model: &Model) {
    let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let id = devtask::clock::Clock::system().random_id().to_string();
    let start = |more: &[&str]| Agent::start(program, more, model, cwd.path(), config.path());
    let mode = ["--permission-mode", "bypassPermissions"];
    let mut agent = start(&[&mode[..], &["--session-id", &id]].concat());
    agent.initialize();
    let path = cwd.path().join("made.txt");
    let script = json!([
        { "say": "I need a decision.", "ask": { "question": "Which database?", "header": "Database", "options": ["SQLite", "Postgres"] } },
        { "write": { "path": path, "content": "made\n" } },
        { "run": "cat made.txt" },
        { "text": "Then: {{last_tool_result}}" },
    ]);
    agent.say(&format!("go <script>{script}</script>"));
    let held = agent.until(|l| l["request"]["subtype"] == "hook_callback");
    agent.decide(&held, "defer", None);
    let result = agent.until(|l| l["type"] == "result");
    assert_eq!(result["terminal_reason"], "tool_deferred");
    assert_eq!(agent.end(), Some(0));

    let mut agent = start(&[&mode[..], &["--resume", &id, "--await-initialize"]].concat());
    agent.initialize();
    let again = agent.until(|l| l["request"]["subtype"] == "hook_callback");
    assert_eq!(again["request"]["tool_use_id"], held["request"]["tool_use_id"]);
    let mut input = again["request"]["input"]["tool_input"].clone();
    input["answers"] = json!({ "Which database?": "SQLite" });
    agent.decide(&again, "allow", Some(input));
    let result = agent.until(|l| l["type"] == "result");
    assert_eq!((&result["is_error"], &result["result"]), (&json!(false), &json!("Then: made")));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "made\n");
    agent.until(|l| l["state"] == "idle");
    assert_eq!(agent.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_agent_plays_a_deferral_on_the_scripted_model_and_breaks_no_law() {
    let Some(claude) = claude() else {
        eprintln!("skipped: no real claude binary; set DEVTASK_CLAUDE to its path");
        return;
    };
    let model = Model::start().await.unwrap();
    tokio::task::block_in_place(|| deferral(&claude, &model));
    assert_eq!(model.broken(), Vec::<String>::new());
    assert!(model.calls().iter().filter(|c| c.step.is_some()).count() >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_agent_says_what_the_model_streams_and_bears_its_failures() {
    let Some(claude) = claude() else {
        eprintln!("skipped: no real claude binary; set DEVTASK_CLAUDE to its path");
        return;
    };
    let model = Model::start().await.unwrap();
    tokio::task::block_in_place(|| {
        let (cwd, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut agent = Agent::start(&claude, &[], &model, cwd.path(), config.path());
        let rounds = json!({ "rounds": [
            [{ "thinking": "hm", "text": "first" }],
            [{ "error": 529, "times": 1 }],
            [{ "text": "cut in the middle", "chunk": 1, "chunk_delay": 0.001 }],
        ] });
        agent.say(&format!("go <script>{rounds}</script>"));
        for expected in ["first", "(recovered)", "cut in the middle", "(script over)"] {
            let result = agent.until(|l| l["type"] == "result");
            assert_eq!(result["result"], expected);
            agent.say("the check failed, please look again");
        }
        agent.until(|l| l["type"] == "result");
        assert_eq!(agent.end(), Some(0));
    });
    assert_eq!(model.broken(), Vec::<String>::new());
}
