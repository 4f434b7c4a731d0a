//! Who is in the workspace.
//!
//! Knows kinds of people. Must not know what they do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{App, Model};
use crate::workbench::slack::settings::{Kind, Settings};

/// The workspace that strangers are from.
pub const OTHER_TEAM: &str = "T0OTHER";
/// Slack's own voice in ephemeral notes.
pub const SLACKBOT: &str = "USLACKBOT";

#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub team: String,
    pub name: String,
    pub real_name: String,
    pub kind: Kind,
}

/// Everybody, with the app's own user and Slackbot.
pub fn seats(settings: &Settings, app: &App) -> BTreeMap<String, User> {
    let team = &settings.team.0;
    let own = |id: &str, name: &str, real_name: &str| User {
        id: id.into(),
        team: team.clone(),
        name: name.into(),
        real_name: real_name.into(),
        kind: Kind::Bot,
    };
    let people = settings.people.iter().map(|seat| User {
        id: seat.id.clone(),
        team: if seat.kind == Kind::Stranger { OTHER_TEAM.into() } else { team.clone() },
        name: seat.name.clone(),
        real_name: seat.real_name.clone(),
        kind: seat.kind,
    });
    let own = [own(&app.user, &app.name, &app.name), own(SLACKBOT, "slackbot", "Slackbot")];
    people.chain(own).map(|user| (user.id.clone(), user)).collect()
}

impl User {
    pub fn is_person(&self) -> bool {
        self.kind != Kind::Bot
    }

    pub fn is_stranger(&self) -> bool {
        self.kind == Kind::Stranger
    }

    /// As `users.info` shows them.
    pub fn json(&self) -> Value {
        let admin = self.kind == Kind::Admin;
        let called = self.real_name.split_whitespace().next().unwrap_or(&self.name);
        json!({
            "id": self.id, "team_id": self.team, "name": self.name, "real_name": self.real_name,
            "deleted": false, "color": "9f69e7", "tz": "Etc/UTC", "tz_label": "UTC", "tz_offset": 0,
            "profile": {
                "real_name": self.real_name, "real_name_normalized": self.real_name,
                "display_name": called, "display_name_normalized": called, "team": self.team,
                "status_text": "", "phone": "", "title": "",
            },
            "is_admin": admin, "is_owner": false, "is_primary_owner": false,
            "is_restricted": self.kind == Kind::Guest, "is_ultra_restricted": false,
            "is_bot": self.kind == Kind::Bot, "is_app_user": false, "is_stranger": self.is_stranger(),
            "updated": 1_700_000_000,
        })
    }
}

impl Model {
    /// Somebody by the name that is typed after `@`.
    pub fn user_named(&self, name: &str) -> Option<&User> {
        self.users.values().find(|user| user.name.eq_ignore_ascii_case(name))
    }
}
