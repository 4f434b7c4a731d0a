//! Which workspace it is: its people, channels, tokens, and what the app was installed with.
//!
//! The default one is small and has one person of every kind. Must not know what happens in it.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// What may be said of a workspace before it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    pub team: (String, String),
    /// The app's name, which is also the bot's: `@devtask`.
    pub app: String,
    /// Fixed tokens, or random ones where `None`: a demo keeps its own over restarts.
    pub tokens: Option<Tokens>,
    pub people: Vec<Seat>,
    pub rooms: Vec<Room>,
    /// Commands of the app, each with its `/`.
    pub commands: Vec<String>,
    pub shortcuts: Vec<Shortcut>,
    /// Event names the app is subscribed to: `message.channels`, `app_mention`.
    pub events: Vec<String>,
    /// What the bot token may do.
    pub scopes: Vec<String>,
    /// Whether the Web API's rates are limited as Slack does.
    pub rates: bool,
}

/// What the app is told when it is installed.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub bot: SecretString,
    pub app: SecretString,
    pub signing_secret: SecretString,
}

#[derive(Clone, Debug)]
pub struct Seat {
    /// `U0ANA`.
    pub id: String,
    pub name: String,
    pub real_name: String,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Member,
    Admin,
    /// Sees only the channels it was put into.
    Guest,
    Bot,
    /// From another workspace; sees the channels it shares.
    Stranger,
}

#[derive(Clone, Debug)]
pub struct Room {
    /// `C0GENERAL`.
    pub id: String,
    pub name: String,
    pub private: bool,
    pub topic: String,
    pub members: Vec<String>,
}

/// A shortcut of the app: in a message's menu (or, without one, in the composer's).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shortcut {
    pub name: String,
    pub callback_id: String,
}

impl Seat {
    pub fn new(id: &str, name: &str, real_name: &str, kind: Kind) -> Self {
        Self { id: id.into(), name: name.into(), real_name: real_name.into(), kind }
    }
}

impl Room {
    pub fn new(id: &str, name: &str, private: bool, members: &[&str]) -> Self {
        let members = members.iter().map(|&m| m.to_owned()).collect();
        Self { id: id.into(), name: name.into(), private, topic: String::new(), members }
    }
}

/// What the app's manifest asks for, and nothing else: what needs more is refused here as it would be there.
const EVENTS: &[&str] = &["app_mention", "message.channels", "message.groups", "message.im"];

const SCOPES: &[&str] = &[
    "app_mentions:read",
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "reactions:write",
    "users:read",
];

impl Default for Settings {
    fn default() -> Self {
        let owned = |words: &[&str]| words.iter().map(|&w| w.to_owned()).collect();
        Self {
            team: ("T0ACME".into(), "Acme".into()),
            app: "devtask".into(),
            tokens: None,
            people: vec![
                Seat::new("U0ANA", "ana", "Ana Lindt", Kind::Member),
                Seat::new("U0BO", "bo", "Bo Okafor", Kind::Member),
                Seat::new("U0CY", "cy", "Cy Marsh", Kind::Admin),
                Seat::new("U0GUS", "gus", "Gus Pardo", Kind::Guest),
                Seat::new("U0ROBO", "robo", "Robo", Kind::Bot),
                Seat::new("U0ZOE", "zoe", "Zoe Abt", Kind::Stranger),
            ],
            rooms: vec![
                Room::new("C0GENERAL", "general", false, &["U0ANA", "U0BO", "U0CY", "U0ROBO"]),
                Room::new("C0DEV", "dev", false, &["U0ANA", "U0BO", "U0CY", "U0GUS", "U0ZOE"]),
                Room::new("C0QUIET", "quiet", true, &["U0ANA", "U0CY"]),
            ],
            commands: owned(&["/devtask"]),
            shortcuts: vec![Shortcut { name: "Give it to DevTask".into(), callback_id: "dt.new".into() }],
            events: owned(EVENTS),
            scopes: owned(SCOPES),
            rates: true,
        }
    }
}
