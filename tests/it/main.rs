//! The one integration-test binary: every suite is a module here.

mod claude_captures;
mod claude_real;
mod cli;
mod config;
mod control;
mod desk;
mod forge;
mod http;
mod real_agent;
mod serve;
mod supervisor;
mod tidy;
