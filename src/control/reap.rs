//! Nodes with our mark that belong to nobody: found, remembered, and let go of after a grace time.
//!
//! A stray is a node whose key no lease has in any state but `gone`, or a second one with the key of a lease that has
//! its node, at two looks that lie the grace time apart by our own stored clock: a list may lag behind, and a lease may
//! be about to be written. What may hold work that is nowhere
//! else is kept by its provider. Must not know how a provider lists or destroys.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::refusals::in_full;
use super::{Inner, Local};
use crate::domain::lease::Key;
use crate::domain::limits::seconds;
use crate::node::{NodeError, NodeRef, Owned, Provider};
use crate::store::StoreError;
use crate::store::nodes::Stray;

/// From one look to the next.
const PERIOD: Duration = Duration::from_mins(5);
/// One call to a provider; a list may have many pages.
const CALL: Duration = Duration::from_mins(2);

impl Local {
    /// One look at every provider: strays that have been ones for long enough go.
    pub async fn reap(&self) {
        self.inner.reap().await;
    }
}

/// The shell: at the start, and regularly.
pub(super) async fn watch(inner: Arc<Inner>) {
    loop {
        inner.reap().await;
        tokio::time::sleep(PERIOD).await;
    }
}

impl Inner {
    async fn reap(&self) {
        for (name, provider) in &self.providers {
            let owned = match in_time(provider.list_owned(self.store.instance())).await {
                Ok(owned) => owned,
                Err(error) => {
                    tracing::warn!(node.provider = %name, error = %in_full(&error), "its nodes could not be listed");
                    continue;
                }
            };
            if let Err(error) = self.reap_one(name, provider.as_ref(), &owned).await {
                tracing::error!(node.provider = %name, error = %in_full(&error), "strays could not be looked after");
            }
        }
    }

    async fn reap_one(&self, name: &str, provider: &dyn Provider, owned: &[Owned]) -> Result<(), StoreError> {
        let mut strays = BTreeSet::new();
        for Owned { node, key, .. } in owned {
            if self.is_stray(node, key).await? {
                self.store.see_stray(name, &node.name, key.as_str()).await?;
                strays.insert(node.name.as_str());
            }
        }
        let grace = seconds(self.settings.stray_grace);
        for stray in self.store.strays().await?.into_iter().filter(|s| s.provider == name) {
            if !strays.contains(stray.node.as_str()) {
                self.store.forget_stray(name, &stray.node).await?;
            } else if stray.first_seen + grace <= self.clock.now() {
                self.let_go(provider, stray).await?;
            }
        }
        Ok(())
    }

    async fn is_stray(&self, node: &NodeRef, key: &Key) -> Result<bool, StoreError> {
        let lease = self.store.leased(key.as_str()).await?;
        // One without a node may be about to adopt this one.
        Ok(lease.is_none_or(|lease| lease.node.is_some_and(|leased| leased != node.name)))
    }

    async fn let_go(&self, provider: &dyn Provider, stray: Stray) -> Result<(), StoreError> {
        let Stray { provider: name, node, key, .. } = stray;
        match in_time(provider.destroy(&NodeRef { name: node.clone() })).await {
            Ok(()) | Err(NodeError::Gone) => {
                tracing::info!(node.provider = %name, node.key = %key, "a stray node is let go of");
                self.store.forget_stray(&name, &node).await
            }
            Err(error) => {
                tracing::warn!(node.provider = %name, node.key = %key, error = %in_full(&error), "a stray node stays");
                Ok(())
            }
        }
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, NodeError>>) -> Result<T, NodeError> {
    match tokio::time::timeout(CALL, call).await {
        Ok(result) => result,
        Err(_) => {
            Err(NodeError::Transient { why: "it did not answer in time".to_owned(), retry_after: None })
        }
    }
}
