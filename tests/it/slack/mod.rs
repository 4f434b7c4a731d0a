//! The Slack room from outside.

mod sender;
