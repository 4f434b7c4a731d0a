//! Messages as the Web API and the events show them.
//!
//! Knows Slack's field names. Must not know who asks.

use serde_json::{Map, Value, json};

use super::Model;
use super::messages::Message;

impl Model {
    /// A message; with its metadata only where that was asked for.
    pub fn message_json(&self, channel: &str, message: &Message, metadata: bool) -> Value {
        let mut map = Map::new();
        let mut put = |key: &str, value: Value| map.insert(key.to_owned(), value);
        put("type", json!("message"));
        put("ts", json!(message.ts));
        put("user", json!(message.user));
        put("text", json!(message.text));
        let team = self.user(&message.user).map_or(&self.team, |user| &user.team);
        put("team", json!(team));
        if !message.blocks.is_empty() {
            put("blocks", json!(message.blocks));
        }
        if let Some(subtype) = message.subtype {
            put("subtype", json!(subtype));
        }
        if message.user == self.app.user && message.subtype != Some("channel_join") {
            put("bot_id", json!(self.app.bot));
            put("app_id", json!(self.app.id));
            put("bot_profile", self.bot_profile());
        }
        if let Some(edited) = message.edited_json() {
            put("edited", edited);
        }
        if let Some(kept) = message.metadata.as_ref().filter(|_| metadata) {
            put("metadata", kept.clone());
        }
        let files: Vec<Value> = message.files.iter().filter_map(|id| self.file_json(id)).collect();
        if !files.is_empty() {
            put("files", json!(files));
        }
        let reactions = message.reactions.iter();
        let reactions: Vec<Value> = reactions
            .map(|(name, users)| json!({ "name": name, "count": users.len(), "users": users }))
            .collect();
        if !reactions.is_empty() {
            put("reactions", json!(reactions));
        }
        map.extend(self.thread_fields(channel, message));
        Value::Object(map)
    }

    fn bot_profile(&self) -> Value {
        json!({
            "id": self.app.bot, "app_id": self.app.id, "user_id": self.app.user, "name": self.app.name,
            "team_id": self.team, "deleted": false, "updated": 1_700_000_000,
        })
    }

    fn thread_fields(&self, channel: &str, message: &Message) -> Map<String, Value> {
        let mut map = Map::new();
        if let Some(thread) = &message.thread {
            map.insert("thread_ts".into(), json!(thread));
            let root = self.channels.get(channel).and_then(|room| room.messages.get(thread));
            if let Some(root) = root {
                map.insert("parent_user_id".into(), json!(root.user));
            }
            return map;
        }
        let replies = self.replies(channel, &message.ts);
        if let Some(last) = replies.last() {
            let users: std::collections::BTreeSet<&String> = replies.iter().map(|m| &m.user).collect();
            map.insert("thread_ts".into(), json!(message.ts));
            map.insert("reply_count".into(), json!(replies.len()));
            map.insert("reply_users_count".into(), json!(users.len()));
            map.insert("reply_users".into(), json!(users));
            map.insert("latest_reply".into(), json!(last.ts));
        }
        map
    }

    /// Where a message can be looked at.
    pub fn permalink(&self, channel: &str, message: &Message) -> String {
        let link = format!("{}/archives/{channel}/p{}", self.url, message.ts.replace('.', ""));
        match &message.thread {
            Some(thread) => format!("{link}?thread_ts={thread}&cid={channel}"),
            None => link,
        }
    }
}
