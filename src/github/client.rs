//! octocrab, put together for an address.
//!
//! Knows that a plain `http://` address (the demo's forge) needs no certificates: octocrab's own client cannot be
//! made on a machine that has none. Must not know routes.

use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use hyper::header::{ACCEPT, HeaderValue, USER_AGENT};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use octocrab::service::middleware::auth_header::AuthHeaderLayer;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use secrecy::{ExposeSecret, SecretString};

use super::GitHubError;
use super::error::root_cause;

/// The web's routes answer with a form otherwise; the API's answer with JSON anyway.
const JSON: &str = "application/json";

/// A client without retries of its own; needs a tokio runtime around it.
pub(super) fn connect(
    api_url: &str,
    token: Option<&SecretString>,
    limit: Duration,
) -> Result<Octocrab, GitHubError> {
    let no_address = || GitHubError::Settings(format!("`{api_url}` is no address"));
    let base: Uri = api_url.trim_end_matches('/').parse().map_err(|_| no_address())?;
    if base.scheme_str() == Some("http") {
        return plain(base, token);
    }
    let mut builder = Octocrab::builder()
        .base_uri(base)
        .map_err(|_| no_address())?
        .set_connect_timeout(Some(limit))
        .set_read_timeout(Some(limit))
        .add_header(ACCEPT, JSON.to_owned());
    if let Some(token) = token {
        builder = builder.personal_token(token.clone());
    }
    builder.build().map_err(|e| GitHubError::Settings(root_cause(&e)))
}

fn plain(base: Uri, token: Option<&SecretString>) -> Result<Octocrab, GitHubError> {
    let client = Client::builder(TokioExecutor::new()).build_http::<OctoBody>();
    let agent =
        vec![(USER_AGENT, HeaderValue::from_static("devtask")), (ACCEPT, HeaderValue::from_static(JSON))];
    let built = OctocrabBuilder::new_empty()
        .with_service(client)
        .with_layer(&ExtraHeadersLayer::new(Arc::new(agent)))
        .with_layer(&BaseUriLayer::new(base.clone()))
        .with_layer(&AuthHeaderLayer::new(token.map(bearer).transpose()?, base.clone(), base))
        .with_auth(AuthState::None)
        .build();
    match built {
        Ok(crab) => Ok(crab),
        Err(never) => match never {},
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, GitHubError> {
    let text = format!("Bearer {}", token.expose_secret());
    let unfit = |_| GitHubError::Settings("the token does not fit into a header".into());
    let mut value = HeaderValue::try_from(text).map_err(unfit)?;
    value.set_sensitive(true);
    Ok(value)
}
