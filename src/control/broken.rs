//! What is made of a job that panicked: the operator is told, it counts, and it ends as an error of its kind would.
//!
//! A panic says nothing about how far the job came, so it is taken for the kind of error that leaves that open too.
//! Its text may quote what people wrote and stays in the panic's own message on stderr. Must not know what a job does.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

use super::jobs::{After, Job};
use super::refusals::in_full;
use super::{Inner, nodes, publish, relay};
use crate::domain::lease::Input as Step;
use crate::domain::session::{Input, wants};
use crate::domain::{SessionId, Time};
use crate::store::StoreError;

const WHY: &str = "DevTask itself broke off there, and its log says where";

impl Inner {
    /// The job's own word on how it went, or a strike where it had none.
    pub(super) async fn guarded(
        &self,
        id: SessionId,
        job: Job,
        strikes: u32,
        work: impl Future<Output = After>,
    ) -> After {
        if let Ok(after) = AssertUnwindSafe(work).catch_unwind().await {
            return after;
        }
        let strikes = strikes.saturating_add(1);
        tracing::error!(session.id = %id, job = job.name(), job.strikes = strikes, "a job panicked");
        let (first, longest) = pauses(job);
        let at = self.later(first, strikes - 1, longest);
        if let Err(error) = self.broken(id, job, strikes, at).await {
            tracing::error!(session.id = %id, job = job.name(), error = %in_full(&error), "the end of a job could not be committed");
        }
        After::Strike { at, partial: None }
    }

    /// Puts the strike where errors of this kind are counted, so that they end the same way.
    async fn broken(&self, id: SessionId, job: Job, strikes: u32, at: Time) -> Result<(), StoreError> {
        let Some(row) = self.store.row(id).await? else { return Ok(()) };
        match job {
            Job::Node => {
                if let Some(lease) = row.lease.as_deref().filter(|l| !l.is_gone()) {
                    let step = Step::Stumbled { cause: WHY.to_owned(), not_before: at };
                    self.move_lease(id, &lease.key, step).await?;
                }
            }
            Job::Link => {
                let attempt = relay::wanted(&row, wants(&row.session, self.clock.now()));
                if let Some(attempt) = attempt.filter(|_| strikes >= relay::MAX_STARTS) {
                    let cause = format!("its supervisor could not be followed: {WHY}");
                    self.tell(id, Input::Lost { attempt, cause, transient: true }).await?;
                }
            }
            Job::Publish => {
                let cause = format!("the pull request was not opened: {WHY}");
                self.tell(id, Input::PublishFailed { cause, not_before: Some(at) }).await?;
            }
        }
        Ok(())
    }
}

/// The pause after the first strike, and the longest.
fn pauses(job: Job) -> (Duration, Duration) {
    match job {
        Job::Node => (nodes::FIRST_PAUSE, nodes::LONGEST_PAUSE),
        Job::Link => (relay::FIRST_PAUSE, relay::LONGEST_PAUSE),
        Job::Publish => (publish::FIRST_PAUSE, publish::LONGEST_PAUSE),
    }
}
