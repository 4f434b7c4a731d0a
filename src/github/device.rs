//! The device flow: a person types a short code at GitHub, and we get a token of theirs without ever seeing a
//! password.
//!
//! Knows GitHub's two routes for it, which lie at the web's address and not at the API's. Must not know who is linked
//! with whom, nor where the token is kept.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::names::short;
use super::{Act, GitHub, GitHubError, Settings, Verb, client};
use crate::clock::Clock;

/// GitHub's own, where an answer names none.
const INTERVAL: u64 = 5;

/// What a person is shown, and what their token is asked for with.
#[derive(Clone, Debug)]
pub struct DeviceCode {
    /// `WDJB-MJHT`: typed by the person.
    pub user_code: String,
    /// The page it is typed at.
    pub verification_uri: String,
    pub device_code: SecretString,
    /// How often to ask, at most.
    pub interval: Duration,
    pub expires_in: Duration,
}

/// How it stands with the person.
#[derive(Clone, Debug)]
pub enum Poll {
    /// They have not typed it yet.
    Pending,
    /// Ask this seldom from now on.
    SlowDown(Duration),
    Token(SecretString),
    Denied,
    /// Too late: begin again with a new code.
    Expired,
}

#[derive(Serialize)]
struct Begin<'a> {
    client_id: &'a str,
    scope: String,
}

#[derive(Serialize)]
struct Ask<'a> {
    client_id: &'a str,
    device_code: &'a str,
    grant_type: &'a str,
}

#[derive(Deserialize)]
struct Begun {
    device_code: SecretString,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    interval: Option<u64>,
}

/// GitHub answers 200 either way.
#[derive(Deserialize)]
struct Told {
    access_token: Option<SecretString>,
    error: Option<String>,
    error_description: Option<String>,
    interval: Option<u64>,
}

/// The device flow at one GitHub, for one OAuth app.
#[derive(Clone, Debug)]
pub struct Devices {
    web: GitHub,
    client_id: String,
}

impl Devices {
    /// Needs no token. `client_id`: the OAuth app's, which is no secret.
    ///
    /// # Errors
    /// [`GitHubError::Settings`] where the address cannot be used.
    pub fn new(settings: &Settings, client_id: &str, clock: Clock) -> Result<Self, GitHubError> {
        super::install_crypto();
        settings.check()?;
        let limit = Duration::from_secs(settings.timeout_s);
        let crab = client::connect(&settings.git_base_url, None, limit)?;
        Ok(Self { web: GitHub { crab, token: None, limit, clock }, client_id: client_id.to_owned() })
    }

    /// A new code for a person.
    pub async fn code(&self, scopes: &[&str]) -> Result<DeviceCode, GitHubError> {
        let act = Act::plain(Verb::Link);
        let body = Begin { client_id: &self.client_id, scope: scopes.join(" ") };
        let answer = self.web.post(&act, "/login/device/code", Some(&body)).await?;
        let begun: Begun = match answer.json(&act) {
            Ok(begun) => begun,
            Err(error) => return Err(declined(&act, &answer.json::<Told>(&act)?).unwrap_or(error)),
        };
        Ok(DeviceCode {
            user_code: short(&begun.user_code),
            verification_uri: short(&begun.verification_uri),
            device_code: begun.device_code,
            interval: Duration::from_secs(begun.interval.unwrap_or(INTERVAL).clamp(1, 600)),
            expires_in: Duration::from_secs(begun.expires_in.min(86_400)),
        })
    }

    /// Asks once whether the person has typed it; not more often than [`DeviceCode::interval`].
    pub async fn token(&self, code: &DeviceCode) -> Result<Poll, GitHubError> {
        let act = Act::plain(Verb::Link);
        let body = Ask {
            client_id: &self.client_id,
            device_code: code.device_code.expose_secret(),
            grant_type: "urn:ietf:params:oauth:grant-type:device_code",
        };
        let answer = self.web.post(&act, "/login/oauth/access_token", Some(&body)).await?;
        let told: Told = answer.json(&act)?;
        if let Some(token) = told.access_token {
            return Ok(Poll::Token(token));
        }
        let slower = || told.interval.map_or(code.interval.as_secs() + INTERVAL, |given| given.clamp(1, 600));
        match told.error.as_deref() {
            Some("authorization_pending") => Ok(Poll::Pending),
            Some("slow_down") => Ok(Poll::SlowDown(Duration::from_secs(slower()))),
            Some("expired_token") => Ok(Poll::Expired),
            Some("access_denied") => Ok(Poll::Denied),
            _ => Err(declined(&act, &told)
                .unwrap_or(GitHubError::Unreadable { act, why: "neither a token nor a reason".to_owned() })),
        }
    }
}

/// What GitHub has against the app or the code: a person must look at the settings.
fn declined(act: &Act, told: &Told) -> Option<GitHubError> {
    let message = told.error_description.as_deref().or(told.error.as_deref())?;
    Some(GitHubError::Invalid { act: act.clone(), message: short(message) })
}
