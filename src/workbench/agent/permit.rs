//! May this call run: hooks first, then the mode and its rules, then a person.
//!
//! Hooks of one turn fire together; permission asks come one at a time. Knows who is asked and what an answer means;
//! must not know what a tool does.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use super::desk::{Abort, Desk, Gone};
use super::turn::{Stop, Turn};
use super::{lines, tools};
use crate::workbench::script::Call;

/// How often the real agent says that a hook is still waited for.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// What the hooks said of a call.
enum Hooked {
    Nothing,
    Allow(Option<Value>),
    Deny(String),
    Ask,
    Defer,
    /// Nobody is left who could say.
    Cut,
}

/// What becomes of a call.
enum Verdict {
    Run {
        input: Value,
        source: &'static str,
    },
    Refused {
        text: String,
        by_person: bool,
        stop: bool,
    },
    /// No refusal and no permission: there is no such tool.
    Missing {
        text: String,
    },
}

const NOT_NOW: &str = "The user doesn't want to take this action right now. STOP what you are doing and wait for \
    the user to tell you how to proceed.";
const CLOSED: &str = "AbortError: Tool permission stream closed before response received";

enum Rule {
    Allow,
    Ask,
    Refuse(String),
    Missing(String),
}

enum Unheard {
    Gone,
    Aborted(Abort),
    /// The input ended: nobody can answer any more.
    Eof,
}

impl From<Gone> for Unheard {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<Unheard> for Stop {
    fn from(unheard: Unheard) -> Self {
        match unheard {
            Unheard::Gone => Self::Gone,
            Unheard::Aborted(Abort::Now(end)) => Self::Now(end),
            Unheard::Aborted(Abort::Interrupt) | Unheard::Eof => Self::Aborted { tools: true },
        }
    }
}

impl Turn<'_> {
    pub(super) fn tool_use(&self, call: Call) -> Value {
        let id = call.id.unwrap_or_else(|| format!("toolu_sim_{}", self.desk.id().simple()));
        json!({ "type": "tool_use", "id": id, "name": call.name, "input": call.input })
    }

    /// All calls of one model turn, each to its result; then the turn goes on, waits or is broken off.
    pub(super) async fn calls(&mut self, calls: Vec<Value>) -> Result<(), Stop> {
        let mut unanswered = calls.clone();
        let ended = self.settle_all(calls, &mut unanswered).await;
        if let Err(Stop::Aborted { .. }) = ended {
            let stopped = self.stopped.take();
            for call in unanswered.iter().filter(|c| c["id"].as_str() != stopped.as_deref()) {
                self.result_line(call, lines::REJECTED, true, json!("User rejected tool use"), None).await?;
            }
            return Err(Stop::Aborted { tools: true });
        }
        ended
    }

    async fn settle_all(&mut self, calls: Vec<Value>, unanswered: &mut Vec<Value>) -> Result<(), Stop> {
        let desk = self.desk.clone();
        let mut hooked: FuturesUnordered<_> = calls
            .into_iter()
            .enumerate()
            .map(|(at, call)| {
                let desk = &desk;
                async move { (hooks_say(desk, &call).await, at, call) }
            })
            .collect();
        let mut deferred: Option<(usize, Value)> = None;
        while let Some((said, at, call)) = hooked.next().await {
            match said? {
                // The last of several takes the place of the others, which are lost without a word: as the real
                // agent does.
                Hooked::Defer => {
                    deferred = deferred.filter(|d| d.0 > at).or_else(|| Some((at, call.clone())));
                }
                said => self.settle(&call, said).await?,
            }
            unanswered.retain(|c| c["id"] != call["id"]);
        }
        drop(hooked);
        match deferred {
            Some((_, call)) => self.defer(call).await,
            None => Ok(()),
        }
    }

    async fn defer(&mut self, call: Value) -> Result<(), Stop> {
        let named = json!({ "id": call["id"], "name": call["name"], "input": call["input"] });
        self.record(vec![json!({ "type": "deferred-tool-use", "toolUse": named })]).await?;
        Err(Stop::Deferred(named))
    }

