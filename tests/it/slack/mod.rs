//! The Slack room against the local Slack, in both of its modes.

mod bolt;
mod desk;
mod sender;
