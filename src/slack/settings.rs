//! The room's settings: `[slack]` of the configuration.
//!
//! Knows what may be set and what contradicts itself; must not know where it was read from.

use secrecy::SecretString;
use serde::Deserialize;

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

    /// What contradicts itself; the text names the key in backticks.
    pub fn check(&self) -> Result<(), String> {
        let says = [&self.app_token, &self.signing_secret].iter().any(|s| s.is_some());
        match (self.bot_token.is_some(), says) {
            (true, false) => {
                Err("`slack.app_token` is missing (or `slack.signing_secret`, for HTTP)".to_owned())
            }
            (false, true) => Err("`slack.bot_token` is missing".to_owned()),
            _ => Ok(()),
        }
    }
}
