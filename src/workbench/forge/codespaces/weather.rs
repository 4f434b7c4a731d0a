//! The network between a client and its codespace, as bad as a test wants it.
//!
//! Knows one sky for each name, which also those who are connected already look at. Must not know HTTP.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Weather {
    #[default]
    Clear,
    /// No new connection.
    Refuse,
    /// Nothing gets through, and nobody is told; what was sent arrives when the sky clears.
    BlackHole,
    /// Each piece is late, and no more than so many bytes get through in a second.
    Slow { delay_ms: u64, bytes_per_second: u64 },
}

/// What hangs over one codespace.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sky {
    pub weather: Weather,
    /// How often every connection was cut.
    pub cuts: u64,
}

#[derive(Default)]
pub(super) struct Skies(Mutex<BTreeMap<String, watch::Sender<Sky>>>);

impl Skies {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<Sky>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self, name: &str) -> watch::Receiver<Sky> {
        self.all().entry(name.to_owned()).or_default().subscribe()
    }

    pub(super) fn set(&self, name: &str, weather: Weather) {
        self.all().entry(name.to_owned()).or_default().send_modify(|sky| sky.weather = weather);
    }

    pub(super) fn cut(&self, name: &str) {
        self.all().entry(name.to_owned()).or_default().send_modify(|sky| sky.cuts += 1);
    }
}

/// Returns when `bytes` may go on their way: late, where the weather says so.
pub(super) async fn pass(sky: &mut watch::Receiver<Sky>, bytes: usize) {
    loop {
        let now = sky.borrow_and_update().weather;
        match now {
            Weather::BlackHole => {
                if sky.changed().await.is_err() {
                    return;
                }
            }
            Weather::Slow { delay_ms, bytes_per_second } => {
                let length = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(1_000);
                let takes = length / bytes_per_second.max(1);
                return tokio::time::sleep(Duration::from_millis(delay_ms.saturating_add(takes))).await;
            }
            Weather::Clear | Weather::Refuse => return,
        }
    }
}
