//! A person's eyes and hands in the demo's workspace: what they read in the channel, and the buttons they press.
//!
//! Knows Slack's window and nothing of sessions but their names in what is shown. Must not know the story.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::domain::SessionId;
use crate::workbench::slack::{Act, Place, Receipt, Slack};

/// Who plays the demo, and where.
pub const ME: &str = "U0ANA";
pub const CHANNEL: &str = "C0DEV";

/// Slack itself gives an app three seconds.
const FOR_ACK: Duration = Duration::from_secs(15);

pub struct Hands<'a>(pub &'a Slack);

/// A message as its reader sees it.
struct Message(Value);

impl Message {
    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn belongs_to(&self, root: &str) -> bool {
        self.text("ts") == root || self.text("thread") == root
    }

    /// Names of the block and the control of the button with these words.
    fn button(&self, words: &str) -> Option<(String, String)> {
        let name = |of: &Value, key| of.get(key).and_then(Value::as_str).map(str::to_owned);
        list(&self.0, "blocks").find_map(|block| {
            let says = |e: &&Value| e.pointer("/text/text").and_then(Value::as_str) == Some(words);
            let found = list(block, "elements").find(says)?;
            Some((name(block, "block_id")?, name(found, "action_id")?))
        })
    }
}

impl Hands<'_> {
    /// Types in the channel; an error where the app did not take it.
    pub async fn say(&self, text: &str) -> anyhow::Result<()> {
        let receipt = self.0.say(ME, CHANNEL, text, None)?;
        self.acked(&receipt).await
    }

    /// Presses a button of this session's messages, as soon as it is there. `false` = it is not there yet.
    pub async fn press(&self, session: SessionId, words: &str) -> anyhow::Result<bool> {
        let Some(root) = self.root(session) else { return Ok(false) };
        let all = self.messages();
        let mut thread = all.iter().rev().filter(|m| m.belongs_to(&root));
        let found = thread.find_map(|m| Some((m.text("ts").to_owned(), m.button(words)?)));
        let Some((ts, (block, action))) = found else { return Ok(false) };
        let at = Place::message(CHANNEL, &ts);
        let receipt = self.0.act(ME, Act::Click { at, block, action, value: None, gone: None })?;
        self.acked(&receipt).await?;
        Ok(true)
    }

    /// How many messages of the session's thread, its root among them, have these words in what screen readers read.
    pub fn count(&self, session: SessionId, words: &str) -> usize {
        let Some(root) = self.root(session) else { return 0 };
        self.messages().iter().filter(|m| m.belongs_to(&root) && m.text("text").contains(words)).count()
    }

    /// How many messages in the session's thread, its root aside, show these words anywhere.
    pub fn shown(&self, session: SessionId, words: &str) -> usize {
        let Some(root) = self.root(session) else { return 0 };
        let all = self.messages();
        all.iter().filter(|m| m.text("thread") == root && says(m.0.get("blocks"), words)).count()
    }

    /// How many roots name the session: one, whatever happened.
    pub fn roots(&self, session: SessionId) -> usize {
        self.messages().iter().filter(|m| is_root(m, session)).count()
    }

    fn root(&self, session: SessionId) -> Option<String> {
        let all = self.messages();
        all.iter().find(|m| is_root(m, session)).map(|m| m.text("ts").to_owned())
    }

    fn messages(&self) -> Vec<Message> {
        let state = self.0.state(ME).unwrap_or_default();
        let ours = |c: &&Value| c.get("id").and_then(Value::as_str) == Some(CHANNEL);
        let channel = list(&state, "channels").find(ours).cloned().unwrap_or_default();
        list(&channel, "messages").cloned().map(Message).collect()
    }

    async fn acked(&self, receipt: &Receipt) -> anyhow::Result<()> {
        let Some(id) = &receipt.delivery else { return Ok(()) };
        let settled = self.0.settled(id, FOR_ACK).await.context("nobody took what was said in Slack")?;
        let says = |key| settled.get(key).and_then(Value::as_str);
        if says("outcome") != Some("acked") {
            bail!("Slack gave up: {}", says("reason").unwrap_or("no ack"));
        }
        Ok(())
    }
}

/// In the channel itself, and the session's name comes first.
fn is_root(message: &Message, session: SessionId) -> bool {
    let named = message.text("text").strip_prefix(&session.to_string());
    message.text("thread").is_empty()
        && message.0.get("bot") == Some(&Value::Bool(true))
        && named.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a text anywhere in it has these words.
fn says(part: Option<&Value>, words: &str) -> bool {
    match part {
        Some(Value::String(text)) => text.contains(words),
        Some(Value::Array(parts)) => parts.iter().any(|part| says(Some(part), words)),
        Some(Value::Object(parts)) => parts.values().any(|part| says(Some(part), words)),
        _ => false,
    }
}

fn list<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}
