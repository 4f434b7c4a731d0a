//! What happens, as the events the app is subscribed to and may hear.
//!
//! Knows which event a happening makes. Must not know how it is delivered.

use serde_json::{Value, json};

use super::Model;
use super::channels::Sort;
use super::deliveries::{Kind, Origin};
use super::messages::Message;
use crate::clock::Time;

impl Model {
    /// Sends the event if the app asked for events of this name.
    pub fn emit(&mut self, name: &str, event: &Value, now: Time) {
        if !self.app.events.iter().any(|e| e == name) {
            return;
        }
        let payload = json!({
            "type": "event_callback", "token": "local", "team_id": self.team, "context_team_id": self.team,
            "context_enterprise_id": null, "api_app_id": self.app.id, "event": event,
            "event_id": self.id("Ev"), "event_time": now.timestamp(), "is_ext_shared_channel": false,
            "event_context": format!("4-{}", self.app.id),
            "authorizations": [{
                "enterprise_id": null, "team_id": self.team, "user_id": self.app.user, "is_bot": true,
                "is_enterprise_install": false,
            }],
        });
        self.deliver(Kind::Event, payload, Origin::Event, now);
    }

    /// `message.channels`, `.groups` or `.im`, where the app is in.
    fn message_event(&self, channel: &str) -> Option<(&'static str, &'static str)> {
        let room = self.channels.get(channel).filter(|_| self.hears(channel))?;
        let name = match room.sort {
            Sort::Public => "message.channels",
            Sort::Private => "message.groups",
            Sort::Dm => "message.im",
        };
        Some((name, room.word()))
    }

    /// A new message: `message`, and `app_mention` too where somebody else calls the app in a channel.
    pub(super) fn tell_message(&mut self, channel: &str, ts: &str, now: Time) {
        let Some((name, word)) = self.message_event(channel) else { return };
        let message = self.channels.get(channel).and_then(|room| room.messages.get(ts));
        let Some(message) = message.cloned() else { return };
        let mut event = self.message_json(channel, &message, true);
        fill(&mut event, json!({ "channel": channel, "channel_type": word, "event_ts": ts }));
        let called = message.text.contains(&format!("<@{}>", self.app.user));
        let mention = (called && message.user != self.app.user && word != "im").then(|| {
            let mut mention = event.clone();
            fill(&mut mention, json!({ "type": "app_mention" }));
            if let Some(map) = mention.as_object_mut() {
                map.remove("channel_type");
                map.remove("subtype");
            }
            mention
        });
        self.emit(name, &event, now);
        if let Some(mention) = mention {
            self.emit("app_mention", &mention, now);
        }
    }

    pub(super) fn tell_changed(&mut self, channel: &str, ts: &str, before: &Message, now: Time) {
        let message = self.channels.get(channel).and_then(|room| room.messages.get(ts));
        let Some(after) = message.map(|m| self.message_json(channel, m, true)) else { return };
        let before = self.message_json(channel, before, true);
        self.tell_hidden(
            channel,
            "message_changed",
            json!({ "message": after, "previous_message": before }),
            now,
        );
    }

    pub(super) fn tell_deleted(&mut self, channel: &str, before: &Message, now: Time) {
        let gone =
            json!({ "deleted_ts": before.ts, "previous_message": self.message_json(channel, before, true) });
        self.tell_hidden(channel, "message_deleted", gone, now);
    }

    /// A `message` event of something that happened to an older message.
    fn tell_hidden(&mut self, channel: &str, subtype: &str, more: Value, now: Time) {
        let Some((name, word)) = self.message_event(channel) else { return };
        let ts = self.ts(now);
        let mut event = json!({
            "type": "message", "subtype": subtype, "hidden": true, "channel": channel, "channel_type": word,
            "ts": ts, "event_ts": ts,
        });
        fill(&mut event, more);
        self.emit(name, &event, now);
    }

    pub(super) fn tell_joined(&mut self, channel: &str, user: &str, now: Time) {
        let Some((_, word)) = self.message_event(channel) else { return };
        let letter = if word == "channel" { "C" } else { "G" };
        let event = json!({
            "type": "member_joined_channel", "user": user, "channel": channel, "channel_type": letter,
            "team": self.team, "event_ts": self.ts(now),
        });
        self.emit("member_joined_channel", &event, now);
    }

    pub(super) fn tell_reaction(&mut self, channel: &str, ts: &str, user: &str, name: &str, now: Time) {
        if !self.hears(channel) {
            return;
        }
        let event = json!({
            "type": "reaction_added", "user": user, "reaction": name, "event_ts": self.ts(now),
            "item": { "type": "message", "channel": channel, "ts": ts },
        });
        self.emit("reaction_added", &event, now);
    }

    pub fn tell_home(&mut self, user: &str, now: Time) {
        let Ok((channel, _)) = self.dm_with(user, now) else { return };
        let event = json!({
            "type": "app_home_opened", "user": user, "channel": channel, "tab": "home", "event_ts": self.ts(now),
        });
        self.emit("app_home_opened", &event, now);
    }
}

fn fill(event: &mut Value, more: Value) {
    if let (Some(map), Value::Object(more)) = (event.as_object_mut(), more) {
        map.extend(more);
    }
}
