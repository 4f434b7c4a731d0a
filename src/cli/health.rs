//! `devtask health`: one question to the server, one word, an exit code. What an image without a shell asks itself.
//!
//! Must not look at the machine; that is the doctor's.

use std::time::Duration;

use super::talk::{Outcome, Terminal, Trouble};
use crate::client::Remote;
use crate::wire::api::{Code, Refusal};

/// Whoever asks for a server's health wants to know soon.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server that is down, or not there, is trouble.
pub async fn run(remote: Remote, at: &mut Terminal<'_>) -> Outcome {
    let ready = tokio::time::timeout(PATIENCE, remote.ready()).await.map_err(|_| {
        let what = format!("{} did not answer within {} s", remote.target(), PATIENCE.as_secs());
        Trouble::from(Refusal::new(Code::Unreachable, what))
    })??;
    if at.json {
        at.print_json(&serde_json::json!({ "state": ready.state, "version": ready.version }))?;
    } else {
        at.print(&format!("{} {}\n", ready.version, ready.state))?;
    }
    Ok(0)
}
