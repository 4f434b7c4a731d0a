//! Floor 4: the far sides as strict models, and what they play: `devtask demo` and every test use the same.
//!
//! Knows the far sides' rules as they were measured; must not know sessions, stores or who drives them.

pub mod agent;
pub mod codespace;
pub mod demo;
pub mod forge;
pub mod model;
pub mod page;
pub mod sample;
pub mod script;
mod serve;
pub mod slack;
