//! From views to what Slack shows: pure functions, no clock, no call.
//!
//! Knows blocks and Slack's limits and keeps to them by construction; its words are [`words`](super::words)'. Must not
//! know when anything is posted, or where.

mod ask;
mod finale;
mod forms;
mod lists;
mod notes;
mod parts;
mod post;
mod root;
#[cfg(test)]
mod tests;

pub use ask::{ask, settled};
pub use finale::finale;
pub use forms::{Draft, View, answer_form, brief_form, notice_form, problems, settled_form};
pub use lists::{help, list, notice, notice_form_button, notice_with, refused, said, show, unknown_verb};
pub use notes::{moved, noticed, spent, unpublished};
pub use post::Post;
pub use root::root;
