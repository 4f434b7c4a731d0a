//! Stories of the control plane: a real store, a hand-turned clock, and the far sides as strict models.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a model that breaks its own law is a test that fails"
)]

// Kept compiling, and right in small.
#[path = "../../bench/relay.rs"]
#[allow(
    dead_code,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench of its own, borrowed"
)]
mod bench;
mod endings;
mod failures;
mod forge;
mod github;
mod lives;
mod nodes;
mod people;
mod supervisor;
mod world;
