//! What the workspace holds, and its laws: people, channels, messages, views, triggers, deliveries.
//!
//! Pure: the caller brings the time, and sends what lies in [`deliveries`]. Must not know HTTP or sockets.

mod answers;
pub mod blocks;
pub mod channels;
pub mod deliveries;
pub mod events;
pub mod files;
pub mod hooks;
pub mod messages;
pub mod people;
pub mod sockets;
pub mod views;
pub mod wire;

use std::collections::BTreeMap;

use serde_json::Value;

use super::settings::{Settings, Shortcut};
use crate::clock::Time;
use channels::Channel;
use deliveries::Deliveries;
use files::File;
use hooks::Hook;
use people::User;
use sockets::Sockets;
use views::{Trigger, Views};

/// The app that is installed, as Slack knows it.
#[derive(Clone, Debug)]
pub struct App {
    pub id: String,
    pub name: String,
    /// Its user and its bot.
    pub user: String,
    pub bot: String,
    pub commands: Vec<String>,
    pub shortcuts: Vec<Shortcut>,
    pub events: Vec<String>,
    pub scopes: Vec<String>,
}

#[derive(Debug)]
pub struct Model {
    pub team: String,
    pub team_name: String,
    /// `http://127.0.0.1:PORT`, for the links it gives out.
    pub url: String,
    pub app: App,
    pub users: BTreeMap<String, User>,
    pub channels: BTreeMap<String, Channel>,
    pub triggers: BTreeMap<String, Trigger>,
    pub views: Views,
    pub hooks: BTreeMap<String, Hook>,
    pub files: BTreeMap<String, File>,
    pub deliveries: Deliveries,
    pub sockets: Sockets,
    /// Interactions that are still to be sent as an org-wide installation does: with `team: null`.
    pub org_wide: u32,
    /// Rises at every change that somebody could see.
    pub version: u64,
    /// Makes ids differ from those of an earlier run.
    salt: String,
    last_id: u64,
    last_ts: i64,
}

impl Model {
    /// `salt`: some random letters.
    pub fn new(settings: &Settings, url: String, salt: String, now: Time) -> Self {
        let app = App {
            id: "A0DEVTASK".into(),
            name: settings.app.clone(),
            user: "U0APP".into(),
            bot: "B0APP".into(),
            commands: settings.commands.clone(),
            shortcuts: settings.shortcuts.clone(),
            events: settings.events.clone(),
            scopes: settings.scopes.clone(),
        };
        let users = people::seats(settings, &app);
        let mut model = Self {
            team: settings.team.0.clone(),
            team_name: settings.team.1.clone(),
            url,
            app,
            users,
            channels: BTreeMap::new(),
            triggers: BTreeMap::new(),
            views: Views::default(),
            hooks: BTreeMap::new(),
            files: BTreeMap::new(),
            deliveries: Deliveries::default(),
            sockets: Sockets::default(),
            org_wide: 0,
            version: 1,
            salt,
            last_id: 0,
            last_ts: 0,
        };
        for room in &settings.rooms {
            let channel = Channel::room(room, now);
            model.channels.insert(channel.id.clone(), channel);
        }
        model
    }

    /// A new id behind `kind`: `V`, `F`, `Ev`.
    pub fn id(&mut self, kind: &str) -> String {
        self.last_id += 1;
        format!("{kind}{}{:05}", self.salt, self.last_id)
    }

    /// A name of a moment that no other message has: `1700000000.000100`.
    pub fn ts(&mut self, now: Time) -> String {
        let micros = now.timestamp_micros().max(self.last_ts + 1);
        self.last_ts = micros;
        format!("{:010}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }

    pub fn changed(&mut self) {
        self.version += 1;
    }

    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.get(id)
    }

    /// `@ana`, or the id of somebody unknown.
    pub fn name_of<'a>(&'a self, id: &'a str) -> &'a str {
        self.users.get(id).map_or(id, |user| &user.name)
    }
}

/// A text below `key`.
pub fn text_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// A list below `key`; empty where there is none.
pub fn list_of<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
