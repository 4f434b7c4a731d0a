//! One call: its time limit, its repeats if it is a read, its error as a kind.
//!
//! Knows that a read may be repeated and a write may not. Must not know routes.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::error::{Act, GitHubError, classify};
use super::{GitHub, Retry};

/// Waits before the second and the third try of a read.
const AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(500)];

impl GitHub {
    /// Tries up to three times while GitHub is out of order; all tries together stay within the limit.
    pub(super) async fn read<T, F>(&self, act: Act, mut ask: impl FnMut() -> F) -> Result<T, GitHubError>
    where
        F: Future<Output = octocrab::Result<T>>,
    {
        let why = act.clone();
        let ask = || {
            let (asked, why) = (ask(), &why);
            async move { asked.await.map_err(|error| classify(why, &error, &self.clock)) }
        };
        self.repeat(act, ask).await
    }

    /// As [`GitHub::read`], for a call that has sorted its error already.
    pub(super) async fn repeat<T, F>(&self, act: Act, mut ask: impl FnMut() -> F) -> Result<T, GitHubError>
    where
        F: Future<Output = Result<T, GitHubError>>,
    {
        let until = Instant::now() + self.limit;
        let mut waits = AGAIN.iter();
        loop {
            let Ok(answer) = timeout_at(until, ask()).await else {
                return Err(GitHubError::Timeout { act });
            };
            let error = match answer {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            match waits.next() {
                Some(wait) if error.retry() == Retry::Later && Instant::now() + *wait < until => {
                    tracing::debug!(github.act = %act, error = %error, "asking GitHub again");
                    sleep(*wait).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// Sends once. No answer in time means an unknown outcome, not a failure.
    pub(super) async fn write<T>(
        &self,
        act: Act,
        send: impl Future<Output = octocrab::Result<T>>,
    ) -> Result<T, GitHubError> {
        let why = act.clone();
        let sorted = async { send.await.map_err(|error| classify(&why, &error, &self.clock)) };
        self.once(act, sorted).await
    }

    /// As [`GitHub::write`], for a call that has sorted its error already.
    pub(super) async fn once<T>(
        &self,
        act: Act,
        send: impl Future<Output = Result<T, GitHubError>>,
    ) -> Result<T, GitHubError> {
        match timeout_at(Instant::now() + self.limit, send).await {
            Ok(ended) => ended,
            Err(_) => Err(GitHubError::Ambiguous {
                act,
                why: format!("no answer within {} s", self.limit.as_secs()),
            }),
        }
    }
}
