//! A session's node: from nothing to ready and back to nothing, one committed step at a time.
//!
//! The intent is in the row before the provider is called; after anything ambiguous the provider's list is asked
//! first. A node goes only when no process of ours is left on it. Must not know what runs there.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::jobs::After;
use super::refusals::in_full;
use super::{Inner, Start};
use crate::domain::lease::{self, Illegal, Input as Step, Key, Lease, State};
use crate::domain::report::{Ending, Retry};
use crate::domain::session::{Input, Status, Want, wants};
use crate::domain::{Attempt, SessionId, Time};
use crate::node::{Condition, NodeError, NodeRef, Provider, Spec};
use crate::store::{CommitError, Row, StoreError};

/// What is to be done next with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Request,
    Create,
    Boot,
    Suspend,
    Release,
    Destroy,
}

pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// While a node boots it is asked this often: half of it is lost at each start, and ten starts at once must stay below
/// the 900 calls a minute that GitHub takes from a user.
const BOOT_POLL: TimeDelta = TimeDelta::seconds(1);
/// A provider that has no node left and does not say until when is asked again after this.
const QUOTA_PAUSE: TimeDelta = TimeDelta::minutes(2);
/// One call to a provider.
const CALL: Duration = Duration::from_mins(5);
/// From nothing to ready are six.
const MAX_STEPS: u32 = 8;

/// The one decision about a node; `None`: nothing to do, or not yet.
pub(super) fn next(row: &Row, want: Want, suspends: bool, now: Time) -> Option<Next> {
    use State::{Booting, Bootstrapping, Creating, Gone, Ready, Releasing, Requested, Suspended, Suspending};
    let Some(lease) = row.lease.as_deref() else {
        return matches!(want, Want::Run { .. }).then_some(Next::Request);
    };
    if lease.not_before.is_some_and(|t| t > now) {
        return None;
    }
    let busy = lease.busy.is_some();
    match (want, lease.state) {
        (_, Releasing) => Some(Next::Destroy),
        (Want::Run { .. }, Gone) => Some(Next::Request),
        (_, Gone) => None,
        (Want::Run { .. }, Requested | Creating) => Some(Next::Create),
        // What occupies a stopped node is swept there before anything else.
        (Want::Run { .. }, Booting | Bootstrapping | Suspending | Suspended) => Some(Next::Boot),
        (_, Booting | Bootstrapping | Suspending | Suspended) if busy => Some(Next::Boot),
        (Want::Release, _) if !busy => Some(Next::Release),
        (Want::Rest, Suspending) => Some(Next::Suspend),
        (Want::Rest, Ready) if suspends && !busy && row.session.status == Status::Paused => {
            Some(Next::Suspend)
        }
        _ => None,
    }
}

/// Whether processes of this attempt may be alive on the session's node.
pub(super) fn busy_with(row: &Row, attempt: Attempt) -> bool {
    row.lease.as_ref().is_some_and(|l| l.busy == Some(attempt))
}

/// The job: as many steps as go without waiting.
pub(super) async fn bring(inner: Arc<Inner>, id: SessionId, _start: Start) -> After {
    for _ in 0..MAX_STEPS {
        match inner.node_step(id).await {
            Ok(true) => {}
            Ok(false) => return After::Done,
            Err(Trouble::Wait(at)) => return After::Again { at, partial: None },
            Err(Trouble::Store(error)) => {
                tracing::error!(session.id = %id, error = %in_full(&error), "a node's step could not be committed");
                return After::Strike { at: inner.clock.now() + TimeDelta::seconds(1), partial: None };
            }
        }
    }
    After::Done
}

