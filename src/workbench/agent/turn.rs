//! One turn: the steps of the script until it ends, is broken off, or waits for a person in a later process.
//!
//! Knows the order of lines in a turn; tools, permissions and oddities are played by their own files.

use serde_json::{Value, json};
use uuid::Uuid;

use super::desk::{Desk, Gone, Said};
use super::ending::{Ended, Stop};
use super::transcript::{Facts, Transcript};
use super::{End, lines, listen, story};
use crate::clock::Time;
use crate::workbench::script::{Cursor, OVER, Script, Step};

/// What a model turn costs here.
const PRICE: f64 = 0.01;

pub(super) struct Turn<'a> {
    pub(super) desk: &'a Desk,
    pub(super) talk: &'a mut Transcript,
    /// The user messages taken up: the first began the turn, the others were folded in.
    pub(super) uuids: Vec<Uuid>,
    pub(super) index: u64,
    pub(super) began: Time,
    pub(super) model_turns: u64,
    pub(super) denials: Vec<Value>,
    pub(super) said: String,
    stamped: bool,
    /// The call that was stopped while it ran, if its result is written.
    pub(super) stopped: Option<String>,
    pub(super) tokens: u64,
}

impl<'a> Turn<'a> {
    pub(super) fn new(desk: &'a Desk, talk: &'a mut Transcript, uuids: Vec<Uuid>, index: u64) -> Self {
        let began = desk.at.clock.now();
        let (denials, said) = (Vec::new(), String::new());
        Self {
            desk,
            talk,
            uuids,
            index,
            began,
            model_turns: 0,
            denials,
            said,
            stamped: false,
            stopped: None,
            tokens: 0,
        }
    }

    /// A turn for a user message.
    pub(super) async fn told(mut self, said: Said) -> Result<Ended, Gone> {
        let own = said.uuid;
        self.desk.write(self.desk.lifecycle(own, "started")).await?;
        let played = match self.begin(said).await {
            Ok(()) => self.steps().await,
            Err(stop) => Err(stop),
        };
        self.finish(own, played).await
    }

    async fn begin(&mut self, said: Said) -> Result<(), Stop> {
        self.take(&said).await?;
        self.desk.write(lines::init(self.desk, &self.uuids)).await?;
        if self.desk.flags.has("--replay-user-messages") {
            self.desk.write(listen::replayed(self.desk, &said)).await?;
        }
        Ok(())
    }

    /// The turn that a deferred call left unfinished: it is asked again, then the turn goes on.
    pub(super) async fn deferred(mut self, own: Uuid) -> Result<Ended, Gone> {
        let played = match self.talk.deferred.clone() {
            Some(call) => self.again(call).await,
            None => Ok(()),
        };
        self.finish(own, played).await
    }

    async fn again(&mut self, call: Value) -> Result<(), Stop> {
        self.ask_again(call).await?;
        self.desk.write(lines::init(self.desk, &[])).await?;
        self.steps().await
    }

    /// Notes a user message and moves the script by it.
    async fn take(&mut self, said: &Said) -> Result<(), Stop> {
        let text = text_of(&said.message["content"]);
        let (cursor, new) = match (Script::find(&text), self.talk.cursor.take()) {
            (Some(script), _) => (Cursor::new(script), true),
            (None, Some(mut cursor)) => {
                cursor.hear();
                (cursor, false)
            }
            (None, None) => (Cursor::new(story::untold(&text, &self.desk.at.cwd)), true),
        };
        let entry =
            json!({ "type": "user", "uuid": said.uuid, "message": said.message, "promptSource": "sdk" });
        let place = Transcript::place(&cursor, new);
        self.talk.cursor = Some(cursor);
        self.record(vec![entry, place]).await
    }

    /// What came while a tool ran goes into the running turn.
    pub(super) async fn fold_in(&mut self) -> Result<(), Stop> {
        while let Some(said) = self.desk.change(|s| s.queue.pop_front()) {
            self.desk.write(self.desk.lifecycle(said.uuid, "started")).await?;
            self.uuids.push(said.uuid);
            self.take(&said).await?;
        }
        Ok(())
    }

    async fn steps(&mut self) -> Result<(), Stop> {
        loop {
            if let Some(abort) = self.desk.look(|s| s.abort) {
                return Err(abort.into());
            }
            let Some(step) = self.talk.cursor.as_ref().and_then(Cursor::step).cloned() else {
                return self.say(OVER).await;
            };
            self.within_limits()?;
            if self.act(step).await? {
                return Ok(());
            }
        }
    }

    /// Plays one step; true: the turn is over.
    async fn act(&mut self, step: Step) -> Result<bool, Stop> {
        self.oddities(&step).await?;
        if let Some(markers) = &step.markers {
            self.markers(markers).await?;
        }
        let mut blocks = Vec::new();
        blocks.extend(
            step.thinking.as_ref().map(|t| json!({ "type": "thinking", "thinking": t, "signature": "" })),
        );
        for text in [&step.say, &step.text].into_iter().flatten() {
            let text = text.replace("{{last_tool_result}}", &self.talk.last_result);
            blocks.push(json!({ "type": "text", "text": text.repeat(step.repeat.unwrap_or(1)) }));
        }
        let plan = step.plan.as_deref().map(|plan| self.plan_call(plan));
        let calls: Vec<Value> =
            plan.into_iter().chain(step.calls()).map(|call| self.tool_use(call)).collect();
        blocks.extend(calls.iter().cloned());
        self.advance().await?;
        self.speak(blocks).await?;
        if !calls.is_empty() {
            self.calls(calls).await?;
            self.fold_in().await?;
        }
        if step.plan.is_some() {
            let call = self.tool_use(exit_plan());
            self.speak(vec![call.clone()]).await?;
            self.calls(vec![call]).await?;
            self.fold_in().await?;
        }
        Ok(step.ends_turn())
    }

