//! Slack's Web API behind our own verbs, each under a time limit, each error in a kind its caller can act on.
//!
//! Knows how a call is made and what an answer means. Must not know sessions, what a message says, or budgets: who
//! calls too often is told [`WebError::RateLimited`]. Answers are read by types of our own that want only what is
//! used here: a message whose other parts nobody has a model for must not turn "posted" into an error.

mod bounded;
mod channels;
mod error;
mod look;
mod people;
mod say;
mod socket;
mod talk;
#[cfg(test)]
mod tests;
mod views;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use slack_morphism::prelude::{SlackApiToken, SlackApiTokenValue, SlackClient, SlackClientHyperConnector};
use tokio::net::TcpStream;
use tower::util::{MapResponse, ServiceExt};

use crate::clock::Clock;
use crate::slack::Settings;
use bounded::Bounded;
use error::{Effect, classify};
use people::People;

pub use channels::Channel;
pub use error::WebError;
pub use people::{Bot, Person};
pub use talk::Line;

/// One call, from the first byte to the last.
const LIMIT: Duration = Duration::from_secs(10);
const SLACK: &str = "https://slack.com/api";

/// The Web API, as the bot. Cheap to clone.
#[derive(Clone)]
pub struct Web(Arc<Inner>);

struct Inner {
    client: SlackClient<SlackClientHyperConnector<Connector>>,
    token: SecretString,
    app_token: Option<SecretString>,
    clock: Clock,
    people: Mutex<People>,
    limit: Duration,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Web")
    }
}

impl Web {
    /// Nothing is called yet. Fails where there is no token, the address is none, or this machine has no certificates
    /// to know Slack by.
    pub fn new(settings: &Settings, clock: Clock) -> Result<Self, WebError> {
        Self::with_limit(settings, clock, LIMIT)
    }

    fn with_limit(settings: &Settings, clock: Clock, limit: Duration) -> Result<Self, WebError> {
        let down = |why: &str| WebError::Down { why: why.to_owned() };
        let token = settings.bot_token.clone().ok_or_else(|| down("`slack.bot_token` is missing"))?;
        let api = settings.api_url.as_deref().unwrap_or(SLACK).trim_end_matches('/');
        if !api.starts_with("http://") && !api.starts_with("https://") {
            return Err(down("`slack.api_url` is no address"));
        }
        let connector = connector(api.starts_with("https://"))
            .map_err(|error| WebError::Down { why: format!("no certificates: {error}") })?;
        let connector = SlackClientHyperConnector::with_connector(connector).with_slack_api_url(api);
        let client = SlackClient::new(connector);
        let app_token = settings.app_token.clone();
        Ok(Self(Arc::new(Inner { client, token, app_token, clock, people: Mutex::default(), limit })))
    }

    /// A call that reads; asking again is harmless.
    async fn read<T>(&self, method: &str, params: Vec<(&str, Option<String>)>) -> Result<T, WebError>
    where
        T: DeserializeOwned + Send,
    {
        let token = token(&self.0.token);
        let session = self.0.client.open_session(&token);
        let call = session.http_session_api.http_get(method, &params, None);
        self.limited(Effect::None, call).await
    }

    /// A call that changes something.
    async fn write<T, B>(&self, method: &str, body: &B) -> Result<T, WebError>
    where
        T: DeserializeOwned + Send,
        B: Serialize + Send + Sync,
    {
        self.write_as(&self.0.token, method, body).await
    }

    async fn write_as<T, B>(&self, secret: &SecretString, method: &str, body: &B) -> Result<T, WebError>
    where
        T: DeserializeOwned + Send,
        B: Serialize + Send + Sync,
    {
        let token = token(secret);
        let session = self.0.client.open_session(&token);
        let call = session.http_session_api.http_post(method, body, None);
        self.limited(Effect::Possible, call).await
    }

    async fn limited<T>(
        &self,
        effect: Effect,
        call: impl Future<Output = slack_morphism::ClientResult<T>> + Send,
    ) -> Result<T, WebError> {
        match tokio::time::timeout(self.0.limit, call).await {
            Ok(answer) => answer.map_err(|error| classify(effect, &error)),
            Err(_) => Err(effect.unanswered("no answer in time")),
        }
    }
}

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
/// How Slack is reached.
type Connector = MapResponse<HttpsConnector<HttpConnector>, fn(Stream) -> Bounded<Stream>>;

/// One type for production and tests: it speaks `https` and `http`. A plain address needs no certificates, and a
/// machine without any can still play the demo.
fn connector(tls: bool) -> std::io::Result<Connector> {
    let builder = HttpsConnectorBuilder::new();
    let builder = if tls {
        builder.with_provider_and_native_roots(ring::default_provider())?
    } else {
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        builder.with_tls_config(config)
    };
    let connector = builder.https_or_http().enable_http1().build();
    Ok(connector.map_response(Bounded::new as fn(Stream) -> Bounded<Stream>))
}

/// The crate's own token type shows nothing but its length in `Debug`.
fn token(secret: &SecretString) -> SlackApiToken {
    SlackApiToken::new(SlackApiTokenValue(secret.expose_secret().to_owned()))
}
