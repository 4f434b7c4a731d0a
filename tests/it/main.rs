//! The one integration-test binary: every suite is a module here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that panics has failed, which is what it is for"
)]

mod bad;
mod claude_captures;
mod claude_real;
mod cli;
mod codespaces;
mod config;
mod control;
mod desk;
mod far;
mod figures;
mod forge;
mod http;
mod node_conformance;
mod real_agent;
mod serve;
mod slack;
mod supervisor;
mod tidy;
mod whole;
