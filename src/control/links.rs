//! People's linked accounts, for providers whose nodes belong to somebody.
//!
//! Reads what `accounts.rs` has kept, each time it is asked, so that a new link counts at once. Must not know how a link
//! is made, nor read a token.

use std::path::PathBuf;

use async_trait::async_trait;

use crate::node::NodeError;
use crate::node::codespaces::{Account, Accounts};
use crate::store::Store;

/// The links in the database.
pub struct Links(Store);

impl Links {
    pub fn new(store: Store) -> Self {
        Self(store)
    }
}

#[async_trait]
impl Accounts for Links {
    async fn accounts(&self) -> Result<Vec<Account>, NodeError> {
        let kept = self.0.links().await;
        let kept = kept.map_err(|error| {
            let why = format!("the linked accounts could not be read: {error}");
            NodeError::Transient { why, retry_after: None }
        })?;
        let account = |l: crate::store::people::Linked| Account {
            person: l.person,
            login: l.login,
            token_file: PathBuf::from(l.token_file),
        };
        Ok(kept.into_iter().map(account).collect())
    }
}
