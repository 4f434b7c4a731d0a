//! The app's manifest: what DevTask asks of a workspace, and why.
//!
//! One table each of scopes, calls, events and commands. The files in `manifests/`, the table in `docs/slack.md` and
//! what `devtask doctor` compares a token with are made from them. Must not know tokens, or where DevTask runs.

use std::fmt::Write as _;
use std::str::FromStr;

use serde::Serialize;

/// Something the app may do in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    pub name: &'static str,
    /// What is done with it; the documentation shows it to whoever is asked to allow it.
    pub why: &'static str,
}

/// Everything the bot asks for; nothing is in here that no call, event or command below needs.
pub const SCOPES: &[Scope] = &[
    Scope { name: "app_mentions:read", why: "hears `@devtask …`" },
    Scope {
        name: "channels:history",
        why: "hears replies in its threads in public channels; reads the talk before a mention; finds its own message \
              again after a crash",
    },
    Scope {
        name: "channels:join",
        why: "joins a public channel before it posts there, because only members hear replies",
    },
    Scope {
        name: "channels:read",
        why: "sees whether it is a member, and whether the channel's topic names a repository",
    },
    Scope { name: "chat:write", why: "posts and edits its own messages" },
    Scope { name: "commands", why: "answers `/devtask`" },
    Scope {
        name: "groups:history",
        why: "the same as `channels:history` in private channels it was invited to",
    },
    Scope { name: "groups:read", why: "the same as `channels:read` in private channels" },
    Scope { name: "im:history", why: "hears what people write to it directly" },
    Scope { name: "im:write", why: "writes to a session's owner where it cannot post into the channel" },
    Scope { name: "reactions:write", why: "marks a message as seen" },
    Scope { name: "users:read", why: "names people, and tells guests, bots and workspace admins apart" },
];

/// What reading back needs: which of them depends on the channel's kind.
const HISTORY: &[&str] = &["channels:history", "groups:history", "im:history"];
const WRITE: &[&str] = &["chat:write"];

/// Every Web API method the code calls, with the scopes it needs. A test reads the code and compares.
pub const CALLS: &[(&str, &[&str])] = &[
    // With the app's token, whose only scope is `APP_SCOPE`.
    ("apps.connections.open", &[]),
    ("auth.test", &[]),
    ("chat.delete", WRITE),
    ("chat.postEphemeral", WRITE),
    ("chat.postMessage", WRITE),
    ("chat.update", WRITE),
    ("conversations.history", HISTORY),
    // Never asked of direct messages.
    ("conversations.info", &["channels:read", "groups:read"]),
    ("conversations.join", &["channels:join"]),
    ("conversations.open", &["im:write"]),
    ("conversations.replies", HISTORY),
    ("reactions.add", &["reactions:write"]),
    ("users.info", &["users:read"]),
    ("views.open", &[]),
    ("views.update", &[]),
];

/// Events the app subscribes to, each with the scope it needs.
pub const EVENTS: &[(&str, &str)] = &[
    ("app_mention", "app_mentions:read"),
    ("message.channels", "channels:history"),
    ("message.groups", "groups:history"),
    ("message.im", "im:history"),
];

/// The one slash command.
pub const COMMAND: &str = "/devtask";
/// In a message's menu: its text becomes the goal of a brief form.
pub const SHORTCUT: (&str, &str) = ("Give it to DevTask", "dt.new");
/// The only scope of the token that opens sockets.
pub const APP_SCOPE: &str = "connections:write";

/// Paths of the signed HTTP door.
pub const EVENTS_PATH: &str = "/slack/events";
pub const COMMANDS_PATH: &str = "/slack/commands";
pub const INTERACTIONS_PATH: &str = "/slack/interactions";

/// Where Slack's own page makes an app of a manifest.
const CREATE: &str = "https://api.slack.com/apps?new_app=1&manifest_json=";

/// How deliveries are to reach DevTask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// DevTask opens sockets: no public address is needed.
    Socket,
    /// Slack calls this address.
    Http(Base),
}

/// A public address without a path: `https://devtask.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address Slack can call; write it like `https://devtask.example.com`")]
pub struct BadBase(String);

impl FromStr for Base {
    type Err = BadBase;

