//! The one integration-test binary: every suite is a module here.

mod claude_captures;
mod cli;
mod config;
mod control;
mod desk;
mod http;
mod serve;
