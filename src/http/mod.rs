//! Floor 4: the control plane over HTTP: REST, server-sent events, auth, the `OpenAPI` document.
//!
//! [`Doors::open`] binds, [`Doors::serve`] answers from a [`Control`]. Decides nothing:
//! who may come in is [`guard`]'s, what a request means is `Control`'s. Must not know the store, Slack or any provider.

mod accounts;
mod asks;
mod events;
mod extract;
pub mod guard;
mod openapi;
mod ops;
pub mod problem;
mod routes;
mod serve;
mod sessions;
mod settings;
mod token;

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

pub use extract::{ACTOR_HEADER, BODY_MAX, is_actor_name};
pub use openapi::document;
pub use ops::{Health, Part, State};
pub use routes::router;
pub use serve::{Doors, OpenError};
pub use settings::{Settings, SettingsError};
pub use token::{Token, TokenError, read as read_token, token_file};

use crate::wire::api::Control;

/// Name of the Unix socket in the data folder.
pub const SOCKET: &str = "devtask.sock";

/// What the routes answer from.
#[derive(Clone)]
pub struct Parts {
    pub control: Arc<dyn Control>,
    pub health: Health,
    pub metrics: PrometheusHandle,
    /// Cancelled when the server is to end: streams end, connections finish their request.
    pub closing: CancellationToken,
}
