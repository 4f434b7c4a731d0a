//! DevTask, a library of rooms; `docs/architecture.md` has the floor plan.
//!
//! Knows which rooms exist and which feature each needs; holds no code of its own.

pub mod agent;
pub mod cli;
#[cfg(feature = "server")]
pub mod client;
pub mod clock;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod control;
pub mod domain;
pub mod git;
#[cfg(feature = "server")]
pub mod github;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod node;
#[cfg(feature = "server")]
pub mod slack;
#[cfg(feature = "server")]
pub mod store;
pub mod supervisor;
pub mod sweep;
pub mod telemetry;
pub mod wire;
#[cfg(feature = "workbench")]
pub mod workbench;
