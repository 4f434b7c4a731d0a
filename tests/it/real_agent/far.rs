//! The far sides of these tests: both agents behind one face, and what a host sees of them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use devtask::clock::Clock;
use devtask::workbench::agent;
use devtask::workbench::model::Model;
use serde_json::{Value, json};

use crate::figures::claude;

/// Who is driven: the real binary as a process, or the scripted agent on a thread of its own.
pub(super) enum Who {
    Real(PathBuf),
    Scripted,
}

/// A running agent behind two byte pipes.
pub(super) struct Agent {
    stdin: Option<Box<dyn Write>>,
    lines: std::io::Lines<BufReader<Box<dyn Read>>>,
    end: Box<dyn FnOnce() -> Option<i32>>,
    pub(super) heard: Vec<Value>,
}

fn environment(model: &Model, config: &Path) -> BTreeMap<String, String> {
    let config = config.to_str().unwrap();
    let all = [
        ("PATH", &*std::env::var("PATH").unwrap()),
        ("HOME", config),
        ("CLAUDE_CONFIG_DIR", config),
        ("ANTHROPIC_BASE_URL", &model.url()),
        ("ANTHROPIC_API_KEY", "dummy"),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1"),
        ("DISABLE_AUTOUPDATER", "1"),
        ("IS_SANDBOX", "1"),
    ];
    all.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

impl Agent {
    pub(super) fn start(who: &Who, more: &[&str], model: &Model, cwd: &Path, config: &Path) -> Self {
        let usual = "-p --output-format stream-json --verbose --input-format stream-json \
            --permission-prompt-tool stdio --setting-sources=";
        let args: Vec<String> =
            usual.split_whitespace().chain(more.iter().copied()).map(Into::into).collect();
        let env = environment(model, config);
        match who {
            Who::Real(program) => Self::process(program, &args, env, cwd),
            Who::Scripted => Self::thread(args, env, cwd),
        }
    }

    fn process(program: &Path, args: &[String], env: BTreeMap<String, String>, cwd: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(env).current_dir(cwd);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin: Box<dyn Write> = Box::new(child.stdin.take().unwrap());
        let stdout: Box<dyn Read> = Box::new(child.stdout.take().unwrap());
        let end = Box::new(move || child.wait().unwrap().code());
        Self { stdin: Some(stdin), lines: BufReader::new(stdout).lines(), end, heard: Vec::new() }
    }

    fn thread(args: Vec<String>, env: BTreeMap<String, String>, cwd: &Path) -> Self {
        let (stdin, input) = UnixStream::pair().unwrap();
        let (stdout, output) = UnixStream::pair().unwrap();
        let at =
            agent::Surroundings { env, cwd: cwd.into(), clock: Clock::system(), pid: std::process::id() };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let pipe = |end: UnixStream| {
                    end.set_nonblocking(true).unwrap();
                    tokio::net::UnixStream::from_std(end).unwrap()
                };
                let (_signal, signals) = tokio::sync::mpsc::channel(4);
                let io = agent::Stdio {
                    input: Box::new(pipe(input)),
                    output: Box::new(pipe(output)),
                    errors: Box::new(tokio::io::stderr()),
                    signals,
                };
                agent::run(io, &args, at).await
            })
        });
        let end = Box::new(move || match thread.join().unwrap() {
            agent::End::Code(code) => Some(code.into()),
            agent::End::Signal(_) => None,
        });
        Self {
            stdin: Some(Box::new(stdin)),
            lines: BufReader::new(Box::new(stdout) as _).lines(),
            end,
            heard: Vec::new(),
        }
    }

    pub(super) fn send(&mut self, line: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub(super) fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        for line in self.lines.by_ref() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            self.heard.push(line.clone());
            if wanted(&line) {
                return line;
            }
        }
        panic!("the agent ended after {:#?}", self.heard);
    }

    pub(super) fn initialize(&mut self) {
        let hooks = json!({ "PreToolUse": [{ "matcher": "AskUserQuestion|ExitPlanMode", "hookCallbackIds": ["h0"], "timeout": 3600 }] });
        let request = json!({ "subtype": "initialize", "hooks": hooks });
        self.send(&json!({ "type": "control_request", "request_id": "init", "request": request }));
    }

    pub(super) fn say(&mut self, text: &str) {
        let message = json!({ "role": "user", "content": text });
        let uuid = Clock::system().random_id();
        self.send(&json!({ "type": "user", "message": message, "parent_tool_use_id": null, "uuid": uuid }));
    }

    pub(super) fn decide(&mut self, held: &Value, decision: &str, input: Option<Value>) {
        let mut own = json!({ "hookEventName": "PreToolUse", "permissionDecision": decision });
        if let Some(input) = input {
            own["updatedInput"] = input;
        }
        let response = json!({ "subtype": "success", "request_id": held["request_id"],
            "response": { "hookSpecificOutput": own } });
        self.send(&json!({ "type": "control_response", "response": response }));
    }

    /// Closes the input; the exit code and everything heard.
    pub(super) fn end(mut self) -> (Option<i32>, Vec<Value>) {
        drop(self.stdin.take());
        for line in self.lines.by_ref() {
            self.heard.push(serde_json::from_str(&line.unwrap()).unwrap());
        }
        ((self.end)(), self.heard)
    }
}

