//! The real `github` room, the real git and octocrab's own models against the local forge.

#![expect(clippy::unwrap_used, reason = "a world that cannot be set up is a failed test")]

mod api;
mod codespaces;
mod faults;
mod git;
mod publish;
mod world;
