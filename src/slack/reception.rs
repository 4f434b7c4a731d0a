//! The desk's place until Slack has said who we are: deliveries are taken in and wait for it.
//!
//! A mention is known by the bot's own user, which only Slack can tell, and Slack may be away when we start. Must not
//! know what a delivery says.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch;

use super::deliveries::Work;
use super::desk::Desk;
use crate::store::slack::Delivery;

#[derive(Default)]
pub(super) struct Reception(watch::Sender<Option<Arc<Desk>>>);

impl Reception {
    pub(super) fn open(&self, desk: Desk) {
        self.0.send_replace(Some(Arc::new(desk)));
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.borrow().is_some()
    }

    async fn desk(&self) -> Option<Arc<Desk>> {
        let mut opened = self.0.subscribe();
        let desk = opened.wait_for(Option::is_some).await.ok()?;
        desk.clone()
    }
}

#[async_trait]
impl Work for Reception {
    async fn prompt(&self, delivery: &Delivery) -> Option<Value> {
        self.desk().await?.prompt(delivery).await
    }

    async fn work(&self, delivery: &Delivery) {
        if let Some(desk) = self.desk().await {
            desk.work(delivery).await;
        }
    }

    async fn late(&self, delivery: &Delivery) {
        if let Some(desk) = self.desk().await {
            desk.late(delivery).await;
        }
    }
}
