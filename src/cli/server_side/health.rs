//! How the parts of a server are, asked anew each time: the database by a read, the others by what is tried again.
//!
//! Must not know who asks.

use std::sync::Arc;

use crate::control::Local;
use crate::http::{Health, Part, State};
use crate::slack::Slack;
use crate::store::Store;
use crate::supervisor::chain;

/// For `/readyz`. A part that fails some sessions is degraded; without its database a server is down.
pub fn of(store: &Store, local: &Local, slack: Option<Arc<Slack>>) -> Health {
    let (store, local) = (store.clone(), local.clone());
    Arc::new(move || {
        let (store, local, slack) = (store.clone(), local.clone(), slack.clone());
        Box::pin(async move {
            let troubles = local.troubles();
            let mut parts = vec![
                database(&store).await,
                tried_again("nodes", troubles.nodes),
                tried_again("links", troubles.links),
                tried_again("forge", troubles.pull_requests),
            ];
            if let Some(slack) = slack {
                parts.push(reached(&slack).await);
            }
            parts
        })
    })
}

async fn database(store: &Store) -> Part {
    let (state, detail) = match store.probe().await {
        Ok(()) => (State::Ok, format!("{} sessions are open", store.open_rows().len())),
        Err(error) => (State::Down, chain(&error)),
    };
    Part { name: "database".to_owned(), state, detail: Some(detail) }
}

fn tried_again(name: &str, sessions: usize) -> Part {
    let state = if sessions == 0 { State::Ok } else { State::Degraded };
    let detail = (sessions > 0).then(|| format!("failed {sessions} sessions and is tried again"));
    Part { name: name.to_owned(), state, detail }
}

/// Without Slack everything else goes on.
async fn reached(slack: &Slack) -> Part {
    let health = slack.health().await;
    let state = if health.well { State::Ok } else { State::Degraded };
    Part { name: "slack".to_owned(), state, detail: Some(health.detail) }
}
