//! Messages: who may post, change and delete them, where threads hang.
//!
//! Texts and blocks come in checked by `limits`. Must not know how a message looks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Model;
use super::blocks::Inputs;
use super::channels::Sort;
use super::people::SLACKBOT;
use crate::clock::Time;
use crate::workbench::slack::refusal::Refusal;
use crate::workbench::slack::settings::Kind;

#[derive(Clone, Debug)]
pub struct Message {
    pub ts: String,
    pub at: Time,
    pub user: String,
    pub text: String,
    pub blocks: Vec<Value>,
    /// The root's `ts`; a root has none.
    pub thread: Option<String>,
    pub metadata: Option<Value>,
    /// When a text was changed so that "(edited)" is shown.
    pub edited: Option<String>,
    /// Seen by this person only, and gone when they reload.
    pub only_for: Option<String>,
    pub subtype: Option<&'static str>,
    /// A reply that the channel sees too.
    pub broadcast: bool,
    /// A root that was deleted under its replies.
    pub tombstone: bool,
    pub files: Vec<String>,
    /// Who reacted with what.
    pub reactions: BTreeMap<String, BTreeSet<String>>,
    /// By person.
    pub inputs: BTreeMap<String, Inputs>,
}

/// What is said, and how.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub text: String,
    pub blocks: Vec<Value>,
    pub thread: Option<String>,
    pub metadata: Option<Value>,
    pub broadcast: bool,
    pub only_for: Option<String>,
    pub files: Vec<String>,
    pub subtype: Option<&'static str>,
}

/// A change of a message; `None` = as it was.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub text: Option<String>,
    pub blocks: Option<Vec<Value>>,
    pub metadata: Option<Value>,
}

impl Model {
    /// A message of the app, where it may post.
    pub fn post(&mut self, channel: &str, draft: Draft, now: Time) -> Result<String, Refusal> {
        let open = self.app.scopes.iter().any(|s| s == "chat:write.public");
        let room = if open { self.known(channel)? } else { self.joined(channel)? };
        if room.archived {
            return Err(Refusal::new("is_archived"));
        }
        if let Some(reader) = &draft.only_for {
            self.may_be_told(channel, reader)?;
        }
        self.check_thread(channel, draft.thread.as_deref())?;
        let app = self.app.user.clone();
        self.put(channel, &app, draft, now)
    }

    fn may_be_told(&self, channel: &str, reader: &str) -> Result<(), Refusal> {
        self.joined(channel)?;
        let inside = self.channels.get(channel).is_some_and(|c| c.members.contains(reader));
        if inside { Ok(()) } else { Err(Refusal::new("user_not_in_channel")) }
    }

    /// A thread hangs under a message that is there and is no reply itself.
    pub fn check_thread(&self, channel: &str, thread: Option<&str>) -> Result<(), Refusal> {
        let Some(thread) = thread else { return Ok(()) };
        let root = self.channels.get(channel).and_then(|room| room.messages.get(thread));
        match root {
            None => Err(Refusal::new("thread_not_found")),
            Some(root) if root.thread.is_some() => Err(Refusal::new("cannot_reply_to_message")),
            Some(_) => Ok(()),
        }
    }

    /// Anybody's message; the laws are the caller's.
    pub fn put(&mut self, channel: &str, user: &str, draft: Draft, now: Time) -> Result<String, Refusal> {
        let ts = self.ts(now);
        let mut blocks = draft.blocks;
        self.name_blocks(&mut blocks);
        let message = Message {
            ts: ts.clone(),
            at: now,
            user: user.to_owned(),
            text: draft.text,
            blocks,
            thread: draft.thread,
            metadata: draft.metadata,
            edited: None,
            only_for: draft.only_for,
            subtype: draft.subtype.or_else(|| (!draft.files.is_empty()).then_some("file_share")),
            broadcast: draft.broadcast,
            tombstone: false,
            files: draft.files,
            reactions: BTreeMap::new(),
            inputs: BTreeMap::new(),
        };
        let hidden = message.only_for.is_some();
        self.channel_mut(channel)?.keep(message);
        self.changed();
        if !hidden {
            self.tell_message(channel, &ts, now);
        }
        Ok(ts)
    }

