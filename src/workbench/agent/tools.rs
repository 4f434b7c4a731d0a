//! The tools, really run: commands in a session of their own, edits on real files.
//!
//! Knows the real agent's result texts; must not know permissions or turns. A command's session survives a kill -9 of
//! the agent, as the real agent's does; a turn broken off in any other way kills it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::desk::Desk;

/// Characters of output a result keeps.
const MOST: usize = 30_000;
/// Bytes of output read at all; the rest is thrown away.
const MOST_READ: u64 = 1 << 20;

const CURRENT: &str = "(file state is current in your context — no need to Read it back)";

pub(super) struct Done {
    pub(super) text: String,
    pub(super) is_error: bool,
    pub(super) detail: Value,
}

impl Done {
    fn ok(text: String, detail: Value) -> Self {
        Self { text, is_error: false, detail }
    }

    fn error(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { detail: json!(format!("Error: {text}")), text, is_error: true }
    }
}

fn used_wrongly(text: &str) -> Done {
    Done::error(format!("<tool_use_error>{text}</tool_use_error>"))
}

pub(super) fn known(name: &str) -> bool {
    matches!(name, "Bash" | "Read" | "Write" | "Edit" | "AskUserQuestion" | "ExitPlanMode")
}

pub(super) async fn run(desk: &Desk, name: &Value, input: &Value) -> Done {
    let path = || file(desk, input);
    match name.as_str().unwrap_or_default() {
        "Bash" => bash(desk, input).await,
        "Read" => read(&path()),
        "Write" => write(&path(), input["content"].as_str().unwrap_or_default()),
        "Edit" => edit(&path(), input),
        "AskUserQuestion" => answered(input),
        "ExitPlanMode" => Done::ok(
            "User has approved exiting plan mode. You can now proceed.".into(),
            json!({ "plan": null, "isAgent": false }),
        ),
        other => Done::error(format!("No such tool available: {other}")),
    }
}

fn file(desk: &Desk, input: &Value) -> PathBuf {
    desk.at.cwd.join(input["file_path"].as_str().unwrap_or_default())
}

fn answered(input: &Value) -> Done {
    let answers: Vec<String> = input["answers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(question, answer)| format!("\"{question}\"=\"{}\"", answer.as_str().unwrap_or_default()))
        .collect();
    if answers.is_empty() {
        return Done::ok("The user did not answer the questions.".into(), input.clone());
    }
    let text = format!(
        "Your questions have been answered: {}. You can now continue with these answers in mind.",
        answers.join(", ")
    );
    Done::ok(text, input.clone())
}

fn read(path: &Path) -> Done {
    match std::fs::read(path) {
        Ok(bytes) => Done::ok(short(&String::from_utf8_lossy(&bytes)), Value::Null),
        Err(_) => Done::error("File does not exist."),
    }
}

fn write(path: &Path, content: &str) -> Done {
    let created = !path.exists();
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    if let Err(e) = folder.and_then(|()| std::fs::write(path, content)) {
        return Done::error(e.to_string());
    }
    let kind = if created { "create" } else { "update" };
    let text = if created {
        format!("File created successfully at: {} {CURRENT}", path.display())
    } else {
        format!("The file {} has been updated successfully. {CURRENT}", path.display())
    };
    Done::ok(text, json!({ "type": kind, "filePath": path, "content": content }))
}

fn edit(path: &Path, input: &Value) -> Done {
    let (old, new) =
        (input["old_string"].as_str().unwrap_or_default(), input["new_string"].as_str().unwrap_or_default());
    let Ok(text) = std::fs::read_to_string(path) else { return Done::error("File does not exist.") };
    let all = input["replace_all"] == true;
    let edited = match text.matches(old).count() {
        _ if old.is_empty() => return Done::error("old_string is empty."),
        0 => return used_wrongly(&format!("String to replace not found in file.\nString: {old}")),
        2.. if !all => {
            return Done::error("Found several matches of the string to replace, but replace_all is false.");
        }
        _ => text.replace(old, new),
    };
    match std::fs::write(path, edited) {
        Ok(()) => Done::ok(
            format!("The file {} has been updated successfully. {CURRENT}", path.display()),
            json!({ "filePath": path, "oldString": old, "newString": new }),
        ),
        Err(e) => Done::error(e.to_string()),
    }
}

async fn bash(desk: &Desk, input: &Value) -> Done {
    let script = input["command"].as_str().unwrap_or_default();
    let most = Duration::from_millis(input["timeout"].as_u64().unwrap_or(120_000));
    let mut running = match start(desk, &["sh", "-c", script], Stdio::piped()) {
        Ok(child) => Running(Some(child)),
        Err(e) => return Done::error(format!("cannot start a shell: {e}")),
    };
    match tokio::time::timeout(most, running.finish()).await {
        Ok(Ok((code, output))) => exited(code, &output),
        Ok(Err(e)) => Done::error(e.to_string()),
        Err(_) => Done::error(format!("Command timed out after {}s", most.as_secs())),
    }
}

fn exited(code: Option<i32>, output: &[u8]) -> Done {
    let output = short(String::from_utf8_lossy(output).trim_end());
    let detail = json!({ "stdout": output, "stderr": "", "interrupted": false, "isImage": false });
    match code {
        Some(0) if output.is_empty() => Done::ok("(Bash completed with no output)".into(), detail),
        Some(0) => Done::ok(output, detail),
        code => Done::error(format!("Exit code {}\n{output}", code.unwrap_or(137)).trim_end()),
    }
}

/// Starts a program in a session of its own; where there is no `setsid` program, in a process group of its own.
pub(super) fn start(desk: &Desk, argv: &[&str], output: Stdio) -> std::io::Result<Child> {
    let build = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).current_dir(&desk.at.cwd).env_clear().envs(&desk.at.env).stdin(Stdio::null());
        command
    };
    // One pipe for both streams would need `unsafe`; the shell joins them instead.
    let joined = ["sh", "-c", "exec \"$@\" 2>&1", "sh"];
    let whole: Vec<&str> = joined.iter().chain(argv).copied().collect();
    let mut first = build("setsid", &whole);
    first.stdout(output).stderr(Stdio::null());
    match first.spawn() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let (shell, rest) = whole.split_first().ok_or(e)?;
            build(shell, rest).process_group(0).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
        }
        started => started,
    }
}

/// A command that is killed with its whole session when its turn is broken off.
struct Running(Option<Child>);

impl Running {
    async fn finish(&mut self) -> std::io::Result<(Option<i32>, Vec<u8>)> {
        let Some(child) = &mut self.0 else { return Ok((None, Vec::new())) };
        let mut output = Vec::new();
        if let Some(mut pipe) = child.stdout.take() {
            (&mut pipe).take(MOST_READ).read_to_end(&mut output).await?;
            tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
        }
        let status = child.wait().await?;
        self.0 = None;
        Ok((status.code(), output))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = self.0.as_ref().and_then(Child::id).and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}\n… (output cut)", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
