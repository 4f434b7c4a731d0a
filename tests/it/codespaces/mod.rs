//! Codespaces at the local GitHub: the verbs, and the provider on top of them. The clock is turned by hand.

pub(crate) mod boxed;
mod device;
mod live;
mod provider;
mod trouble;
mod verbs;
mod whole;
pub(crate) mod world;
