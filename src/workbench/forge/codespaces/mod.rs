//! GitHub Codespaces, as strict as GitHub and as slow as a test wants: states over time, quotas, policies, faults.
//!
//! A pure model (`model/`), a hand that turns it by the forge's clock and works the machines (`hub.rs`), and faces:
//! `repos.rs`, `users.rs` and `secrets.rs` are GitHub's, `tunnel.rs` is ours.
//!
//! ```text
//! /api/v3/repos/O/N/codespaces[/machines|/devcontainers|/new|/permissions_check] · …/pulls/n/codespaces
//! /api/v3/user/codespaces[/NAME[/start|/stop|/machines|/exports[/ID]]] · /api/v3/user/codespaces/secrets…
//! /_tunnel/NAME                                                              bytes to its sshd, while it runs
//! ```
//!
//! Must not know DevTask: it sees people, repositories and machines, as GitHub would.

mod answers;
mod asks;
mod enter;
mod hub;
mod machines;
mod model;
mod repos;
mod secrets;
mod settings;
mod tunnel;
mod users;
mod weather;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;

use super::shop::Shop;

pub(super) use hub::Hub;
pub use machines::{Duplex, Machines, Made, NoMachines, Work};
pub use model::{Codespace, Next, Phase, StopWhy, Trouble};
pub use settings::{LIFETIME, MachineType, Prebuild, Settings};
pub(super) use tunnel::routes as tunnel;
pub use weather::Weather;

pub(super) fn routes() -> Router<Arc<Shop>> {
    Router::new()
        .merge(repos::routes())
        .merge(users::routes())
        .merge(secrets::routes())
        .layer(from_fn(enter::say_scope))
}

/// What a test, or the demo, holds of it.
#[derive(Clone)]
pub struct Codespaces(pub(super) Arc<Hub>);

impl Codespaces {
    /// Reads or turns the settings; they hold from now on.
    pub fn settings<T>(&self, turn: impl FnOnce(&mut Settings) -> T) -> T {
        turn(&mut self.0.state().settings)
    }

    /// What stands behind every codespace from now on.
    pub fn set_machines(&self, machines: Arc<dyn Machines>) {
        self.0.set_machines(machines);
    }

    /// How the next creation ends; several are taken in order.
    pub fn next_create(&self, next: Next) {
        self.0.state().model.next_create(next);
    }

    /// Lays a trouble upon a codespace; says `false` where there is none of this name.
    pub fn trouble(&self, name: &str, trouble: Trouble) -> bool {
        self.0.settle();
        let now = self.0.clock.now();
        let known = {
            let state = &mut *self.0.state();
            state.model.befall(name, trouble, &state.settings, now)
        };
        self.0.settle();
        known
    }

    /// The network to a codespace, for those connected and those to come.
    pub fn weather(&self, name: &str, weather: Weather) {
        self.0.skies.set(name, weather);
    }

    /// Ends every connection to a codespace.
    pub fn cut(&self, name: &str) {
        self.0.skies.cut(name);
    }

    /// All that there are, of all people, oldest first.
    pub fn all(&self) -> Vec<Codespace> {
        self.0.settle();
        self.0.state().model.all().into_iter().cloned().collect()
    }

    pub fn get(&self, name: &str) -> Option<Codespace> {
        self.0.settle();
        self.0.state().model.get(name).cloned()
    }

    /// Waits until what there is fits; the last look at it, fitting or not.
    pub async fn until(&self, within: Duration, fits: impl Fn(&[Codespace]) -> bool) -> Vec<Codespace> {
        let mut versions = self.0.versions();
        let wait = async {
            loop {
                versions.borrow_and_update();
                if fits(&self.all()) || versions.changed().await.is_err() {
                    return;
                }
            }
        };
        drop(tokio::time::timeout(within, wait).await);
        self.all()
    }
}
