//! The room's settings: `[slack]` of the configuration.
//!
//! Knows what may be set and what contradicts itself; must not know where it was read from.

use secrecy::SecretString;
use serde::Deserialize;

use crate::domain::{Repo, without_user};

/// Slack's own Web API.
const API: &str = "https://slack.com/api";

/// Off while there is no `bot_token`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `xoxb-…`: all calls.
    pub bot_token: Option<SecretString>,
    /// `xapp-…`: opens sockets. Without it deliveries come over signed HTTP.
    pub app_token: Option<SecretString>,
    /// Checks signed HTTP; needed where there is no `app_token`.
    pub signing_secret: Option<SecretString>,
    /// Slack's Web API, without a slash at its end; another one for tests and the demo.
    pub api_url: Option<String>,
    /// Users who may drive every session, beside workspace admins: `U024…`.
    pub admins: Vec<String>,
    /// `owner/name` where neither the text, the channel nor the person's last task says one.
    pub repo: Option<String>,
}

/// How deliveries reach us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Socket,
    Http,
}

impl Settings {
    /// `None` = Slack is off.
    pub fn mode(&self) -> Option<Mode> {
        self.bot_token.as_ref()?;
        Some(if self.app_token.is_some() { Mode::Socket } else { Mode::Http })
    }

    /// What contradicts itself or can never work; the text names the key in backticks, and no secret.
    pub fn check(&self) -> Result<(), String> {
        let says = [&self.app_token, &self.signing_secret].iter().any(|s| s.is_some());
        match (self.bot_token.is_some(), says) {
            (true, false) => {
                return Err("`slack.app_token` is missing (or `slack.signing_secret`, for HTTP)".to_owned());
            }
            (false, true) => return Err("`slack.bot_token` is missing".to_owned()),
            _ => {}
        }
        if let Some(url) = self.api_url.as_deref().filter(|url| !is_root(url)) {
            let url = without_user(url);
            return Err(format!("`slack.api_url`: `{url}` is no address; write it like `{API}`"));
        }
        if let Some(admin) = self.admins.iter().find(|id| !is_user(id)) {
            return Err(format!("`slack.admins`: `{admin}` is no user id; write it like `U024BE7LH`"));
        }
        if let Some(Err(bad)) = self.repo.as_deref().map(str::parse::<Repo>) {
            return Err(format!("`slack.repo`: {bad}"));
        }
        Ok(())
    }

    /// Where the Web API is.
    pub fn api(&self) -> &str {
        self.api_url.as_deref().unwrap_or(API)
    }
}

fn is_root(url: &str) -> bool {
    let host = ["https://", "http://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    host.is_some_and(|h| {
        !h.is_empty() && !h.ends_with('/') && h.bytes().all(|b| b.is_ascii_graphic() && b != b'@')
    })
}

fn is_user(id: &str) -> bool {
    id.starts_with(['U', 'W']) && id.len() > 1 && id.chars().all(|c| c.is_ascii_alphanumeric())
}
