//! The Slack room against the local Slack, in both of its modes; and what it tells the world outside of Slack.

mod bolt;
mod desk;
mod doctor;
mod manifest;
mod receive;
mod schema;
mod sender;
