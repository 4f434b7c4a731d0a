//! Stories of the control plane: a real store, a hand-turned clock, and the far sides as strict models.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a model that breaks its own law is a test that fails"
)]

mod accounts;
mod breaks;
mod endings;
mod failures;
mod fleet;
mod forge;
mod github;
mod lives;
mod log;
mod nodes;
mod people;
pub mod supervisor;
pub mod world;
