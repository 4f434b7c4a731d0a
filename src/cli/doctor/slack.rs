//! The checks of the connection to Slack: tokens, bot, scopes, socket.
//!
//! Each says which page of Slack's or which setting mends it. Must not know how Slack is called.

use futures_util::FutureExt;
use secrecy::{ExposeSecret, SecretString};

use super::{Check, Finding};
use crate::slack::Settings;
use crate::slack::manifest::{APP_SCOPE, missing};
use crate::slack::probe::{self, ProbeError, Standing};
use crate::slack::settings::Mode;

/// Where Slack keeps everything about an app.
const APPS: &str = "https://api.slack.com/apps";

/// One line where Slack is off, four where it is on.
pub fn slack(settings: &Settings) -> Vec<Check> {
    let Some(mode) = settings.mode() else {
        let off = "off; to connect a workspace, open what `devtask slack manifest --url` prints";
        return vec![Check::new("slack", async move { Finding::ok(off) })];
    };
    let asked = settings.clone();
    let bot = async move { probe::bot(&asked).await }.boxed().shared();
    let (settings, of_scopes) = (settings.clone(), bot.clone());
    vec![
        Check::new("slack tokens", std::future::ready(tokens(&settings, mode))),
        Check::new("slack bot", async move { who(bot.await) }),
        Check::new("slack scopes", async move { scopes(of_scopes.await) }),
        Check::new("slack socket", async move { socket(&settings, mode).await }),
    ]
}

/// Whether they look like what they should be: the two are easily taken for each other.
fn tokens(settings: &Settings, mode: Mode) -> Finding {
    let shaped = |token: &Option<SecretString>, start: &str| {
        token.as_ref().is_none_or(|t| t.expose_secret().starts_with(start))
    };
    let mut wrong: Vec<(&str, String)> = Vec::new();
    if !shaped(&settings.bot_token, "xoxb-") {
        let mend = format!("copy the Bot User OAuth Token: {APPS} → your app → OAuth & Permissions");
        wrong.push(("`slack.bot_token` does not start with `xoxb-`", mend));
    }
    if !shaped(&settings.app_token, "xapp-") {
        wrong.push(("`slack.app_token` does not start with `xapp-`", app_token()));
    }
    if !wrong.is_empty() {
        let (found, mend): (Vec<_>, Vec<_>) = wrong.into_iter().unzip();
        return Finding::fail(found.join("; "), mend.join("; "));
    }
    Finding::ok(match mode {
        Mode::Socket => "bot and app token",
        Mode::Http => "bot token and signing secret",
    })
}

fn app_token() -> String {
    format!("make one with the scope `{APP_SCOPE}`: {APPS} → your app → Basic Information → App-Level Tokens")
}

fn who(bot: Result<Standing, ProbeError>) -> Finding {
    match bot {
        Ok(bot) => Finding::ok(format!("@{} in {}", bot.bot, bot.team)),
        Err(ProbeError::Refused(code)) => {
            let mend = format!(
                "install it and copy `slack.bot_token` again: {APPS} → your app → OAuth & Permissions"
            );
            Finding::fail(ProbeError::Refused(code).to_string(), mend)
        }
        Err(error) => Finding::fail(error.to_string(), away(&error)),
    }
}

fn scopes(bot: Result<Standing, ProbeError>) -> Finding {
    let again = format!(
        "put `devtask slack manifest` into {APPS} → your app → App Manifest, save, and install the app again"
    );
    match bot.map(|bot| bot.scopes) {
        Ok(Some(granted)) => match missing(&granted) {
            lacks if lacks.is_empty() => Finding::ok("all that the manifest asks for"),
            lacks => Finding::fail(format!("the token lacks {}", lacks.join(", ")), again),
        },
        Ok(None) => Finding::warn("Slack does not say what the token may do", again),
        Err(_) => Finding::warn("not known without the bot", "see `slack bot`"),
    }
}

async fn socket(settings: &Settings, mode: Mode) -> Finding {
    if mode == Mode::Http {
        return Finding::ok("none: Slack calls /slack/… of this server");
    }
    match probe::socket(settings).await {
        Ok(()) => Finding::ok("can be opened"),
        Err(ProbeError::Refused(code)) => {
            let mend = match code.as_str() {
                "invalid_auth" | "not_authed" | "not_allowed_token_type" | "missing_scope" => app_token(),
                _ => format!("switch Socket Mode on: {APPS} → your app → Socket Mode"),
            };
            Finding::fail(ProbeError::Refused(code).to_string(), mend)
        }
        Err(error) => Finding::fail(error.to_string(), away(&error)),
    }
}

/// What helps where Slack was not asked at all.
fn away(error: &ProbeError) -> String {
    match error {
        ProbeError::Unset(key) | ProbeError::Odd(key) => format!("copy `{key}` again"),
        _ => "look at the network, a proxy, or `slack.api_url`".to_owned(),
    }
}
