//! Whether the tokens work: who the bot is, what it may do, whether a socket can be opened.
//!
//! Two calls with hyper alone, because what a token may do stands in a header that slack-morphism does not hand on.
//! Changes nothing in a workspace. Must not know what is done about what it finds.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use hyper::{Request, Uri};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Settings;

/// How long Slack may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// No answer of these two calls is longer.
const ANSWER_MAX: usize = 64 * 1024;

/// Who a bot token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The bot's name and its workspace's.
    pub bot: String,
    pub team: String,
    /// What the token may do; `None` where Slack does not say.
    pub scopes: Option<Vec<String>>,
}

/// Why there is no answer. Cloned to every line that needs the same call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    #[error("`{0}` is not set")]
    Unset(&'static str),
    #[error("`{0}` holds characters no token has")]
    Odd(&'static str),
    /// `what`: the innermost cause, in the words of the network.
    #[error("{place} cannot be reached: {what}")]
    Unreachable { place: String, what: String },
    /// Slack's own word, like `invalid_auth`.
    #[error("Slack answers `{0}`")]
    Refused(String),
    #[error("{place} answers {status}, which is not Slack's way")]
    Strange { place: String, status: u16 },
}

/// The bot behind `slack.bot_token`.
pub async fn bot(settings: &Settings) -> Result<Standing, ProbeError> {
    #[derive(Deserialize)]
    struct Auth {
        user: String,
        team: String,
    }
    let token = settings.bot_token.as_ref().ok_or(ProbeError::Unset("slack.bot_token"))?;
    let (headers, auth): (_, Auth) = call(settings, "auth.test", token, "slack.bot_token").await?;
    Ok(Standing { bot: auth.user, team: auth.team, scopes: scopes(&headers) })
}

/// Asks for a socket with `slack.app_token` and leaves it unused; an address nobody connects to costs nothing.
pub async fn socket(settings: &Settings) -> Result<(), ProbeError> {
    #[derive(Deserialize)]
    struct Opened {
        #[serde(rename = "url")]
        _url: String,
    }
    let token = settings.app_token.as_ref().ok_or(ProbeError::Unset("slack.app_token"))?;
    let (_, _): (_, Opened) = call(settings, "apps.connections.open", token, "slack.app_token").await?;
    Ok(())
}

/// `x-oauth-scopes: chat:write,commands`.
fn scopes(headers: &HeaderMap) -> Option<Vec<String>> {
    let text = headers.get("x-oauth-scopes")?.to_str().ok()?;
    Some(text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect())
}

/// One POST without arguments; an answer that is not `ok` is an error.
async fn call<T: DeserializeOwned>(
    settings: &Settings,
    method: &str,
    token: &SecretString,
    key: &'static str,
) -> Result<(HeaderMap, T), ProbeError> {
    let place = settings.api();
    let away = |what: String| ProbeError::Unreachable { place: place.to_owned(), what };
    let uri: Uri = format!("{place}/{method}").parse().map_err(|_| away("it is no address".to_owned()))?;
    let request = Request::post(uri)
        .header(AUTHORIZATION, bearer(token).ok_or(ProbeError::Odd(key))?)
        .body(Empty::<Bytes>::new())
        .map_err(|e| away(e.to_string()))?;
    let answer = tokio::time::timeout(PATIENCE, send(request)).await;
    let (status, headers, body) = match answer {
        Ok(answer) => answer.map_err(|e| away(innermost(e.as_ref())))?,
        Err(_) => return Err(away(format!("no answer within {} s", PATIENCE.as_secs()))),
    };
    match read(&body) {
        Some(answer) => answer.map(|answer| (headers, answer)),
        None => Err(ProbeError::Strange { place: place.to_owned(), status }),
    }
}

fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

async fn send(request: Request<Empty<Bytes>>) -> Result<(u16, HeaderMap, Bytes), Cause> {
    let provider = rustls::crypto::ring::default_provider();
    let secure = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
    let client = Client::builder(TokioExecutor::new()).build(secure.https_or_http().enable_http1().build());
    let response = client.request(request).await?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_MAX).collect().await?.to_bytes();
    Ok((head.status.as_u16(), head.headers, body))
}

/// What Slack says, or its refusal; `None` where this is no answer of Slack's.
fn read<T: DeserializeOwned>(body: &[u8]) -> Option<Result<T, ProbeError>> {
    #[derive(Deserialize)]
    struct Verdict {
        ok: bool,
        error: Option<String>,
    }
    let verdict: Verdict = serde_json::from_slice(body).ok()?;
    match verdict {
        Verdict { ok: true, .. } => serde_json::from_slice(body).ok().map(Ok),
        Verdict { error, .. } => {
            Some(Err(ProbeError::Refused(error.unwrap_or_else(|| "no reason".to_owned()))))
        }
    }
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}
