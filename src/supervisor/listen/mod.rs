//! The supervisor's end of the link: accepts conversations on the socket; the newest one counts.
//!
//! Knows frames and the order they may come in; must not know what a report or a command means.

mod converse;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::station::Station;

pub use converse::converse;

/// Conversations at once; the machine's other users cannot connect, a confused control plane might.
const MAX_OPEN: usize = 16;

/// Binds the socket, closed to everybody else; one left behind by a dead supervisor is replaced.
pub fn bind(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // The folder is closed to others already, so there is no moment in which they could connect.
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600))?;
    Ok(listener)
}

/// Accepts for ever. Dropped, it ends its links.
pub async fn serve(listener: UnixListener, station: Arc<Station>) {
    let mut links = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while links.try_join_next().is_some() {}
        match accepted {
            Ok(_) if links.len() >= MAX_OPEN => {}
            Ok((stream, _)) => {
                let station = Arc::clone(&station);
                links.spawn(async move { talk(stream, &station).await });
            }
            Err(error) => {
                tracing::warn!(%error, "a link was not accepted");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn talk(stream: UnixStream, station: &Arc<Station>) {
    let (from, to) = stream.into_split();
    match converse(from, to, station).await {
        Ok(()) => tracing::info!(session.id = %station.session, "a link was closed"),
        Err(error) => {
            tracing::info!(session.id = %station.session, error = &error as &dyn std::error::Error, "a link ended");
        }
    }
}