    fn from_str(text: &str) -> Result<Self, BadBase> {
        let rest = text.strip_prefix("https://").map(|rest| rest.trim_end_matches('/'));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        match rest {
            Some(host) if !host.is_empty() && host.len() <= 255 && host.chars().all(plain) => {
                Ok(Self(format!("https://{host}")))
            }
            _ => Err(BadBase(text.chars().take(80).collect())),
        }
    }
}

impl Base {
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// The manifest in the order Slack's own pages show it.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    display_information: Display,
    features: Features,
    oauth_config: Install,
    settings: Switches,
}

#[derive(Clone, Debug, Serialize)]
struct Display {
    name: &'static str,
    description: &'static str,
    long_description: &'static str,
    background_color: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Features {
    app_home: Tabs,
    bot_user: Bot,
    shortcuts: [Shortcut; 1],
    slash_commands: [Slash; 1],
}

/// The messages tab is where people write to the bot directly.
#[derive(Clone, Debug, Serialize)]
struct Tabs {
    home_tab_enabled: bool,
    messages_tab_enabled: bool,
    messages_tab_read_only_enabled: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Bot {
    display_name: &'static str,
    always_online: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Shortcut {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    callback_id: &'static str,
    description: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Slash {
    command: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    description: &'static str,
    usage_hint: &'static str,
    should_escape: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Install {
    scopes: Asked,
}

#[derive(Clone, Debug, Serialize)]
struct Asked {
    bot: Vec<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
struct Switches {
    event_subscriptions: Subscriptions,
    interactivity: Interactivity,
    org_deploy_enabled: bool,
    socket_mode_enabled: bool,
    token_rotation_enabled: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Subscriptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    request_url: Option<String>,
    bot_events: Vec<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
struct Interactivity {
    is_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_url: Option<String>,
}

impl Manifest {
    pub fn new(reach: &Reach) -> Self {
        let url = |path: &str| match reach {
            Reach::Socket => None,
            Reach::Http(base) => Some(base.at(path)),
        };
        Self {
            display_information: DISPLAY,
            features: Features {
                app_home: TABS,
                bot_user: Bot { display_name: "devtask", always_online: true },
                shortcuts: [Shortcut {
                    name: SHORTCUT.0,
                    kind: "message",
                    callback_id: SHORTCUT.1,
                    description: "Opens the form for a new session with this message as its goal",
                }],
                slash_commands: [Slash {
                    command: COMMAND,
                    url: url(COMMANDS_PATH),
                    description: "Give an agent a task, and stay in control of it",
                    usage_hint: "new <what is to be done> [repo:owner/name] · list · show 142 · pause 142 · help",
                    should_escape: false,
                }],
            },
            oauth_config: Install { scopes: Asked { bot: SCOPES.iter().map(|s| s.name).collect() } },
            settings: Switches {
                event_subscriptions: Subscriptions {
                    request_url: url(EVENTS_PATH),
                    bot_events: EVENTS.iter().map(|(name, _)| *name).collect(),
                },
                interactivity: Interactivity { is_enabled: true, request_url: url(INTERACTIONS_PATH) },
                org_deploy_enabled: false,
                socket_mode_enabled: *reach == Reach::Socket,
                token_rotation_enabled: false,
            },
        }
    }

    /// As the files in `manifests/` have it, with a line's end.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// A link that opens Slack's page with everything filled in.
    pub fn create_url(&self) -> Result<String, serde_json::Error> {
        Ok(format!("{CREATE}{}", encoded(&serde_json::to_string(self)?)))
    }
}

const TABS: Tabs =
    Tabs { home_tab_enabled: false, messages_tab_enabled: true, messages_tab_read_only_enabled: false };

const DISPLAY: Display = Display {
    name: "DevTask",
    description: "Runs AI coding sessions that ask in their thread and end in pull requests",
    long_description: "DevTask runs many AI coding sessions at once. Start one with /devtask new or by mentioning \
                       @devtask: it gets a clone and a branch of its own and one thread. Questions come as buttons, \
                       your checks run until they pass, and it ends in a pull request with its evidence.",
    background_color: "#1f2937",
};

/// The scopes a token still lacks, given those Slack says it has.
pub fn missing(granted: &[String]) -> Vec<&'static str> {
    SCOPES.iter().map(|s| s.name).filter(|name| !granted.iter().any(|g| g == name)).collect()
}

/// A text as the value of a query.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}
