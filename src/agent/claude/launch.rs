//! How the process is started, and the first line it is told.
//!
//! Knows flags, environment and hooks; must not know what is said later. The agent runs inside our sandbox without
//! permission prompts of its own: what needs a person is caught by the hooks of [`hooks`].

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::policy::Policy;
use super::speak::{self, CALLBACK};
use crate::agent::{Launch, Line, Start};

/// Seconds the agent waits for a hook's answer: longer than any hold.
const HOOK_TIMEOUT: u32 = 7 * 24 * 3600;

/// Flags of every start; [`probe`](crate::agent::probe) tries the hidden ones.
const FLAGS: [&str; 11] = [
    "-p",
    "--output-format",
    "stream-json",
    "--input-format",
    "stream-json",
    "--verbose",
    "--permission-prompt-tool",
    "stdio",
    "--setting-sources=",
    "--session-mirror",
    "--include-partial-messages",
];

const ENV: [(&str, &str); 4] = [
    ("DISABLE_AUTOUPDATER", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    // Without it the agent does not say when it is idle.
    ("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1"),
    // Root may skip permission prompts only where it is told that it is contained.
    ("IS_SANDBOX", "1"),
];

pub(super) fn launch(start: &Start) -> Launch {
    let mut argv = start.command.clone();
    argv.extend(FLAGS.map(str::to_owned));
    let id = start.conversation.to_string();
    if start.resume {
        // The flag holds a deferred call back until our hooks stand; without it the call was seen to run unapproved.
        argv.extend(["--resume".to_owned(), id, "--await-initialize".to_owned()]);
    } else {
        argv.extend(["--session-id".to_owned(), id]);
    }
    let mode = if start.plan { "plan" } else { "bypassPermissions" };
    argv.extend(["--permission-mode".to_owned(), mode.to_owned()]);
    push_word(&mut argv, "--model", start.model.as_deref());
    push_word(&mut argv, "--effort", start.effort.as_deref());
    let mut env: BTreeMap<String, String> =
        ENV.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    env.insert("CLAUDE_CONFIG_DIR".to_owned(), start.config_dir.to_string_lossy().into_owned());
    Launch { argv, env }
}

/// Adds a flag with a person's word; a word that could be read as a flag is dropped.
fn push_word(argv: &mut Vec<String>, flag: &str, word: Option<&str>) {
    let Some(word) = word.map(str::trim) else { return };
    if !word.is_empty() && !word.starts_with('-') && !word.contains(char::is_control) {
        argv.extend([flag.to_owned(), word.to_owned()]);
    }
}

/// The `initialize` request.
pub(super) fn initialize(request_id: &str, policy: &Policy) -> Line {
    speak::request(request_id, &json!({"subtype": "initialize", "hooks": {"PreToolUse": hooks(policy)}}))
}

fn hooks(policy: &Policy) -> Value {
    let hook = |matcher: Option<&str>| {
        let mut hook = json!({"hookCallbackIds": [CALLBACK], "timeout": HOOK_TIMEOUT});
        if let (Some(matcher), Some(fields)) = (matcher, hook.as_object_mut()) {
            fields.insert("matcher".to_owned(), matcher.into());
        }
        hook
    };
    match policy.matchers() {
        Some(matchers) => matchers.iter().map(|m| hook(Some(m))).collect(),
        None => json!([hook(None)]),
    }
}