    /// Slack's own word to one person.
    pub fn whisper(&mut self, channel: &str, user: &str, thread: Option<&str>, text: String, now: Time) {
        let draft = Draft {
            text,
            thread: thread.map(str::to_owned),
            only_for: Some(user.to_owned()),
            ..Draft::default()
        };
        if let Err(gone) = self.put(channel, SLACKBOT, draft, now) {
            tracing::debug!(slack.channel = channel, error = %gone, "nobody is there to be told");
        }
    }

    pub(super) fn say_joined(&mut self, channel: &str, user: &str, now: Time) -> Result<(), Refusal> {
        let text = format!("<@{user}> has joined the channel");
        let draft = Draft { text, subtype: Some("channel_join"), ..Draft::default() };
        self.put(channel, user, draft, now)?;
        self.tell_joined(channel, user, now);
        Ok(())
    }

    pub(super) fn say_left(&mut self, channel: &str, user: &str, now: Time) -> Result<(), Refusal> {
        let text = format!("<@{user}> was removed from the channel");
        let draft = Draft { text, subtype: Some("channel_leave"), ..Draft::default() };
        self.put(channel, user, draft, now).map(drop)
    }

    /// A message the app may change: its own, and not one for one reader.
    fn own(&self, channel: &str, ts: &str, otherwise: &str) -> Result<Message, Refusal> {
        let message = self.known(channel)?.messages.get(ts).filter(|m| !m.tombstone && m.only_for.is_none());
        let message = message.ok_or_else(|| Refusal::new("message_not_found"))?;
        if self.known(channel)?.archived {
            return Err(Refusal::new("is_archived"));
        }
        if message.user == self.app.user { Ok(message.clone()) } else { Err(Refusal::new(otherwise)) }
    }

    pub fn update(&mut self, channel: &str, ts: &str, change: Change, now: Time) -> Result<(), Refusal> {
        self.own(channel, ts, "cant_update_message")?;
        self.alter(channel, ts, change, now)
    }

    /// Changes any message. A text without blocks takes the blocks away; only then "(edited)" is shown.
    pub fn alter(&mut self, channel: &str, ts: &str, change: Change, now: Time) -> Result<(), Refusal> {
        let mut blocks = change.blocks.clone().unwrap_or_default();
        self.name_blocks(&mut blocks);
        let mark = self.ts(now);
        let room = self.channel_mut(channel)?;
        let message = room.messages.get_mut(ts).ok_or_else(|| Refusal::new("message_not_found"))?;
        let before = message.clone();
        let plain = change.blocks.is_none();
        if let Some(metadata) = change.metadata {
            let empty = metadata.as_object().is_some_and(serde_json::Map::is_empty);
            message.metadata = if empty { None } else { Some(metadata) };
        }
        message.text = change.text.unwrap_or_default();
        message.blocks = blocks;
        message.forget_stale_inputs();
        if plain && message.only_for.is_none() {
            message.edited = Some(mark);
        }
        let hidden = message.only_for.is_some();
        self.changed();
        if !hidden {
            self.tell_changed(channel, ts, &before, now);
        }
        Ok(())
    }

    pub fn delete_own(&mut self, channel: &str, ts: &str, now: Time) -> Result<(), Refusal> {
        self.own(channel, ts, "cant_delete_message")?;
        self.delete(channel, ts, now)
    }

    /// Takes a message away; a root with replies leaves a tombstone.
    pub fn delete(&mut self, channel: &str, ts: &str, now: Time) -> Result<(), Refusal> {
        let room = self.channel_mut(channel)?;
        let replies = room.messages.values().any(|m| m.thread.as_deref() == Some(ts));
        let before = room.messages.remove(ts).ok_or_else(|| Refusal::new("message_not_found"))?;
        if before.tombstone {
            room.messages.insert(ts.to_owned(), before);
            return Err(Refusal::new("message_not_found"));
        }
        if replies {
            room.messages.insert(ts.to_owned(), before.tombstone());
        }
        self.changed();
        if before.only_for.is_none() {
            self.tell_deleted(channel, &before, now);
        }
        Ok(())
    }