    pub(super) fn within_limits(&self) -> Result<(), Stop> {
        let flags = &self.desk.flags;
        #[expect(clippy::cast_precision_loss, reason = "a count of turns")]
        let turns = self.model_turns as f64;
        if let Some(most) = flags.number("--max-turns").filter(|most| turns >= *most) {
            let text = format!("Reached maximum number of turns ({most})");
            return Err(Stop::Limit { subtype: "error_max_turns", terminal: "max_turns", text });
        }
        let spent = self.talk.cost - self.talk.cost_before;
        if let Some(most) = flags.number("--max-budget-usd").filter(|most| spent >= *most) {
            let text = format!("Reached maximum budget (${most})");
            return Err(Stop::Limit { subtype: "error_max_budget_usd", terminal: "budget_exhausted", text });
        }
        Ok(())
    }

    /// Notes that the current step is played. Said before its lines are written: a kill in between leaves the step
    /// out rather than running its command twice.
    pub(super) async fn advance(&mut self) -> Result<(), Stop> {
        let Some(cursor) = &mut self.talk.cursor else { return Ok(()) };
        cursor.advance();
        let place = Transcript::place(cursor, false);
        self.record(vec![place]).await
    }

    pub(super) async fn say(&mut self, text: &str) -> Result<(), Stop> {
        self.speak(vec![json!({ "type": "text", "text": text })]).await
    }

    /// One model turn: a line per block, all of one message.
    pub(super) async fn speak(&mut self, blocks: Vec<Value>) -> Result<(), Stop> {
        let id = format!("msg_sim_{}", self.desk.id().simple());
        for block in &blocks {
            let uuid = self.desk.id();
            self.block(&id, uuid, block, None).await?;
        }
        self.model_turns += u64::from(!blocks.is_empty());
        Ok(())
    }

    /// Writes one block's line first and notes it second; `place` goes with the note.
    pub(super) async fn block(
        &mut self,
        id: &str,
        uuid: Uuid,
        block: &Value,
        place: Option<Value>,
    ) -> Result<(), Stop> {
        let length = block.to_string().len() as u64 / 4 + 1;
        self.tokens += length;
        self.talk.cost += PRICE;
        let usage = json!({ "input_tokens": 100, "output_tokens": length });
        let message = lines::message(id, self.desk.flags.model(), block, &usage);
        let mut body = json!({ "message": message, "parent_tool_use_id": null, "uuid": uuid });
        if let (false, Some(first)) = (std::mem::replace(&mut self.stamped, true), self.uuids.first()) {
            body["user_message_uuid"] = json!(first);
            body["user_message_uuids"] = json!(self.uuids);
        }
        if let Some(text) = block["text"].as_str() {
            text.clone_into(&mut self.said);
            self.partial(text).await?;
        }
        self.desk.write(self.desk.line("assistant", body)).await?;
        let entry = json!({ "type": "assistant", "uuid": uuid, "message": message });
        self.record(std::iter::once(entry).chain(place).collect()).await
    }

    /// The text as it would have streamed, for hosts that want to see it.
    async fn partial(&self, text: &str) -> Result<(), Gone> {
        if !self.desk.flags.has("--include-partial-messages") {
            return Ok(());
        }
        let delta = json!({ "type": "content_block_delta", "index": 0,
            "delta": { "type": "text_delta", "text": text } });
        let body = json!({ "event": delta, "parent_tool_use_id": null });
        self.desk.write(self.desk.line("stream_event", body)).await
    }

    /// Adds to the transcript and mirrors what was added.
    pub(super) async fn record(&mut self, entries: Vec<Value>) -> Result<(), Stop> {
        let at = &self.desk.at;
        let facts =
            Facts { now: at.clock.now().to_rfc3339(), cwd: at.cwd.clone(), version: at.version().to_owned() };
        let whole = match self.talk.append(entries, &facts) {
            Ok(whole) => whole,
            Err(e) => {
                self.desk.complain(&format!("Error: cannot write the conversation: {e}")).await;
                return Err(Stop::Now(End::Code(1)));
            }
        };
        if self.desk.flags.has("--session-mirror") {
            let line = json!({ "type": "transcript_mirror", "filePath": self.talk.path, "entries": whole });
            self.desk.write(line).await?;
        }
        Ok(())
    }
}

fn exit_plan() -> crate::workbench::script::Call {
    crate::workbench::script::Call { name: "ExitPlanMode".into(), input: json!({}), id: None }
}

/// All text of a message's content, be it a string or blocks.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            blocks.iter().filter_map(|b| b["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}
