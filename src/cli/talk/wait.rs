//! `devtask wait`: until a session is settled or needs a person; the exit code says which.

use std::time::Duration;

use futures_util::StreamExt;

use super::{Outcome, Terminal, Trouble, clean, show, words};
use crate::domain::SessionId;
use crate::domain::session::Status;
use crate::wire::api::Control;
use crate::wire::view::SessionView;

const FAILED: u8 = 10;
const CANCELLED: u8 = 11;
const NEEDS_ANSWER: u8 = 12;
const TIMED_OUT: u8 = 124;

pub(super) async fn run(
    id: SessionId,
    limit: Option<Duration>,
    control: &dyn Control,
    at: &mut Terminal<'_>,
) -> Outcome {
    let ended = match limit {
        Some(limit) => tokio::time::timeout(limit, until_it_stands(id, control)).await.ok(),
        None => Some(until_it_stands(id, control).await),
    };
    let Some(ended) = ended else {
        let view = control.show(id).await?;
        let doing = words::doing(&view, &at.look);
        at.say(&format!(
            "{id} is still {}{}",
            view.status.name(),
            if doing.is_empty() { doing } else { format!(", {doing}") }
        ))?;
        return Ok(TIMED_OUT);
    };
    let (code, view) = ended?;
    if at.json {
        at.print_json(&view)?;
    } else {
        at.print(&format!("{}\n", show::title(&view, &at.look)))?;
        if code == NEEDS_ANSWER && !view.asks.is_empty() {
            at.say(&format!("answer with `devtask answer {}`", id.number()))?;
        }
        if let Some(failure) = view.failure.as_ref().filter(|_| code == FAILED) {
            at.say(&format!("{}\nmore with `devtask show {}`", clean(failure), id.number()))?;
        }
    }
    Ok(code)
}

/// Reads the session after every event that could have changed how it stands.
async fn until_it_stands(id: SessionId, control: &dyn Control) -> Result<(u8, SessionView), Trouble> {
    let mut view = control.show(id).await?;
    loop {
        if let Some(code) = code(&view) {
            return Ok((code, view));
        }
        let mut events = control.events(id, view.head).await?;
        while let Some(event) = events.next().await {
            if matches!(event?.stream.as_str(), "status" | "ask") {
                break;
            }
        }
        drop(events);
        view = control.show(id).await?;
    }
}

fn code(view: &SessionView) -> Option<u8> {
    match view.status {
        Status::Done => Some(0),
        Status::Failed => Some(FAILED),
        Status::Cancelled => Some(CANCELLED),
        Status::Paused => Some(NEEDS_ANSWER),
        _ if !view.asks.is_empty() => Some(NEEDS_ANSWER),
        _ => None,
    }
}
