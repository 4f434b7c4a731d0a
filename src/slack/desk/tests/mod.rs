//! What of the desk is pure: answers from choices, requests from drafts, repositories from topics.
//!
//! What people say and see is told as stories, over the local Slack.

mod answers;
mod briefs;
