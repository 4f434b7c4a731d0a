//! The verb that may be called any number of times: make sure that a branch has its pull request.
//!
//! Knows how to find out what an unanswered write did. Must not know why a branch is published.
//!
//! ```text
//! look ─ open one ──────────────────────────────► update if it differs ─► adopted
//!   └ none ─ still wanted? ─► POST once ─ 201 ──────────────────────────────────────────► opened
//!                                └ "exists already", or no answer ─► look ─ one that is new ─► update ─► adopted
//!                                                                      └ none ─► Ambiguous: the caller comes back
//! ```

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::pulls::{NewPull, Pull, PullState};
use super::{Act, GitHub, GitHubError, Retry, Verb};

/// Looks after an unknown outcome, and the wait before each: GitHub's lists lag a moment behind its writes.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(500), Duration::from_secs(2)];

/// Asked right before something is opened.
pub type StillWanted<'a> = dyn Fn() -> BoxFuture<'a, bool> + Send + Sync + 'a;

/// A branch's pull request, there for sure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub number: u64,
    pub url: String,
    /// It was there already and has been linked, not opened by this call.
    pub adopted: bool,
}

impl GitHub {
    /// Finds, updates or opens the pull request of `new.head`. At most one POST per call, and none while an open
    /// one exists; a closed or merged one stays as it is and a new one is opened beside it.
    ///
    /// `still_wanted` is asked right before each POST, after everything that takes time.
    ///
    /// # Errors
    /// [`GitHubError::Ambiguous`] where a POST was sent and nothing can be found yet: call again later.
    /// [`GitHubError::Unwanted`] where `still_wanted` said no; nothing was opened.
    pub async fn publish(
        &self,
        new: &NewPull,
        still_wanted: &StillWanted<'_>,
    ) -> Result<Published, GitHubError> {
        let before = self.find_pull(&new.owner, &new.name, &new.head).await?;
        if let Some(open) = before.clone().filter(|p| p.state == PullState::Open) {
            return self.adopt(new, open).await;
        }
        let error = match self.open_or_open_ready(new, still_wanted).await {
            Ok(pull) => return Ok(Published { number: pull.number, url: pull.url, adopted: false }),
            Err(error) => error,
        };
        if !may_exist(&error) {
            return Err(error);
        }
        tracing::info!(github.repo = %format_args!("{}/{}", new.owner, new.name), %error, "looking what became of it");
        match self.look_again(new, before.map_or(0, |p| p.number)).await? {
            Some(pull) => self.adopt(new, pull).await,
            None => Err(unknown(error)),
        }
    }

    /// Some plans have no drafts: then the pull request is opened ready for review. A 422 says that nothing was made.
    async fn open_or_open_ready(
        &self,
        new: &NewPull,
        still_wanted: &StillWanted<'_>,
    ) -> Result<Pull, GitHubError> {
        match self.open_if_wanted(new, still_wanted).await {
            Err(GitHubError::Invalid { message, .. })
                if new.draft && message.contains("Draft pull requests") =>
            {
                self.open_if_wanted(&NewPull { draft: false, ..new.clone() }, still_wanted).await
            }
            other => other,
        }
    }

    async fn open_if_wanted(
        &self,
        new: &NewPull,
        still_wanted: &StillWanted<'_>,
    ) -> Result<Pull, GitHubError> {
        if still_wanted().await {
            self.open_pull(new).await
        } else {
            Err(GitHubError::Unwanted { act: Act::on(Verb::OpenPull, &new.owner, &new.name) })
        }
    }

    /// The branch's pull request if it is open, or if it is newer than `known`: then it is the one we sent.
    async fn look_again(&self, new: &NewPull, known: u64) -> Result<Option<Pull>, GitHubError> {
        for wait in LOOKS {
            tokio::time::sleep(wait).await;
            let found = self.find_pull(&new.owner, &new.name, &new.head).await?;
            if let Some(pull) = found.filter(|p| p.state == PullState::Open || p.number > known) {
                return Ok(Some(pull));
            }
        }
        Ok(None)
    }

    async fn adopt(&self, new: &NewPull, pull: Pull) -> Result<Published, GitHubError> {
        let title = Some(new.fit_title()).filter(|t| *t != pull.title);
        let body = Some(new.fit_body()).filter(|b| !same_text(b, &pull.body));
        if pull.state == PullState::Open && (title.is_some() || body.is_some()) {
            self.update_pull(&new.owner, &new.name, pull.number, title.as_deref(), body.as_deref()).await?;
        }
        Ok(Published { number: pull.number, url: pull.url, adopted: true })
    }
}

/// GitHub keeps texts with CRLF as browsers send them; that alone is no difference.
fn same_text(ours: &str, theirs: &str) -> bool {
    ours.replace("\r\n", "\n") == theirs.replace("\r\n", "\n")
}

/// The POST may have made one, or somebody else's has.
fn may_exist(error: &GitHubError) -> bool {
    error.retry() == Retry::AfterLooking || says_it_exists(error)
}

fn says_it_exists(error: &GitHubError) -> bool {
    matches!(error, GitHubError::Invalid { message, .. } if message.contains("already exists"))
}

/// "It exists" and yet not to be found is a list that lags, not a refusal.
fn unknown(error: GitHubError) -> GitHubError {
    match error {
        GitHubError::Invalid { act: Act { at, .. }, message } => {
            GitHubError::Ambiguous { act: Act { verb: Verb::OpenPull, at }, why: message }
        }
        other => other,
    }
}