    /// A deferred call of an earlier process. Without `--await-initialize` no hook is registered yet, and the call is
    /// judged without them: a person's tool is asked, a command under `bypassPermissions` simply runs.
    pub(super) async fn ask_again(&mut self, call: Value) -> Result<(), Stop> {
        self.calls(vec![call]).await
    }

    async fn settle(&mut self, call: &Value, said: Hooked) -> Result<(), Stop> {
        match self.verdict(call, said).await? {
            Verdict::Run { input, source } => {
                let done = match self.desk.unless_aborted(tools::run(self.desk, &call["name"], &input)).await
                {
                    Ok(done) => done,
                    Err(Abort::Interrupt) => {
                        let text = format!("{}{}", lines::REJECTED, lines::STOPPED);
                        self.result_line(call, &text, true, json!("User rejected tool use"), None).await?;
                        self.stopped = call["id"].as_str().map(Into::into);
                        return Err(Stop::Aborted { tools: true });
                    }
                    Err(Abort::Now(end)) => return Err(Stop::Now(end)),
                };
                if call["name"] == "ExitPlanMode" && self.desk.look(|s| s.mode == "plan") {
                    self.set_mode("default").await?;
                }
                let decision = json!({ "decision": "accept", "source": source });
                self.result_line(call, &done.text, done.is_error, done.detail, Some(decision)).await
            }
            Verdict::Missing { text } => {
                let detail = json!(format!("Error: {text}"));
                self.result_line(call, &text, true, detail, None).await
            }
            Verdict::Refused { text, by_person, stop } => {
                self.denials.push(
                    json!({ "tool_name": call["name"], "tool_use_id": call["id"], "tool_input": call["input"] }),
                );
                if stop {
                    return Err(Stop::Aborted { tools: true });
                }
                let source = if by_person { "user_reject" } else { "config" };
                let decision = json!({ "decision": "reject", "source": source });
                let detail = json!(format!("Error: {text}"));
                self.result_line(call, &text, true, detail, Some(decision)).await
            }
        }
    }

    async fn verdict(&mut self, call: &Value, said: Hooked) -> Result<Verdict, Stop> {
        let name = call["name"].as_str().unwrap_or_default();
        let refused = |text: String| Ok(Verdict::Refused { text, by_person: false, stop: false });
        let must_ask = match said {
            Hooked::Deny(text) => return refused(text),
            Hooked::Cut => return Ok(Verdict::Missing { text: NOT_NOW.to_owned() }),
            // Allowing a person's tool without saying anything in the person's place is not enough.
            Hooked::Allow(None) if person_only(name) => false,
            Hooked::Allow(input) => {
                let input = input.unwrap_or_else(|| call["input"].clone());
                return Ok(Verdict::Run { input, source: "hook" });
            }
            Hooked::Ask => true,
            Hooked::Nothing | Hooked::Defer => false,
        };
        match rule(self.desk, name, &call["input"]) {
            Rule::Refuse(text) => refused(text),
            Rule::Missing(text) => Ok(Verdict::Missing { text }),
            Rule::Allow if !must_ask => Ok(Verdict::Run { input: call["input"].clone(), source: "config" }),
            Rule::Allow | Rule::Ask => self.person(call, name).await,
        }
    }

    async fn person(&mut self, call: &Value, name: &str) -> Result<Verdict, Stop> {
        let mut request = json!({
            "subtype": "can_use_tool", "tool_name": name, "display_name": name, "input": call["input"],
            "tool_use_id": call["id"],
        });
        if person_only(name) {
            request["requires_user_interaction"] = true.into();
        }
        if name == "ExitPlanMode" {
            request["input"] = json!({});
        }
        self.asking(true).await?;
        let answer = request_host(self.desk, request, None).await;
        if let Ok(Ok(answer)) = &answer {
            self.new_mode(answer).await?;
        }
        self.asking(false).await?;
        let answer = match answer {
            Ok(answer) => answer,
            // The input ended: a question is given up with its turn, any other ask only fails.
            Err(Unheard::Eof) if name != "AskUserQuestion" => Err(CLOSED.to_owned()),
            Err(unheard) => return Err(unheard.into()),
        };
        let failed = |why: &str| Verdict::Refused {
            text: format!("Tool permission request failed: {why}"),
            by_person: false,
            stop: false,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return Ok(failed(&why)),
        };
        match answer["behavior"].as_str() {
            Some("allow") => {
                let input = answer.get("updatedInput").filter(|i| i.is_object()).unwrap_or(&call["input"]);
                Ok(Verdict::Run { input: input.clone(), source: "user_temporary" })
            }
            Some("deny") => Ok(Verdict::Refused {
                text: answer["message"].as_str().unwrap_or("Permission denied").to_owned(),
                by_person: true,
                stop: answer["interrupt"] == true,
            }),
            _ => Ok(failed("the answer is malformed")),
        }
    }

