//! Routes octocrab has no models for: the same two laws, the answer's status, headers and bytes.
//!
//! Knows how much of an answer is read, and that one which cannot be read leaves a write's outcome open. Must not know
//! what a route is for.

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::GitHub;
use super::error::{Act, GitHubError, classify};
use super::names::short;

/// A hundred codespaces with their repositories take about one MiB.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

type Body = http_body_util::combinators::BoxBody<Bytes, octocrab::Error>;

/// A 2xx, or "not modified".
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(&self, act: &Act) -> Result<T, GitHubError> {
        serde_json::from_slice(&self.body).map_err(|error| unread(act, short(&error.to_string())))
    }
}

impl GitHub {
    /// Repeated while GitHub is out of order.
    pub(super) async fn get(&self, act: &Act, route: &str) -> Result<Answer, GitHubError> {
        self.repeat(act.clone(), || async {
            let asked = self.crab._get(route).await;
            self.answer(act, asked).await
        })
        .await
    }

    /// Sent once.
    pub(super) async fn post<B: Serialize + Sync>(
        &self,
        act: &Act,
        route: &str,
        body: Option<&B>,
    ) -> Result<Answer, GitHubError> {
        let sent = async { self.answer(act, self.crab._post(route, body).await).await };
        self.once(act.clone(), sent).await
    }

    /// Sent once.
    pub(super) async fn delete(&self, act: &Act, route: &str) -> Result<Answer, GitHubError> {
        let sent = async { self.answer(act, self.crab._delete(route, None::<&()>).await).await };
        self.once(act.clone(), sent).await
    }

    async fn answer(
        &self,
        act: &Act,
        asked: octocrab::Result<Response<Body>>,
    ) -> Result<Answer, GitHubError> {
        let response = asked.map_err(|error| classify(act, &error, &self.clock))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER).collect().await;
        let body = body.map_err(|error| cut_off(act, &*error))?.to_bytes();
        if parts.status.is_success() || parts.status == StatusCode::NOT_MODIFIED {
            return Ok(Answer { status: parts.status, headers: parts.headers, body });
        }
        let status = parts.status;
        let told = Response::from_parts(parts, Full::new(body).map_err(|never| match never {}).boxed());
        match octocrab::map_github_error(told).await {
            Err(error) => Err(classify(act, &error, &self.clock)),
            Ok(_) => Err(unread(act, format!("status {status}"))),
        }
    }
}

/// The answer began and did not end, or is longer than any of GitHub's.
fn cut_off(act: &Act, error: &(dyn std::error::Error + Send + Sync + 'static)) -> GitHubError {
    let why = short(&error.to_string());
    if act.changes_nothing() && !error.is::<LengthLimitError>() {
        return GitHubError::Unreachable { act: act.clone(), why };
    }
    unread(act, why)
}

/// A write whose answer cannot be read may have happened.
fn unread(act: &Act, why: String) -> GitHubError {
    let act = act.clone();
    if act.changes_nothing() {
        GitHubError::Unreadable { act, why }
    } else {
        GitHubError::Ambiguous { act, why }
    }
}
