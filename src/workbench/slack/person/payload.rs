//! Interactions as the app is sent them.
//!
//! Knows Slack's field names. Must not know whether an act is possible.

use serde_json::{Value, json};

use super::{Hands, NotPossible, Place};
use crate::workbench::slack::model::views::Which;

impl Hands<'_> {
    /// What every interaction says: who, where, for which app. `team` is null from an org-wide installation.
    fn interaction(&mut self, sort: &str) -> Value {
        let model = &mut *self.model;
        let wide = model.org_wide > 0;
        model.org_wide = model.org_wide.saturating_sub(1);
        let team = json!({ "id": model.team, "domain": model.team_name.to_lowercase() });
        let grid = json!({ "id": "E0GRID", "name": "Grid" });
        json!({
            "type": sort, "token": "local", "api_app_id": model.app.id,
            "team": if wide { Value::Null } else { team },
            "enterprise": if wide { grid } else { Value::Null }, "is_enterprise_install": wide,
            "user": {
                "id": self.user.id, "username": self.user.name, "name": self.user.name, "team_id": self.user.team,
            },
        })
    }

    fn channel_json(&self, id: &str) -> Value {
        let name = self.model.channels.get(id).map_or("", |room| &room.name);
        json!({ "id": id, "name": if name.is_empty() { "directmessage" } else { name } })
    }

    fn message_of(&self, channel: &str, ts: &str) -> Value {
        let message = self.model.channels.get(channel).and_then(|room| room.messages.get(ts));
        message.map_or(Value::Null, |m| self.model.message_json(channel, m, true))
    }

    pub(super) fn view_payload(&mut self, sort: &str, id: &str) -> Value {
        let mut payload = self.interaction(sort);
        let view = self.model.view(&Which::Id(id)).map_or(Value::Null, |view| view.json(self.model));
        put(&mut payload, "view", view);
        if sort == "view_closed" {
            put(&mut payload, "is_cleared", json!(false));
            return payload;
        }
        let trigger = self.model.trigger(&self.user.id, true, self.now);
        put(&mut payload, "trigger_id", json!(trigger));
        put(&mut payload, "response_urls", json!([]));
        payload
    }

    pub(super) fn actions_payload(&mut self, at: &Place, action: &Value) -> Result<Value, NotPossible> {
        let mut payload = self.interaction("block_actions");
        put(&mut payload, "actions", json!([action]));
        let in_view = matches!(at, Place::View { .. });
        let trigger = self.model.trigger(&self.user.id, in_view, self.now);
        put(&mut payload, "trigger_id", json!(trigger));
        self.place(&mut payload, at)?;
        if let Place::Message { channel, ts } = at {
            let user = self.user.id.clone();
            let state = self.message(channel, ts)?.state_of(&user);
            put(&mut payload, "state", json!({ "values": state }));
            let url = self.model.hook(channel, &user, Some(ts), self.now);
            put(&mut payload, "response_url", json!(url));
        }
        Ok(payload)
    }

    /// `container`, and the message or view with it.
    fn place(&self, payload: &mut Value, at: &Place) -> Result<(), NotPossible> {
        match at {
            Place::View { view } => {
                put(payload, "container", json!({ "type": "view", "view_id": view }));
                let shown = self.model.view(&Which::Id(view)).map(|view| view.json(self.model));
                put(payload, "view", shown.unwrap_or(Value::Null));
            }
            Place::Message { channel, ts } => {
                let message = self.message(channel, ts)?;
                let mut container = json!({
                    "type": "message", "message_ts": ts, "channel_id": channel,
                    "is_ephemeral": message.only_for.is_some(),
                });
                if let Some(thread) = &message.thread {
                    put(&mut container, "thread_ts", json!(thread));
                }
                put(payload, "container", container);
                put(payload, "channel", self.channel_json(channel));
                if message.only_for.is_none() {
                    put(payload, "message", self.message_of(channel, ts));
                }
            }
        }
        Ok(())
    }

    pub(super) fn suggestion_payload(
        &mut self,
        at: &Place,
        block: &str,
        action: &str,
        typed: &str,
    ) -> Result<Value, NotPossible> {
        let mut payload = self.interaction("block_suggestion");
        for (key, value) in [("block_id", block), ("action_id", action), ("value", typed)] {
            put(&mut payload, key, json!(value));
        }
        self.place(&mut payload, at)?;
        Ok(payload)
    }

    pub(super) fn message_shortcut(&mut self, callback: &str, channel: &str, ts: &str) -> Value {
        let mut payload = self.global_shortcut(callback);
        let url = self.model.hook(channel, &self.user.id, None, self.now);
        let about = [
            ("type", json!("message_action")),
            ("channel", self.channel_json(channel)),
            ("message_ts", json!(ts)),
            ("message", self.message_of(channel, ts)),
            ("response_url", json!(url)),
        ];
        for (key, value) in about {
            put(&mut payload, key, value);
        }
        payload
    }

    pub(super) fn global_shortcut(&mut self, callback: &str) -> Value {
        let mut payload = self.interaction("shortcut");
        let trigger = self.model.trigger(&self.user.id, false, self.now);
        put(&mut payload, "callback_id", json!(callback));
        put(&mut payload, "trigger_id", json!(trigger));
        put(&mut payload, "action_ts", json!(self.model.ts(self.now)));
        payload
    }
}

fn put(payload: &mut Value, key: &str, value: Value) {
    if let Some(map) = payload.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}
