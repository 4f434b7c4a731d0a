//! What is typed into the composer: a message with its mentions, or a command.
//!
//! Knows how Slack writes what was typed. Must not know what the app makes of it.

use serde_json::json;

use super::{Attached, Done, Hands, NotPossible, Receipt, no};
use crate::workbench::slack::model::channels::Sort;
use crate::workbench::slack::model::deliveries::{Kind, Origin};
use crate::workbench::slack::model::files;
use crate::workbench::slack::model::messages::Draft;
use crate::workbench::slack::model::people::SLACKBOT;

/// What the composer takes.
const LONGEST: usize = 40_000;

impl Hands<'_> {
    pub(super) fn say(
        &mut self,
        channel: &str,
        text: &str,
        thread: Option<&str>,
        file: Option<Attached>,
    ) -> Done {
        self.channel(channel)?;
        if text.chars().count() > LONGEST {
            return no("the message is too long");
        }
        if let (Some(command), None) = (text.strip_prefix('/'), &file) {
            return self.command(channel, command, thread);
        }
        if text.trim().is_empty() && file.is_none() {
            return no("there is nothing to send");
        }
        if !self.channel(channel)?.members.contains(&self.user.id) {
            return no("you are not in that channel");
        }
        if self.channel(channel)?.archived {
            return no("the channel is archived");
        }
        self.model.check_thread(channel, thread)?;
        let composed = self.composed(text);
        let calls_app = composed.contains(&format!("<@{}>", self.model.app.user));
        let files = match file {
            Some(file) => vec![self.attach(&file)?],
            None => Vec::new(),
        };
        let blocks = if composed.is_empty() { Vec::new() } else { vec![self.rich(text)] };
        let draft =
            Draft { text: composed, blocks, thread: thread.map(str::to_owned), files, ..Draft::default() };
        let user = self.user.id.clone();
        let ts = self.model.put(channel, &user, draft, self.now)?;
        if calls_app && !self.model.hears(channel) {
            self.offer_invitation(channel, thread);
        }
        Ok(Receipt { ts: Some(ts), delivery: None })
    }

    fn attach(&mut self, file: &Attached) -> Result<String, NotPossible> {
        if file.text.len() > files::LONGEST {
            return no("the file is too large");
        }
        Ok(self.model.add_file(&self.user.id, &file.name, &file.text, self.now))
    }

    fn offer_invitation(&mut self, channel: &str, thread: Option<&str>) {
        let app = &self.model.app;
        let text = format!("You mentioned <@{}>, but they're not in this channel.", app.user);
        let user = self.user.id.clone();
        self.model.whisper(channel, &user, thread, text, self.now);
    }

    /// `/devtask new …`. Threads have no commands, and unknown ones are said so.
    fn command(&mut self, channel: &str, typed: &str, thread: Option<&str>) -> Done {
        let (word, text) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
        let command = format!("/{word}");
        let user = self.user.id.clone();
        let wrong = if !self.model.app.commands.contains(&command) {
            Some(format!("{command} is not a valid command."))
        } else if thread.is_some() {
            Some(format!("{command} is not supported in threads. Sorry!"))
        } else {
            None
        };
        if let Some(wrong) = wrong {
            self.model.whisper(channel, &user, thread, escaped(&wrong), self.now);
            return Ok(Receipt::default());
        }
        let room = self.channel(channel)?;
        let name = if room.sort == Sort::Dm { "directmessage".to_owned() } else { room.name.clone() };
        let payload = json!({
            "token": "local", "team_id": self.user.team, "team_domain": self.model.team_name.to_lowercase(),
            "channel_id": channel, "channel_name": name, "user_id": self.user.id, "user_name": self.user.name,
            "command": command, "text": escaped(text.trim()), "api_app_id": self.model.app.id,
            "is_enterprise_install": "false", "response_url": self.model.hook(channel, &user, None, self.now),
            "trigger_id": self.model.trigger(&user, false, self.now),
        });
        let origin = Origin::Command { channel: channel.to_owned(), user, command };
        let id = self.model.deliver(Kind::Command, payload, origin, self.now);
        self.model.changed();
        Ok(Receipt { ts: None, delivery: Some(id) })
    }

    /// What was typed, as Slack writes it: escaped, with names as mentions.
    pub(super) fn composed(&self, typed: &str) -> String {
        parts(self, typed).into_iter().map(|part| part.text()).collect()
    }

    /// The same as the block a person's message carries.
    fn rich(&self, typed: &str) -> serde_json::Value {
        let leaves: Vec<serde_json::Value> = parts(self, typed).into_iter().map(Part::leaf).collect();
        json!({ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": leaves }] })
    }
}

/// A piece of what was typed.
enum Part {
    Text(String),
    User(String),
    Channel(String, String),
    Everybody(&'static str),
}

impl Part {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => escaped(text),
            Self::User(id) => format!("<@{id}>"),
            Self::Channel(id, name) => format!("<#{id}|{name}>"),
            Self::Everybody(word) => format!("<!{word}>"),
        }
    }

    fn leaf(self) -> serde_json::Value {
        match self {
            Self::Text(text) => json!({ "type": "text", "text": text }),
            Self::User(id) => json!({ "type": "user", "user_id": id }),
            Self::Channel(id, _) => json!({ "type": "channel", "channel_id": id }),
            Self::Everybody(word) => json!({ "type": "broadcast", "range": word }),
        }
    }
}

fn parts(hands: &Hands<'_>, typed: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = typed;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        // Only behind a sign: what is looked at for every letter takes minutes for a long word.
        let sign = matches!(first, '@' | '#');
        let named = after.chars().take_while(|c| sign && (c.is_alphanumeric() || "_-".contains(*c)));
        let word: String = named.collect();
        let alone = !plain.ends_with(|c: char| c.is_alphanumeric());
        let found = called(hands, first, &word).filter(|_| alone && !word.is_empty());
        let Some(part) = found else {
            plain.push(first);
            rest = after;
            continue;
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(part);
        rest = after.get(word.len()..).unwrap_or_default();
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    parts
}

/// Who or what `@word` or `#word` is.
fn called(hands: &Hands<'_>, sign: char, word: &str) -> Option<Part> {
    match (sign, word) {
        ('@', "channel") => Some(Part::Everybody("channel")),
        ('@', "here") => Some(Part::Everybody("here")),
        ('@', _) => {
            let user = hands.model.user_named(word).filter(|user| user.id != SLACKBOT)?;
            Some(Part::User(user.id.clone()))
        }
        ('#', _) => {
            let mut all = hands.model.channels.values();
            let room = all.find(|room| room.name == word && room.seen_by(&hands.user))?;
            Some(Part::Channel(room.id.clone(), room.name.clone()))
        }
        _ => None,
    }
}

/// Slack's three characters.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
