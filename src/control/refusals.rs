//! How the store's errors are told to the person who asked: kindly to them, in full to the operator's log.
//!
//! Must not know HTTP.

use crate::domain::SessionId;
use crate::store::{CommitError, StoreError};
use crate::wire::api::{About, Code, Refusal};

pub(super) fn of_commit(error: CommitError) -> Refusal {
    match error {
        CommitError::Refused(refusal) => refusal.into(),
        CommitError::Unknown(id) => unknown(id),
        CommitError::KeyReused => {
            Refusal::new(Code::KeyReused, "this `Idempotency-Key` was used for another request")
                .hint("use a new key for a new request")
        }
        CommitError::Store(error) => of_store(&error),
        other @ CommitError::Lease(_) => internal(&other),
    }
}

pub(super) fn of_store(error: &StoreError) -> Refusal {
    if matches!(error, StoreError::Closed) {
        return Refusal::new(Code::Unreachable, "DevTask is shutting down; nothing was changed")
            .hint("try again when it is back");
    }
    internal(error)
}

pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Refusal {
    tracing::error!(error = %in_full(error), "a request failed for a reason of our own");
    Refusal::new(Code::Internal, "something went wrong on our side; nothing was changed")
        .hint("the server's log says what")
}

/// An error with its causes, for the operator's log.
pub(super) fn in_full(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |e| e.source()).map(ToString::to_string);
    causes.collect::<Vec<_>>().join(": ")
}

pub(super) fn unknown(id: SessionId) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is no session {id}")).about(About::Session)
}
