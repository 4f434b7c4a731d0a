//! Floor 4: Slack. Deliveries come in through two sockets or signed HTTP, become calls of `dyn Control`, and every
//! session's log goes out again as one message in the channel and what a person should read in its thread.
//!
//! ```text
//!  gateway (sockets) ─┐                       ┌─ words of people ─► desk ─► dyn Control
//!                     ├─► deliveries ─► input ┤
//!  door (signed HTTP)─┘   row → ack → work    └─ clicks, forms ───► desk ─► dyn Control
//!
//!  log > cursor ─► sender ─► render (+ words) ─► web ─► Slack
//! ```
//!
//! Must not know session tables, nodes, git or agents: a session is what its view says.

pub mod button;
pub mod deliveries;
pub mod desk;
pub mod door;
pub mod escape;
pub mod gateway;
pub mod input;
pub mod manifest;
pub mod names;
pub mod probe;
mod reception;
pub mod render;
mod room;
pub mod sender;
pub mod settings;
pub mod web;
pub mod who;
pub mod words;

pub use room::{Health, Parts, Slack};
pub use settings::Settings;