    /// An approval may set the mode; the agent says so before it says that it runs again.
    async fn new_mode(&self, answer: &Value) -> Result<(), Gone> {
        let updates = answer["updatedPermissions"].as_array().into_iter().flatten();
        for update in updates.filter(|u| answer["behavior"] == "allow" && u["type"] == "setMode") {
            self.set_mode(update["mode"].as_str().unwrap_or("default")).await?;
        }
        Ok(())
    }

    async fn asking(&self, asking: bool) -> Result<(), Gone> {
        self.desk
            .write_with(|state| {
                state.asking = asking;
                let word = if asking { "requires_action" } else { "running" };
                self.desk.state_line(word).into_iter().collect()
            })
            .await
    }

    async fn set_mode(&self, mode: &str) -> Result<(), Gone> {
        self.desk
            .write_with(|state| {
                mode.clone_into(&mut state.mode);
                let body = json!({ "subtype": "status", "status": null, "permissionMode": mode });
                vec![self.desk.line("system", body)]
            })
            .await
    }

    async fn result_line(
        &mut self,
        call: &Value,
        text: &str,
        is_error: bool,
        detail: Value,
        decision: Option<Value>,
    ) -> Result<(), Stop> {
        let id = call["id"].as_str().unwrap_or_default();
        let message = lines::tool_result(id, text, is_error);
        let meta = match decision {
            Some(decision) => json!([{ "id": id, "permission_decision": decision }]),
            None => json!([{ "id": id, "non_execution_kind": "user-rejected" }]),
        };
        let uuid = self.desk.id();
        let body = json!({
            "message": message, "parent_tool_use_id": null, "tool_use_result": detail, "tool_result_meta": meta,
            "uuid": uuid,
        });
        self.desk.write(self.desk.line("user", body)).await?;
        self.record(vec![json!({ "type": "user", "uuid": uuid, "message": message })]).await
    }
}

/// Tools that always wait for a person.
fn person_only(name: &str) -> bool {
    matches!(name, "AskUserQuestion" | "ExitPlanMode")
}

fn rule(desk: &Desk, name: &str, input: &Value) -> Rule {
    let missing =
        || Rule::Missing(format!("<tool_use_error>Error: No such tool available: {name}</tool_use_error>"));
    let ungranted = || {
        Rule::Refuse(format!("Claude requested permissions to use {name}, but you haven't granted it yet."))
    };
    let mode = desk.look(|s| s.mode.clone());
    let flags = &desk.flags;
    if !tools::known(name)
        || flags.lists("--disallowedTools", name)
        || (person_only(name) && !flags.can_ask())
    {
        return missing();
    }
    if person_only(name) {
        return if mode == "dontAsk" { ungranted() } else { Rule::Ask };
    }
    let edits = matches!(name, "Write" | "Edit");
    let plans = desk.at.config_dir().join("plans");
    let of_plan =
        edits && input["file_path"].as_str().is_some_and(|p| std::path::Path::new(p).starts_with(&plans));
    let allowed = name == "Read"
        || of_plan
        || mode == "bypassPermissions"
        || (edits && mode == "acceptEdits")
        || flags.lists("--allowedTools", name);
    match (allowed, flags.can_ask() && mode != "dontAsk") {
        (true, _) => Rule::Allow,
        (false, true) => Rule::Ask,
        (false, false) => ungranted(),
    }
}

