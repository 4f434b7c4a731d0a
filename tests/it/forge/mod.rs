//! The real `github` room, the real git and octocrab's own models against the local forge.

mod api;
mod faults;
mod git;
mod publish;
mod world;
