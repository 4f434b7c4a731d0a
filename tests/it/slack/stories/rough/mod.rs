//! Rough stories: hostile words, lost answers, deleted messages, a Slack that breaks. Each ends with what people see.
//!
//! Here stands what they share.

mod door;
mod lists;

use devtask::domain::session::Status;
use devtask::wire::api::{Control, Filter};

use super::super::town::{ANA, DEV, Mode, Rules, Town};
use super::without_figures;

async fn sessions(town: &Town) -> usize {
    town.remote.list(Filter::default()).await.unwrap().sessions.len()
}

async fn comes_to(town: &Town, session: u32, status: Status) {
    let what = format!("dt-{session} is {status:?}");
    let id = session.to_string();
    town.until(&what, async || {
        let view = town.remote.show(id.parse().unwrap()).await.ok()?;
        (view.status == status).then_some(())
    })
    .await;
}
