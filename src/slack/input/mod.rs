//! What a delivery says: pure reading of Slack's payloads, the same in both modes.
//!
//! ```text
//!  command ───► the words after `/devtask` ─► Command
//!  event ─────► a message (mention or plain) ─► Words
//!  interaction ► a control of ours, a form, a shortcut ─► Click | Submit | Shortcut
//! ```
//!
//! Reads the payload itself and not a model of it: fields that are missing, null or of another type make the answer
//! smaller, never an error, and an installation for a whole organisation sends `team: null`. Must not know sessions'
//! states, who may do what, or Slack's calls.

mod command;
mod event;
mod fields;
mod interaction;
mod options;
#[cfg(test)]
mod tests;
mod text;

pub use command::{Command, InThread, Mine, VERBS};
pub use fields::{Field, Fields};
pub use options::Draft;
pub use text::plain;

use serde_json::Value;

use super::button::{Button, Form};
use super::names::{Place, User};

/// The bot itself: its own words come back as events and are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Me {
    /// `U…`: under which it is mentioned.
    pub user: String,
    /// `B…`.
    pub bot: Option<String>,
    /// The workspace it lives in.
    pub team: Option<String>,
}

/// Something a person said or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub user: User,
    /// Where it was said. A form has no place: it says itself where it was asked for.
    pub place: Option<Place>,
    pub what: What,
    /// Answers the person without being in the channel: 5 times, for 30 minutes.
    pub response_url: Option<String>,
    /// Opens a form: once, for 3 seconds.
    pub trigger: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `/devtask …`
    Command(Command),
    /// A message in a channel, a thread or a direct message.
    Words(Words),
    /// A control of ours in a message.
    Click(Click),
    /// A form of ours.
    Submit { form: Form, fields: Fields },
    /// "New task" in a message's menu; `text` is that message, `ts` its name.
    Shortcut { text: String, ts: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The message's name in its channel.
    pub ts: String,
    /// As a person reads it; the bot's own mention is taken out.
    pub text: String,
    /// The bot is mentioned. Slack says so twice, as `message` and as `app_mention`.
    pub mentioned: bool,
    /// Between the person and the bot alone.
    pub direct: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Click {
    pub button: Button,
    /// The message that shows the control.
    pub message: Option<String>,
    /// What is chosen in the message's inputs at that moment.
    pub fields: Fields,
}

/// Bytes of a payload that is read: the largest form has 250,000.
const MAX_PAYLOAD: usize = 4 * 1024 * 1024;

/// What the payload says, `None` where it says nothing to us: bots, our own words, edits, inputs that decide nothing,
/// kinds nobody asked for.
pub fn read(kind: &str, payload: &str, me: &Me) -> Option<Said> {
    if payload.len() > MAX_PAYLOAD {
        return None;
    }
    let payload: Value = serde_json::from_str(payload).ok()?;
    match kind {
        "command" => slash(&payload),
        "event" => event::read(&payload, me),
        "interaction" => interaction::read(&payload),
        _ => None,
    }
}

/// A slash command: answered through its own address, and never in a thread.
fn slash(payload: &Value) -> Option<Said> {
    let user = text_at(payload, "/user_id")?;
    let channel = text_at(payload, "/channel_id")?;
    let typed = plain(text_at(payload, "/text").unwrap_or_default());
    Some(Said {
        user: User { team: owned(payload, "/team_id"), id: user.to_owned() },
        place: Some(Place { channel: channel.to_owned(), thread: None }),
        what: What::Command(Command::typed(&typed)),
        response_url: owned(payload, "/response_url"),
        trigger: owned(payload, "/trigger_id"),
    })
}

/// The text at a JSON pointer; an empty one is none.
fn text_at<'a>(payload: &'a Value, pointer: &str) -> Option<&'a str> {
    payload.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
}

fn owned(payload: &Value, pointer: &str) -> Option<String> {
    text_at(payload, pointer).map(str::to_owned)
}

/// The first of several places that holds a text.
fn first_of(payload: &Value, pointers: &[&str]) -> Option<String> {
    pointers.iter().find_map(|pointer| owned(payload, pointer))
}
