//! Floor 1: the public JSON (`api.rs`) and what travels between control plane and supervisor ([`link`], [`run`]).
//!
//! Knows shapes only; must not know who serves or reads them, nor open a connection.

#[cfg(feature = "server")]
pub mod account;
#[cfg(feature = "server")]
pub mod api;
#[cfg(feature = "server")]
pub mod fleet;
pub mod link;
pub mod run;
#[cfg(feature = "server")]
pub mod view;
