//! Slack as people use it, and the laws of its room.
//!
//! Stories are played with the real binary as control plane, real supervisors and scripted agents, real git; the
//! workspace and the forge are models in the test's own process. Each runs over sockets and over signed HTTP, and what
//! people see of it is one snapshot for both.

mod bolt;
mod browser;
mod certificate;
mod desk;
mod doctor;
mod manifest;
mod page;
mod receive;
mod schema;
mod sender;
mod stories;
mod tls;
mod town;
mod workspace;
