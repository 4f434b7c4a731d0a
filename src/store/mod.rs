//! Floor 1: all SQL and transactions in the domain's words.
//!
//! Every write goes through one writer task that runs the decider inside its transaction, on cached rows; what is
//! published was committed. Must not know why anything is written.

mod api;
mod batch;
mod book;
mod checkpoint;
mod codec;
mod folder;
pub mod nodes;
mod note;
pub mod people;
mod read;
mod schema;
pub mod slack;
mod sql;
#[cfg(test)]
mod tests;
mod writer;
mod writes;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use api::{ListQuery, Store};

use crate::domain::lease::{self, Lease};
use crate::domain::queue::Share;
use crate::domain::session::{Change, Refusal, Session};
use crate::domain::{Actor, SessionId};

/// A session's row and the lease of its newest node.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub session: Arc<Session>,
    pub lease: Option<Arc<Lease>>,
    /// Rises with every write of the row.
    pub version: u64,
}

/// What the writer knows of everybody while it decides: slots are counted here, so no cap is passed twice.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Per owner: sessions that hold a run slot, and when one was admitted last.
    pub shares: BTreeMap<Actor, Share>,
}

/// People go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    People,
    Machines,
}

/// The key under which an outcome is kept, and the request it was for: the same key with another request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dedupe {
    pub key: String,
    pub request: [u8; 32],
}

/// What a decider makes of a row.
pub type Decision = Result<Change, Refusal>;

#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("there is no session {0}")]
    Unknown(SessionId),
    #[error("this key was used for another request")]
    KeyReused,
    #[error(transparent)]
    Lease(#[from] lease::Illegal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database answered with an error")]
    Sql(#[source] sqlx::Error),
    #[error("the database could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("another DevTask uses this data folder")]
    Locked,
    #[error("the database is of a newer DevTask")]
    Newer,
    #[error("a stored {what} is not understood")]
    Corrupt {
        what: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error("the data folder cannot be used")]
    Io(#[from] std::io::Error),
    #[error("the store is closed")]
    Closed,
    #[error("the database does not answer in time")]
    Silent,
    #[error("a change does not continue the log of {0}")]
    Discontinuous(SessionId),
    #[error("a decision broke off; nothing was written")]
    Panicked,
    #[error("no session number is left")]
    Full,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolClosed => Self::Closed,
            other => Self::Sql(other),
        }
    }
}
