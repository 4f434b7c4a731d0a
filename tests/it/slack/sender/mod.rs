//! The sender with everything around it but a control plane's nodes: a real store, the strict Slack, and a clock that
//! only the test turns.

mod alive;
mod anything;
mod crowd;
mod faults;
mod threads;
mod world;