/// Asks every hook that matches; of several the strictest counts.
async fn hooks_say(desk: &Desk, call: &Value) -> Result<Hooked, Unheard> {
    let name = call["name"].as_str().unwrap_or_default();
    let hooks = desk.look(|s| s.hooks.clone());
    let mut strictest = Hooked::Nothing;
    for hook in hooks.iter().filter(|h| matches(&h.matcher, name)) {
        let input = json!({
            "session_id": desk.session, "transcript_path": transcript_path(desk), "cwd": desk.at.cwd,
            "permission_mode": desk.look(|s| s.mode.clone()), "hook_event_name": "PreToolUse",
            "tool_name": name, "tool_input": call["input"], "tool_use_id": call["id"],
        });
        let request = json!({
            "subtype": "hook_callback", "callback_id": hook.id, "input": input, "tool_use_id": call["id"],
        });
        let said = match request_host(desk, request, call["id"].as_str()).await {
            Ok(Ok(output)) => meaning(name, &output),
            Ok(Err(why)) => Hooked::Deny(format!("PreToolUse:{name} hook error: {why}")),
            Err(Unheard::Eof) => Hooked::Cut,
            Err(unheard) => return Err(unheard),
        };
        if weight(&said) > weight(&strictest) {
            strictest = said;
        }
    }
    Ok(strictest)
}

fn transcript_path(desk: &Desk) -> std::path::PathBuf {
    super::transcript::Transcript::new(&desk.at.config_dir(), &desk.at.cwd, desk.session).path
}

fn weight(said: &Hooked) -> u8 {
    match said {
        Hooked::Nothing => 0,
        Hooked::Allow(_) => 1,
        Hooked::Ask => 2,
        Hooked::Defer | Hooked::Cut => 3,
        Hooked::Deny(_) => 4,
    }
}

fn matches(matcher: &str, name: &str) -> bool {
    matches!(matcher, "" | "*" | ".*") || matcher.split('|').any(|m| m == name)
}

fn meaning(tool: &str, output: &Value) -> Hooked {
    let own = &output["hookSpecificOutput"];
    let reason =
        own["permissionDecisionReason"].as_str().or(output["reason"].as_str()).unwrap_or("Blocked by hook");
    match own["permissionDecision"].as_str() {
        Some("allow") => Hooked::Allow(own.get("updatedInput").filter(|i| i.is_object()).cloned()),
        Some("deny") => Hooked::Deny(format!("PreToolUse:{tool} hook error: {reason}")),
        Some("ask") => Hooked::Ask,
        Some("defer") => Hooked::Defer,
        _ if output["decision"] == "block" => Hooked::Deny(format!("PreToolUse:{tool} hook error: {reason}")),
        _ => Hooked::Nothing,
    }
}

/// A request to the host and its answer. `held`: a hook on this call, of which heartbeats tell.
async fn request_host(
    desk: &Desk,
    request: Value,
    held: Option<&str>,
) -> Result<Result<Value, String>, Unheard> {
    let id = desk.id().to_string();
    let line = json!({ "type": "control_request", "request_id": id, "request": &request });
    desk.write_with(|state| {
        state.open.insert(id.clone(), line.clone());
        vec![line]
    })
    .await?;
    let mut beats = 0;
    loop {
        let heard = desk.until(|state| match (state.answers.remove(&id), state.abort) {
            (Some(answer), _) => Some(Ok(answer)),
            (None, Some(abort)) => Some(Err(Unheard::Aborted(abort))),
            (None, None) => state.eof.then_some(Err(Unheard::Eof)),
        });
        match (tokio::time::timeout(HEARTBEAT, heard).await, held) {
            (Ok(Ok(answer)), _) => return Ok(answer),
            (Ok(Err(unheard)), _) => {
                let question = request["tool_name"] == "AskUserQuestion";
                if desk.change(|s| s.open.remove(&id)).is_some()
                    && question
                    && matches!(unheard, Unheard::Eof)
                {
                    desk.write(lines::cancel(&id)).await?;
                }
                return Err(unheard);
            }
            (Err(_), Some(call)) => {
                let body = json!({
                    "tool_use_id": format!("hook-PreToolUse-{call}-heartbeat-{beats}"), "tool_name": "PreToolUse",
                    "parent_tool_use_id": call, "elapsed_time_seconds": (beats + 1) * HEARTBEAT.as_secs(),
                    "heartbeat": true,
                });
                beats += 1;
                desk.write(desk.line("tool_progress", body)).await?;
            }
            (Err(_), None) => {}
        }
    }
}
