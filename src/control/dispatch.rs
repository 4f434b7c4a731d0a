//! The tick: deadlines that have passed, slots that are free, and for each row the jobs that bring the world to it.
//!
//! Recomputed from rows every time; a wake-up carries no data. Must not know how a node is made, a supervisor spoken
//! to or a pull request opened: that is `nodes`, `relay` and `publish`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::jobs::Job;
use super::refusals::in_full;
use super::{Inner, nodes, publish, relay};
use crate::domain::limits::seconds;
use crate::domain::queue::{Caps, Waiting, placement};
use crate::domain::report::{Ending, Record, Report};
use crate::domain::session::{self, Input, Refusal, Session, Status, Want, due, wants};
use crate::domain::{Attempt, SessionId, Time};
use crate::store::{CommitError, Lane, Row, StoreError, World};

impl Inner {
    pub(super) async fn tick(self: &Arc<Self>) -> Option<Time> {
        self.deadlines().await;
        self.admissions().await;
        let now = self.clock.now();
        let rows = self.store.open_rows();
        for row in &rows {
            self.bring(row, now).await;
        }
        let open: BTreeSet<SessionId> = rows.iter().map(|row| row.session.id()).collect();
        self.jobs.keep(|id| open.contains(&id));
        let own = rows.iter().filter_map(|row| next_moment(row, now));
        own.chain(self.jobs.next()).filter(|t| *t > now).min()
    }

    /// Says what fell due. One a tick and session: the commit wakes the next tick.
    async fn deadlines(&self) {
        let now = self.clock.now();
        for row in self.store.open_rows() {
            let Some((at, input)) = due(&row.session) else { continue };
            if at <= now {
                let input = with_cause(input, &row);
                log_error(row.session.id(), self.tell(row.session.id(), input).await);
            }
        }
    }

    async fn admissions(&self) {
        let now = self.clock.now();
        let waiting = waiting(&self.store.open_rows(), now);
        if waiting.is_empty() {
            return;
        }
        let caps = self.settings.caps();
        for id in placement(&waiting, &self.store.world().shares, caps, now) {
            // The slot is counted again inside the writer: concurrent ticks pass no cap twice.
            let step = move |row: &Row, world: &World, now| {
                if !has_slot(world, &row.session, caps) {
                    return Err(Refusal::NoSlot);
                }
                session::step(&row.session, Input::Admit { attempt: row.session.attempt.next() }, now)
            };
            match self.store.commit(id, Lane::Machines, None, step).await {
                Ok(_) | Err(CommitError::Refused(_)) => {}
                Err(error) => {
                    tracing::error!(session.id = %id, error = %in_full(&error), "a session could not be admitted");
                }
            }
        }
    }

    /// Starts what this row wants done and is not under way.
    async fn bring(self: &Arc<Self>, row: &Row, now: Time) {
        let id = row.session.id();
        let want = wants(&row.session, now);
        if let Want::Drain { attempt } = want
            && !nodes::busy_with(row, attempt)
        {
            log_error(id, self.conclude(id, attempt, Ending::Drained).await);
            return;
        }
        if nodes::next(row, want, self.suspends(row), now).is_some() {
            self.spawn(id, Job::Node, |inner, start| nodes::bring(inner, id, start));
        }
        if let Some(attempt) = relay::wanted(row, want) {
            self.spawn(id, Job::Link, |inner, start| relay::attach(inner, id, attempt, start));
        }
        if want == Want::Publish && row.session.publish.not_before.is_none_or(|t| t <= now) {
            self.spawn(id, Job::Publish, |inner, _| publish::publish(inner, id));
        }
    }

    /// Ends an attempt whose supervisor was never started: nobody else can speak for it, so we do. Checked in the
    /// writer, where the lease says who occupies the node.
    pub(super) async fn conclude(
        &self,
        id: SessionId,
        attempt: Attempt,
        how: Ending,
    ) -> Result<bool, StoreError> {
        let step = move |row: &Row, _: &World, now| {
            let session = &row.session;
            if session.attempt != attempt || !session.status.runs() || nodes::busy_with(row, attempt) {
                return Err(Refusal::Stale { session: session.id(), status: session.status });
            }
            let n = session.ingested + 1;
            let record = Record { n, at: now, report: Report::Ended { how: how.clone() }, raw: None };
            session::step(session, Input::Records { attempt, records: vec![record] }, now)
        };
        match self.store.commit(id, Lane::Machines, None, step).await {
            Ok(_) => Ok(true),
            Err(CommitError::Store(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    fn suspends(&self, row: &Row) -> bool {
        let name = row.lease.as_ref().map_or(&row.session.new.provider, |l| &l.provider);
        self.providers.get(name).is_some_and(|p| p.caps().suspend)
    }
}

/// Those that could run now if there were a slot.
pub(super) fn waiting(rows: &[Row], now: Time) -> Vec<Waiting> {
    rows.iter().filter_map(|row| waits(&row.session, now)).collect()
}

fn waits(session: &Session, now: Time) -> Option<Waiting> {
    let queued = session.queued.as_ref().filter(|_| session.status == Status::Queued)?;
    let open = session.holds.is_empty() && queued.not_before.is_none_or(|t| t <= now);
    open.then(|| Waiting {
        session: session.id(),
        owner: session.owner().clone(),
        front: queued.front,
        priority: session.new.priority,
        since: queued.since,
    })
}

fn has_slot(world: &World, session: &Session, caps: Caps) -> bool {
    let running: u32 = world.shares.values().map(|s| s.running).sum();
    let own = world.shares.get(session.owner()).map_or(0, |s| s.running);
    running < caps.total && (caps.per_owner == 0 || own < caps.per_owner)
}

/// A node that did not come up in time is told with the reason its provider gave.
fn with_cause(input: Input, row: &Row) -> Input {
    let detail = row.lease.as_ref().filter(|l| !l.is_gone() && l.tries > 0).and_then(|l| l.detail.as_deref());
    match (input, detail) {
        (Input::Lost { attempt, cause, transient }, Some(detail)) => {
            Input::Lost { attempt, cause: format!("{cause}: {detail}"), transient }
        }
        (input, _) => input,
    }
}

/// When this row is worth another look.
fn next_moment(row: &Row, now: Time) -> Option<Time> {
    let session = &row.session;
    let grace = session.settled_at.map(|at| at + seconds(session.limits().done_grace));
    let moments = [
        due(session).map(|(at, _)| at),
        session.queued.as_ref().and_then(|q| q.not_before),
        session.publish.not_before,
        row.lease.as_ref().and_then(|l| l.not_before),
        grace,
    ];
    moments.into_iter().flatten().filter(|t| *t > now).min()
}

fn log_error<T>(id: SessionId, result: Result<T, StoreError>) {
    if let Err(error) = result {
        tracing::error!(session.id = %id, error = %in_full(&error), "a step could not be committed");
    }
}
