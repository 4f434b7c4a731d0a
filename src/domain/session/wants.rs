//! What a session wants of the world, computed anew from its row: first try and recovery are one path.
//!
//! Must not know how a want is met.

use serde::{Deserialize, Serialize};

use super::super::event::Queued;
use super::super::limits::seconds;
use super::super::{Attempt, Time};
use super::{Hold, Input, Session, Status};

/// The level the link carries to an attempt, and what is to become of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "camelCase")]
pub enum Want {
    /// No process; a node that exists may stay.
    Rest,
    /// This attempt is to run.
    Run { attempt: Attempt },
    /// This attempt is to end gently.
    Drain { attempt: Attempt },
    /// The branch is pushed; open or update its pull request.
    Publish,
    /// Nothing may run, and the node is to go once its work is safe.
    Release,
}

pub fn wants(session: &Session, now: Time) -> Want {
    let attempt = session.attempt;
    match session.status {
        Status::Provisioning | Status::Running if session.attempt_lives() => {
            let stopping = session.live.as_ref().is_some_and(|l| l.stopping_at.is_some());
            if stopping { Want::Drain { attempt } } else { Want::Run { attempt } }
        }
        Status::Running if session.finished() => Want::Publish,
        Status::Queued | Status::Provisioning | Status::Running | Status::Paused => Want::Rest,
        Status::Done => {
            let grace = seconds(session.limits().done_grace);
            let over = session.settled_at.is_none_or(|at| now >= at + grace);
            if over { Want::Release } else { Want::Rest }
        }
        Status::Failed | Status::Cancelled => Want::Release,
    }
}

/// What a session waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(tag = "for", rename_all = "camelCase")]
pub enum WaitingOn {
    User,
    Slot,
    Node,
    /// A limit of the model's API, or the pause before a retry.
    Quota {
        #[cfg_attr(feature = "server", schema(value_type = DateTime<Utc>))]
        until: Time,
    },
    Retry {
        #[cfg_attr(feature = "server", schema(value_type = DateTime<Utc>))]
        until: Time,
    },
}

pub fn waiting_on(session: &Session, now: Time) -> Option<WaitingOn> {
    match session.status {
        Status::Paused => Some(WaitingOn::User),
        Status::Provisioning => Some(WaitingOn::Node),
        Status::Running if session.open_asks().next().is_some() => Some(WaitingOn::User),
        Status::Running => {
            let again = session.publish.not_before.filter(|t| *t > now && session.finished());
            again.map(|until| WaitingOn::Retry { until })
        }
        Status::Queued => {
            let queued = session.queued.as_ref();
            let later = queued.and_then(|q| q.not_before).filter(|t| *t > now);
            Some(match (later, queued.map(|q| q.why)) {
                (Some(until), Some(Queued::Quota)) => WaitingOn::Quota { until },
                (Some(until), _) => WaitingOn::Retry { until },
                (None, _) => WaitingOn::Slot,
            })
        }
        Status::Done | Status::Failed | Status::Cancelled => None,
    }
}

/// The next deadline of a session and what is to be said to it then. Every state that is not settled has one,
/// but for a queued session, which the dispatcher owns.
pub fn due(session: &Session) -> Option<(Time, Input)> {
    let asks = session.open_asks().filter(|a| a.default.is_some());
    let ask = asks.min_by_key(|a| a.expires_at).map(|a| (a.expires_at, Input::AskDue { ask: a.id.clone() }));
    let own = match session.status {
        Status::Provisioning | Status::Running => attempt_due(session),
        Status::Paused => {
            session.paused_at.map(|at| (at + seconds(session.limits().paused_max), Input::Forgotten))
        }
        _ => None,
    };
    [ask, own].into_iter().flatten().min_by_key(|(at, _)| *at)
}

fn attempt_due(session: &Session) -> Option<(Time, Input)> {
    let limits = session.limits();
    let live = session.live.as_ref().filter(|l| l.ended.is_none())?;
    let lost =
        |cause: &str| Input::Lost { attempt: session.attempt, cause: cause.to_owned(), transient: true };
    Some(match (live.stopping_at, live.hello_at) {
        (Some(at), _) => (at + seconds(limits.stopping), lost("it did not stop in time")),
        (None, None) => {
            (live.admitted_at + seconds(limits.provisioning), lost("its node did not come up in time"))
        }
        (None, Some(at)) if !session.holds.contains(&Hold::Budget) => {
            (at + seconds(limits.max_task_duration), Input::TimeUp { attempt: session.attempt })
        }
        (None, Some(_)) => return None,
    })
}
