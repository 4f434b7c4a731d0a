//! The pull request of a session whose branch is pushed: opened, adopted or updated; the same again gives the same.
//!
//! Checks right before anything is created that the session still wants it. Must not know HTTP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::forge::{ForgeError, Proposal, Wanted};
use super::jobs::After;
use super::refusals::in_full;
use super::{Inner, words};
use crate::domain::report::Pushed;
use crate::domain::session::{Input, PullRequest, Session, Status, Want, wants};
use crate::domain::{Actor, Repo, SessionId, Time};
use crate::store::StoreError;

pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(5);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_mins(10);
const CALL: Duration = Duration::from_mins(2);

/// The job.
pub(super) async fn publish(inner: Arc<Inner>, id: SessionId) -> After {
    match inner.publish_once(id).await {
        Ok(()) => After::Done,
        Err(error) => {
            tracing::error!(session.id = %id, error = %in_full(&error), "a pull request could not be recorded");
            After::Strike { at: inner.later(FIRST_PAUSE, 0, LONGEST_PAUSE), partial: None }
        }
    }
}

impl Inner {
    async fn publish_once(&self, id: SessionId) -> Result<(), StoreError> {
        let Some(row) = self.store.row(id).await? else { return Ok(()) };
        let session = &row.session;
        if wants(session, self.clock.now()) != Want::Publish {
            return Ok(());
        }
        let input = match proposal(session) {
            // A folder without a forge: the branch itself is what there is to show.
            None => Input::Published { pull_request: None },
            Some(proposal) => match self.propose(id, session.owner(), proposal).await {
                Ok(pull_request) => Input::Published { pull_request: Some(pull_request) },
                Err(ForgeError::NotWanted) => return Ok(()),
                Err(error) => {
                    tracing::warn!(session.id = %id, error = %in_full(&error), "the pull request was not opened");
                    let not_before = self.next_try(session, &error);
                    Input::PublishFailed { cause: error.to_string(), not_before }
                }
            },
        };
        let pull = match &input {
            Input::Published { pull_request } => pull_request.clone(),
            _ => None,
        };
        if let (None, Some(pull)) = (self.tell(id, input).await?, pull) {
            self.came_too_late(id, &pull).await?;
        }
        Ok(())
    }

    /// The session settled while the request was under way, and what is settled takes nothing in any more: the
    /// operator is told, and a rerun finds the pull request by its head. One that is only paused finds it by itself.
    async fn came_too_late(&self, id: SessionId, pull: &PullRequest) -> Result<(), StoreError> {
        let row = self.store.row(id).await?;
        if row.is_some_and(|row| row.session.status == Status::Cancelled) {
            let url = &pull.url;
            tracing::warn!(session.id = %id, pull.url = %url, "a pull request stands open whose session was cancelled meanwhile");
        }
        Ok(())
    }

    async fn propose(
        &self,
        id: SessionId,
        owner: &Actor,
        proposal: Proposal,
    ) -> Result<PullRequest, ForgeError> {
        let gone = || ForgeError::Permanent("no forge is configured any more".to_owned());
        let forge = self.forge_for(owner).await.ok_or_else(gone)?;
        let shut = || ForgeError::Transient { why: "DevTask is shutting down".to_owned(), until: None };
        let _call = self.calls.acquire().await.map_err(|_| shut())?;
        let wanted = StillPublishing { inner: self, id };
        match tokio::time::timeout(CALL, forge.publish(proposal, &wanted)).await {
            Ok(result) => result,
            Err(_) => {
                Err(ForgeError::Transient { why: "the forge did not answer in time".to_owned(), until: None })
            }
        }
    }

    fn next_try(&self, session: &Session, error: &ForgeError) -> Option<Time> {
        match error {
            ForgeError::Transient { until, .. } => {
                let pause = self.later(FIRST_PAUSE, session.publish.tries, LONGEST_PAUSE);
                Some(until.map_or(pause, |t| t.max(pause)))
            }
            ForgeError::Permanent(_) | ForgeError::Unknown(_) | ForgeError::NotWanted => None,
        }
    }
}

/// Reads the row: a cancel or a pause that is committed by now stops the pull request.
struct StillPublishing<'a> {
    inner: &'a Inner,
    id: SessionId,
}

#[async_trait]
impl Wanted for StillPublishing<'_> {
    async fn still(&self) -> bool {
        let row = self.inner.store.row(self.id).await.ok().flatten();
        row.is_some_and(|row| wants(&row.session, self.inner.clock.now()) == Want::Publish)
    }
}

/// `None` where the work goes to a folder, or nothing was pushed.
fn proposal(session: &Session) -> Option<Proposal> {
    let Repo::Forge { owner, name } = &session.new.repo else { return None };
    let Pushed { branch, sha, .. } = session.pushed.clone()?;
    Some(Proposal {
        owner: owner.clone(),
        name: name.clone(),
        head: branch,
        sha,
        base: session.base.clone().or_else(|| session.new.base.clone()),
        title: words::title(session),
        body: words::body(session),
    })
}
