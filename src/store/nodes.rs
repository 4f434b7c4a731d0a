//! Nodes beyond their sessions' rows: those that carry our mark and belong to nobody, and since when.
//!
//! Must not know what a provider is, nor when a stray has been one for long enough.

use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::{Lane, Store, StoreError, codec, note, sql};
use crate::domain::Time;
use crate::domain::lease::Lease;

/// A node with our mark and no lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    pub provider: String,
    /// The provider's own name for it.
    pub node: String,
    pub key: String,
    pub first_seen: Time,
}

/// One thing to be kept.
pub(super) enum Note {
    Seen { provider: String, node: String, key: String },
    Forget { provider: String, node: String },
}

impl Note {
    pub(super) async fn write(&self, conn: &mut SqliteConnection, now: Time) -> Result<(), sqlx::Error> {
        let query = match self {
            Self::Seen { provider, node, key } => {
                sqlx::query(sql::SEE_STRAY).bind(provider).bind(node).bind(key).bind(codec::micros(now))
            }
            Self::Forget { provider, node } => sqlx::query(sql::FORGET_STRAY).bind(provider).bind(node),
        };
        query.execute(conn).await.map(drop)
    }
}

impl Store {
    /// The lease with this key, in any state but `gone`. A session's newest lease is the only one that can be.
    pub async fn leased(&self, key: &str) -> Result<Option<Lease>, StoreError> {
        let found = sqlx::query(sql::LEASED).bind(key).fetch_optional(&self.0.shared.readers).await?;
        let Some(row) = found else { return Ok(None) };
        codec::from_json("lease", row.try_get::<&str, _>(0)?).map(Some)
    }

    /// Remembers when a stray was seen first; seeing it again changes nothing.
    pub async fn see_stray(&self, provider: &str, node: &str, key: &str) -> Result<(), StoreError> {
        let [provider, node, key] = [provider, node, key].map(str::to_owned);
        let seen = Note::Seen { provider, node, key };
        self.0.note(Lane::Machines, note::Note::Nodes(seen)).await.map(drop)
    }

    /// It is gone, or belongs to somebody after all.
    pub async fn forget_stray(&self, provider: &str, node: &str) -> Result<(), StoreError> {
        let [provider, node] = [provider, node].map(str::to_owned);
        let forget = Note::Forget { provider, node };
        self.0.note(Lane::Machines, note::Note::Nodes(forget)).await.map(drop)
    }

    /// All that are remembered, the oldest first.
    pub async fn strays(&self) -> Result<Vec<Stray>, StoreError> {
        let found = sqlx::query(sql::STRAYS).fetch_all(&self.0.shared.readers).await?;
        let stray = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Stray {
                provider: row.try_get(0)?,
                node: row.try_get(1)?,
                key: row.try_get(2)?,
                first_seen: codec::time(row.try_get(3)?),
            })
        };
        found.iter().map(stray).collect()
    }
}
