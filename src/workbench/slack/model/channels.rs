//! Channels: who is in them, who sees them, what lies in them.
//!
//! Must not know what messages mean.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::messages::Message;
use super::people::User;
use super::{App, Model};
use crate::clock::Time;
use crate::workbench::slack::refusal::Refusal;
use crate::workbench::slack::settings::{Kind, Room};

/// Messages kept of a channel; the oldest go.
const MOST_MESSAGES: usize = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Public,
    Private,
    /// Between the app and one person.
    Dm,
}

#[derive(Clone, Debug)]
pub struct Channel {
    pub id: String,
    /// Without `#`; empty for a DM.
    pub name: String,
    pub sort: Sort,
    pub members: BTreeSet<String>,
    pub topic: String,
    pub archived: bool,
    pub created: Time,
    /// By `ts`.
    pub messages: BTreeMap<String, Message>,
}

impl Channel {
    pub fn room(room: &Room, now: Time) -> Self {
        Self {
            id: room.id.clone(),
            name: room.name.clone(),
            sort: if room.private { Sort::Private } else { Sort::Public },
            members: room.members.iter().cloned().collect(),
            topic: room.topic.clone(),
            archived: false,
            created: now,
            messages: BTreeMap::new(),
        }
    }

    /// Whether this person finds the channel at all.
    pub fn seen_by(&self, user: &User) -> bool {
        let public = self.sort == Sort::Public && !matches!(user.kind, Kind::Guest | Kind::Stranger);
        public || self.members.contains(&user.id)
    }

    /// The person on the other side of a DM.
    pub fn with(&self, app: &App) -> Option<&String> {
        self.members.iter().find(|m| **m != app.user).filter(|_| self.sort == Sort::Dm)
    }

    pub fn keep(&mut self, message: Message) {
        self.messages.insert(message.ts.clone(), message);
        while self.messages.len() > MOST_MESSAGES {
            self.messages.pop_first();
        }
    }

    /// `channel_type` of events.
    pub fn word(&self) -> &'static str {
        match self.sort {
            Sort::Public => "channel",
            Sort::Private => "group",
            Sort::Dm => "im",
        }
    }

    /// As `conversations.info` shows it to the app.
    pub fn json(&self, app: &App) -> Value {
        let created = self.created.timestamp();
        let mut shown = json!({
            "id": self.id, "created": created, "is_archived": self.archived, "is_im": self.sort == Sort::Dm,
            "is_channel": self.sort == Sort::Public, "is_group": self.sort == Sort::Private,
            "is_private": self.sort != Sort::Public, "is_mpim": false, "is_org_shared": false,
        });
        if let (Some(map), Some(with)) = (shown.as_object_mut(), self.with(app)) {
            map.insert("user".into(), json!(with));
        } else if let Some(map) = shown.as_object_mut() {
            let topic = json!({ "value": self.topic, "creator": "", "last_set": 0 });
            map.insert("name".into(), json!(self.name));
            map.insert("name_normalized".into(), json!(self.name));
            map.insert("is_member".into(), json!(self.members.contains(&app.user)));
            map.insert("is_general".into(), json!(self.name == "general"));
            map.insert("topic".into(), topic);
            map.insert("purpose".into(), json!({ "value": "", "creator": "", "last_set": 0 }));
            map.insert("num_members".into(), json!(self.members.len()));
        }
        shown
    }
}

impl Model {
    /// A channel the app may know of; a private one without it does not exist.
    pub fn known(&self, id: &str) -> Result<&Channel, Refusal> {
        let channel = self.channels.get(id).ok_or_else(|| Refusal::new("channel_not_found"))?;
        let hidden = channel.sort != Sort::Public && !channel.members.contains(&self.app.user);
        if hidden { Err(Refusal::new("channel_not_found")) } else { Ok(channel) }
    }

    /// A channel the app is in.
    pub fn joined(&self, id: &str) -> Result<&Channel, Refusal> {
        let channel = self.known(id)?;
        if channel.members.contains(&self.app.user) {
            Ok(channel)
        } else {
            Err(Refusal::new("not_in_channel"))
        }
    }

    pub fn channel_mut(&mut self, id: &str) -> Result<&mut Channel, Refusal> {
        self.channels.get_mut(id).ok_or_else(|| Refusal::new("channel_not_found"))
    }

    /// The talk between the app and a person, made where there is none. Says whether it was there already.
    pub fn dm_with(&mut self, user: &str, now: Time) -> Result<(String, bool), Refusal> {
        let known = self.users.get(user).ok_or_else(|| Refusal::new("user_not_found"))?;
        if known.is_stranger() {
            return Err(Refusal::new("user_not_visible"));
        }
        if !known.is_person() {
            return Err(Refusal::new("cannot_dm_bot"));
        }
        let id = format!("D{}", user.trim_start_matches('U'));
        let there = self.channels.contains_key(&id);
        if !there {
            let members = BTreeSet::from([user.to_owned(), self.app.user.clone()]);
            let channel = Channel {
                id: id.clone(),
                name: String::new(),
                sort: Sort::Dm,
                members,
                topic: String::new(),
                archived: false,
                created: now,
                messages: BTreeMap::new(),
            };
            self.channels.insert(id.clone(), channel);
            self.changed();
        }
        Ok((id, there))
    }

    /// Puts somebody into a channel, with the line everybody sees. Says whether they were in already.
    pub fn enter(&mut self, channel: &str, user: &str, now: Time) -> Result<bool, Refusal> {
        let room = self.channel_mut(channel)?;
        if room.archived {
            return Err(Refusal::new("is_archived"));
        }
        if !room.members.insert(user.to_owned()) {
            return Ok(true);
        }
        self.say_joined(channel, user, now)?;
        Ok(false)
    }

    /// Takes the app out of a channel, with the line everybody sees. From then on it hears nothing there.
    pub fn remove_app(&mut self, channel: &str, now: Time) -> Result<(), Refusal> {
        let app = self.app.user.clone();
        if !self.channel_mut(channel)?.members.remove(&app) {
            return Err(Refusal::new("not_in_channel"));
        }
        self.say_left(channel, &app, now)
    }

    /// Nothing is said or changed there any more.
    pub fn archive(&mut self, channel: &str) -> Result<(), Refusal> {
        let room = self.channel_mut(channel)?;
        if std::mem::replace(&mut room.archived, true) {
            return Err(Refusal::new("already_archived"));
        }
        self.changed();
        Ok(())
    }
}
