//! The one integration-test binary: every suite is a module here.

mod config;
mod control;
mod desk;
mod http;