/// What of a run both agents must have in common: the kinds of lines in their order, without what only the real one
/// adds.
fn skeleton(lines: &[Value]) -> Vec<String> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let one = |l: &Value| match l["type"].as_str().unwrap_or_default() {
        "system" if l["subtype"] == "session_state_changed" => Some(format!("state {}", text(&l["state"]))),
        "system" => ["init", "api_retry", "status"]
            .contains(&l["subtype"].as_str()?)
            .then(|| format!("system {}", text(&l["subtype"]))),
        "command_lifecycle" => Some(format!("lifecycle {}", text(&l["state"]))),
        "control_response" => Some("reply".to_owned()),
        "control_request" => Some(format!("request {}", text(&l["request"]["subtype"]))),
        "control_cancel_request" => Some("cancel".to_owned()),
        "assistant" => {
            let block = &l["message"]["content"][0];
            Some(format!(
                "assistant {} {}{}",
                text(&block["type"]),
                text(&block["name"]),
                text(&block["text"])
            ))
        }
        "user" => {
            let block = &l["message"]["content"][0];
            let words = block["content"].as_str().or(block["text"].as_str()).unwrap_or_default();
            let path = |w: &str| Path::new(w).starts_with(std::env::temp_dir());
            let words: Vec<&str> =
                words.split_whitespace().map(|w| if path(w) { "PATH" } else { w }).collect();
            let words = words.join(" ");
            Some(format!("user {} {} {words}", text(&block["type"]), block["is_error"] == true))
        }
        "result" => Some(format!(
            "result {} {} {} denied {}",
            text(&l["subtype"]),
            text(&l["terminal_reason"]),
            l["is_error"],
            l["permission_denials"].as_array().map_or(0, Vec::len)
        )),
        _ => None,
    };
    lines.iter().filter_map(one).collect()
}

/// Plays the same with both agents and compares what a host sees.
pub(super) async fn alike(play: impl Fn(&Who, &Model) -> Vec<Value>) {
    let Some(claude) = claude("comparing the scripted agent") else { return };
    let model = Model::start().await.unwrap();
    let (real, scripted) =
        tokio::task::block_in_place(|| (play(&Who::Real(claude), &model), play(&Who::Scripted, &model)));
    assert_eq!(model.broken(), Vec::<String>::new());
    let (mut scripted, mut real) = (skeleton(&scripted), skeleton(&real));
    for lines in [&mut scripted, &mut real] {
        // The real agent starts a call while the next one still streams, or does not: both orders were seen.
        let call = |l: &String| l.starts_with("assistant tool_use") || l == "request hook_callback";
        lines.chunk_by_mut(|a, b| call(a) && call(b)).for_each(<[String]>::sort);
        // Resumed, it answers `initialize` before it takes the turn up again or just after: both orders were seen.
        let begins = |l: &String| l == "reply" || l == "state running" || l == "lifecycle started";
        lines.chunk_by_mut(|a, b| begins(a) && begins(b)).for_each(<[String]>::sort);
    }
    assert_eq!(scripted, real);
}
