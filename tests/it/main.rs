//! The one integration-test binary: every suite is a module here.

mod claude_captures;
mod claude_real;
#[cfg(test)]
mod config;
mod control;
mod desk;
mod forge;
mod http;
mod real_agent;
mod tidy;
