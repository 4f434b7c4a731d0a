//! The nodes there are, for people who pay for them or wonder what runs where.
//!
//! Made from rows; asks no provider but for its prices. Must not know how it is shown.

use super::{Inner, refusals};
use crate::domain::Time;
use crate::domain::lease::Lease;
use crate::node::{NodeRef, Price};
use crate::store::Row;
use crate::wire::api::Refusal;
use crate::wire::fleet::NodeView;

impl Inner {
    /// Every session's node that is not gone, then strays; each the oldest first.
    pub(super) async fn nodes(&self) -> Result<Vec<NodeView>, Refusal> {
        let now = self.clock.now();
        let rows = self.store.open_rows();
        let mut nodes: Vec<NodeView> = rows.iter().filter_map(|row| self.leased(row, now)).collect();
        nodes.sort_by_key(|n| n.created_at);
        for stray in self.store.strays().await.map_err(|e| refusals::of_store(&e))? {
            nodes.push(NodeView {
                node_id: Some(stray.node),
                key: stray.key,
                provider: stray.provider,
                state: None,
                session: None,
                owner: None,
                created_at: stray.first_seen,
                up_seconds: 0,
                cost_micro_usd: None,
                notice: None,
                trouble: None,
            });
        }
        Ok(nodes)
    }

    fn leased(&self, row: &Row, now: Time) -> Option<NodeView> {
        let lease = row.lease.as_deref().filter(|l| !l.is_gone())?;
        Some(NodeView {
            node_id: lease.node.clone(),
            key: lease.key.to_string(),
            provider: lease.provider.clone(),
            state: Some(lease.state),
            session: Some(lease.session),
            owner: Some(row.session.owner().to_string()),
            created_at: lease.created_at,
            up_seconds: lease.up(now),
            cost_micro_usd: self.price(lease).map(|price| cost(lease, price, now)),
            notice: lease.notice.clone(),
            trouble: lease.detail.clone().filter(|_| lease.tries > 0),
        })
    }

    fn price(&self, lease: &Lease) -> Option<Price> {
        let node = NodeRef { name: lease.node.clone()? };
        self.providers.get(&lease.provider)?.price(&node)
    }
}

fn cost(lease: &Lease, price: Price, now: Time) -> u64 {
    let kept = u64::try_from((now - lease.created_at).num_seconds()).unwrap_or(0);
    (lease.up(now).saturating_mul(price.up_hour) + kept.saturating_mul(price.kept_hour)) / 3_600
}
