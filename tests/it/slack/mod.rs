//! Stories and laws of the Slack room.

mod receive;