/// Why the job stops here.
#[derive(Debug)]
enum Trouble {
    /// The node needs time, or a pause after an error.
    Wait(Time),
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Inner {
    /// One step; `false` where there is none to take.
    async fn node_step(&self, id: SessionId) -> Result<bool, Trouble> {
        let now = self.clock.now();
        let Some(row) = self.store.row(id).await? else { return Ok(false) };
        let want = wants(&row.session, now);
        let name =
            row.lease.as_ref().filter(|l| !l.is_gone()).map_or(&row.session.new.provider, |l| &l.provider);
        let provider = self.providers.get(name).cloned();
        let suspends = provider.as_ref().is_some_and(|p| p.caps().suspend);
        let Some(next) = next(&row, want, suspends, now) else { return Ok(false) };
        if next == Next::Request {
            return self.request(id).await;
        }
        let (Some(provider), Some(lease)) = (provider, row.lease.clone()) else {
            return self.without_provider(&row, want).await;
        };
        let done = {
            let _call = self.calls.acquire().await.map_err(|_| StoreError::Closed)?;
            self.node_call(id, next, &row, &lease, provider.as_ref()).await?
        };
        match done {
            Ok(again) => Ok(again),
            Err(error) => self.node_failed(&row, &lease, error).await,
        }
    }

    async fn node_call(
        &self,
        id: SessionId,
        next: Next,
        row: &Row,
        lease: &Lease,
        provider: &dyn Provider,
    ) -> Result<Result<bool, NodeError>, Trouble> {
        let called = match next {
            Next::Request => Ok(None),
            Next::Create => {
                if !self.move_lease(id, &lease.key, Step::Create).await? {
                    return Ok(Ok(false));
                }
                limited(create(provider, self.store.instance(), row, lease)).await.map(Some)
            }
            Next::Boot => match limited(boot(provider, lease)).await {
                Ok(Some(step)) => {
                    if step == Step::Ready {
                        self.take_notice(id, lease, provider).await?;
                    }
                    Ok(Some(step))
                }
                Ok(None) => return Err(Trouble::Wait(self.clock.now() + BOOT_POLL)),
                Err(error) => Err(error),
            },
            Next::Suspend => {
                let again = lease.state == State::Suspending;
                if !again && !self.move_lease(id, &lease.key, Step::Suspend).await? {
                    return Ok(Ok(false));
                }
                limited(suspend(provider, lease)).await.map(Some)
            }
            Next::Release => {
                Ok(Some(Step::Release { why: format!("{} is {}", id, row.session.status.name()) }))
            }
            Next::Destroy => limited(destroy(provider, self.store.instance(), lease)).await.map(Some),
        };
        match called {
            Ok(Some(step)) => Ok(Ok(self.move_lease(id, &lease.key, step).await?)),
            Ok(None) => Ok(Ok(false)),
            Err(error) => Ok(Err(error)),
        }
    }

    /// The row of a new node; only where there is none.
    async fn request(&self, id: SessionId) -> Result<bool, Trouble> {
        let instance = self.store.instance().to_owned();
        let made = self
            .store
            .lease(id, move |row, now| {
                let before = row.lease.as_deref();
                if let Some(lease) = before.filter(|l| !l.is_gone()) {
                    return Err(Illegal { state: lease.state, input: "request" });
                }
                let incarnation = before.map_or(1, |l| l.incarnation + 1);
                let key = Key::new(&instance, id, incarnation);
                Ok(Lease::request(key, id, incarnation, row.session.new.provider.clone(), now))
            })
            .await;
        moved(made.map(|_| ())).map_err(Into::into)
    }

    /// One step of the lease with this key; `false` where the row has moved on meanwhile.
    pub(super) async fn move_lease(&self, id: SessionId, key: &Key, step: Step) -> Result<bool, StoreError> {
        let key = key.clone();
        let made = self
            .store
            .lease(id, move |row, now| match row.lease.as_deref() {
                Some(lease) if lease.key == key => lease::step(lease, step.clone(), now),
                other => Err(Illegal {
                    state: other.map_or(State::Gone, |l| l.state),
                    input: "a step of an older node",
                }),
            })
            .await;
        moved(made.map(|_| ()))
    }

    /// Keeps what the provider says of the node. That it cannot be asked is no trouble: the node is what counts.
    pub(super) async fn take_notice(
        &self,
        id: SessionId,
        lease: &Lease,
        provider: &dyn Provider,
    ) -> Result<(), StoreError> {
        let Ok(node) = node_of(lease) else { return Ok(()) };
        if let Ok(Some(notice)) = limited(provider.notice(&node)).await
            && lease.notice.as_ref() != Some(&notice)
        {
            self.move_lease(id, &lease.key, Step::Noticed { notice }).await?;
        }
        Ok(())
    }

    /// What a provider's error means for the node and for its session.
    async fn node_failed(&self, row: &Row, lease: &Lease, error: NodeError) -> Result<bool, Trouble> {
        let id = row.session.id();
        tracing::warn!(session.id = %id, node.key = %lease.key, error = %in_full(&error), "a node's step failed");
        let cause = error.to_string();
        let mut at = self.later(FIRST_PAUSE, lease.tries, LONGEST_PAUSE);
        match error {
            NodeError::Gone => {
                self.move_lease(id, &lease.key, Step::Gone).await?;
                self.attempt_lost(row, "its node is gone", true).await?;
                return Ok(true);
            }
            NodeError::Permanent(_) | NodeError::Auth { .. } => {
                self.attempt_lost(row, &cause, false).await?;
            }
            // Nobody's fault, and no retry is used up: it waits in the queue, with the reason shown.
            NodeError::Quota { until, .. } => {
                let until = until.unwrap_or(self.clock.now() + QUOTA_PAUSE);
                let how = Ending::Failed { cause: cause.clone(), retry: Retry::Quota { until } };
                if !self.conclude(id, row.session.attempt, how).await? {
                    self.attempt_lost(row, &cause, true).await?;
                }
                at = at.max(until);
            }
            NodeError::Transient { retry_after, .. } => {
                let asked = retry_after.and_then(|d| TimeDelta::from_std(d).ok()).unwrap_or_default();
                at = at.max(self.clock.now() + asked);
            }
            NodeError::Ambiguous(_) => {}
        }
        self.move_lease(id, &lease.key, Step::Stumbled { cause, not_before: at }).await?;
        Err(Trouble::Wait(at))
    }

    /// The live attempt, if it is one that should run, is over.
    pub(super) async fn attempt_lost(
        &self,
        row: &Row,
        cause: &str,
        transient: bool,
    ) -> Result<(), StoreError> {
        let session = &row.session;
        if session.status.runs() && session.attempt_lives() {
            let (attempt, cause) = (session.attempt, cause.to_owned());
            self.tell(session.id(), Input::Lost { attempt, cause, transient }).await?;
        }
        Ok(())
    }

    async fn without_provider(&self, row: &Row, want: Want) -> Result<bool, Trouble> {
        let name = row.lease.as_ref().map_or(&row.session.new.provider, |l| &l.provider);
        tracing::warn!(session.id = %row.session.id(), node.provider = %name, "no such provider is configured");
        if matches!(want, Want::Run { .. }) {
            let cause = format!("the provider `{name}` is not configured any more");
            self.attempt_lost(row, &cause, false).await?;
        }
        Err(Trouble::Wait(self.clock.now() + TimeDelta::seconds(60)))
    }
}

/// Adopts what an ambiguous call may have made, else makes it.
async fn create(
    provider: &dyn Provider,
    instance: &str,
    row: &Row,
    lease: &Lease,
) -> Result<Step, NodeError> {
    if lease.state == State::Creating
        && let Some(node) = find(provider, instance, &lease.key).await?
    {
        return Ok(Step::Created { node: node.name });
    }
    let new = &row.session.new;
    let spec = Spec { repo: new.repo.clone(), base: new.base.clone(), owner: new.owner.clone() };
    provider.preflight(&spec).await?;
    let node = provider.ensure(&lease.key, &spec).await?;
    Ok(Step::Created { node: node.name })
}

async fn boot(provider: &dyn Provider, lease: &Lease) -> Result<Option<Step>, NodeError> {
    let node = node_of(lease)?;
    match provider.inspect(&node).await? {
        // Asked to stop and still there: it is started again, whatever becomes of the stop.
        Condition::Ready if lease.state == State::Suspending => Ok(Some(Step::Boot)),
        Condition::Ready if provider.is_far() && lease.state != State::Bootstrapping => {
            Ok(Some(if lease.state == State::Booting { Step::Bootstrap } else { Step::Boot }))
        }
        Condition::Ready => {
            provider.prepare(&node).await?;
            Ok(Some(Step::Ready))
        }
        Condition::Booting => Ok(None),
        Condition::Stopped if lease.state == State::Bootstrapping => Ok(Some(Step::Suspended)),
        Condition::Stopped => {
            provider.start(&node).await?;
            Ok((lease.state != State::Booting).then_some(Step::Boot))
        }
        Condition::Gone => Err(NodeError::Gone),
    }
}

async fn suspend(provider: &dyn Provider, lease: &Lease) -> Result<Step, NodeError> {
    provider.stop(&node_of(lease)?).await?;
    Ok(Step::Suspended)
}

/// A node without a name may exist all the same: its making was never answered.
async fn destroy(provider: &dyn Provider, instance: &str, lease: &Lease) -> Result<Step, NodeError> {
    let node = match node_of(lease) {
        Ok(node) => Some(node),
        Err(_) => find(provider, instance, &lease.key).await?,
    };
    if let Some(node) = node {
        match provider.destroy(&node).await {
            Ok(()) | Err(NodeError::Gone) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Step::Gone)
}

async fn find(provider: &dyn Provider, instance: &str, key: &Key) -> Result<Option<NodeRef>, NodeError> {
    let owned = provider.list_owned(instance).await?;
    Ok(owned.into_iter().find(|o| o.key == *key).map(|o| o.node))
}

pub(super) fn node_of(lease: &Lease) -> Result<NodeRef, NodeError> {
    lease.node.clone().map(|name| NodeRef { name }).ok_or(NodeError::Gone)
}

async fn limited<T>(call: impl Future<Output = Result<T, NodeError>>) -> Result<T, NodeError> {
    match tokio::time::timeout(CALL, call).await {
        Ok(result) => result,
        Err(_) => Err(NodeError::Ambiguous("the provider did not answer in time".to_owned())),
    }
}

fn moved(made: Result<(), CommitError>) -> Result<bool, StoreError> {
    match made {
        Ok(()) => Ok(true),
        Err(CommitError::Store(error)) => Err(error),
        Err(_) => Ok(false),
    }
}