    /// Whether this person may take the message away.
    pub fn may_delete(&self, user: &str, channel: &str, ts: &str) -> Result<(), Refusal> {
        let message = self.channels.get(channel).and_then(|room| room.messages.get(ts));
        let message = message.ok_or_else(|| Refusal::new("message_not_found"))?;
        let admin = self.user(user).is_some_and(|u| u.kind == Kind::Admin);
        let theirs = message.user == user || message.only_for.as_deref() == Some(user);
        if admin || theirs { Ok(()) } else { Err(Refusal::new("cant_delete_message")) }
    }

    pub fn react(
        &mut self,
        channel: &str,
        ts: &str,
        user: &str,
        name: &str,
        now: Time,
    ) -> Result<(), Refusal> {
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-+:'".contains(c);
        if name.is_empty() || !name.chars().all(valid) {
            return Err(Refusal::new("invalid_name"));
        }
        let message = self.public_message(channel, ts)?;
        if !message.reactions.entry(name.to_owned()).or_default().insert(user.to_owned()) {
            return Err(Refusal::new("already_reacted"));
        }
        self.changed();
        self.tell_reaction(channel, ts, user, name, now);
        Ok(())
    }

    pub fn unreact(&mut self, channel: &str, ts: &str, user: &str, name: &str) -> Result<(), Refusal> {
        let message = self.public_message(channel, ts)?;
        let users = message.reactions.get_mut(name);
        if !users.is_some_and(|users| users.remove(user)) {
            return Err(Refusal::new("no_reaction"));
        }
        message.reactions.retain(|_, users| !users.is_empty());
        self.changed();
        Ok(())
    }

    fn public_message(&mut self, channel: &str, ts: &str) -> Result<&mut Message, Refusal> {
        let found = self.channel_mut(channel)?.messages.get_mut(ts);
        found
            .filter(|m| m.only_for.is_none() && !m.tombstone)
            .ok_or_else(|| Refusal::new("message_not_found"))
    }

    /// How often a root was replied to, by whom, and when last.
    pub fn replies(&self, channel: &str, root: &str) -> Vec<&Message> {
        let messages = self.channels.get(channel).into_iter().flat_map(|room| room.messages.values());
        messages.filter(|m| m.only_for.is_none() && m.thread.as_deref() == Some(root)).collect()
    }

    /// Whether the app hears what is said here.
    pub fn hears(&self, channel: &str) -> bool {
        self.channels.get(channel).is_some_and(|c| c.sort == Sort::Dm || c.members.contains(&self.app.user))
    }
}

impl Message {
    /// What was chosen in controls that are no longer there is forgotten.
    fn forget_stale_inputs(&mut self) {
        let now = super::blocks::controls(&self.blocks);
        let there: BTreeSet<(String, String)> =
            now.iter().map(|c| (c.block.to_owned(), c.action().to_owned())).collect();
        for inputs in self.inputs.values_mut() {
            inputs.retain(|place, _| there.contains(place));
        }
    }

    fn tombstone(&self) -> Self {
        Self {
            text: "This message was deleted.".into(),
            user: SLACKBOT.into(),
            blocks: Vec::new(),
            metadata: None,
            subtype: Some("tombstone"),
            tombstone: true,
            edited: None,
            files: Vec::new(),
            reactions: BTreeMap::new(),
            inputs: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// `state.values` of one person.
    pub fn state_of(&self, user: &str) -> Value {
        let nothing = Inputs::new();
        super::blocks::state(&self.blocks, self.inputs.get(user).unwrap_or(&nothing))
    }

    pub fn edited_json(&self) -> Option<Value> {
        self.edited.as_ref().map(|ts| json!({ "user": self.user, "ts": ts }))
    }
}
