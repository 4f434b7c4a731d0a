//! Bad input, end to end: a real `devtask serve`, the local forge, the scripted agent.
//!
//! Each story does something wrong, reads what the person who did it is told, and then sees a good session through:
//! a clear message, nothing lost, nothing stuck.

mod agents;
mod answers;
mod checks;
mod door;
mod forge;
pub mod house;
mod repositories;
mod start;
mod strangers;
