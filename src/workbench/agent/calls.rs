//! The tool calls of one model turn, each to its result.
//!
//! Knows that calls are judged, run, refused, deferred or broken off, and the lines of each; must not know the rules
//! they are judged by.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use super::desk::Abort;
use super::ending::Stop;
use super::hooks::{Hooked, hooks_say};
use super::permit::Verdict;
use super::turn::Turn;
use super::{lines, tools};
use crate::workbench::script::Call;

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
