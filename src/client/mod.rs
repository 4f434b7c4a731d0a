//! Floor 4: `Control` over HTTP: what the CLI holds in its hand.
//!
//! Knows how requests are spelt and how a stream is taken up again; must not know what they do at the other end,
//! nor share code with `http`: both sides keep to the public JSON.

mod events;
mod remote;
mod target;
mod wire;

pub use remote::{Ready, Remote};
pub use target::{BadTarget, Target};
