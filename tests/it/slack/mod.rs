//! Stories and laws of the Slack room.

mod doctor;
mod manifest;
mod schema;
