//! What a button, a menu or a form of ours says when it is used.
//!
//! `render` writes it into `action_id`, `value`, `callback_id` and `private_metadata`; `input` reads it back. One table
//! for both, so that no control can be shown that nobody understands. Must not know how it looks.

use serde::{Deserialize, Serialize};

use crate::domain::SessionId;
use crate::domain::session::Verb;

/// A control in a message. `rev`: the reading of the session it was shown with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "b", rename_all = "snake_case")]
pub enum Button {
    /// Pause, resume, cancel or rerun.
    Act { session: SessionId, verb: Verb, rev: u64 },
    /// One option of a lone question; answers at once. `choice`: index of the option.
    Choose { handle: String, question: usize, choice: usize },
    /// Allow or deny, for permissions and plans.
    Decide { handle: String, allow: bool },
    /// "Agent decides".
    AgentDecides { handle: String },
    /// Sends what is chosen in the message's inputs (several questions, selects, checkboxes).
    Send { handle: String },
    /// Opens the form with words of one's own.
    OpenForm { handle: String },
    /// Opens the brief form with what its writer typed; kept under this name.
    Brief { request: String },
    /// A link: Slack tells us of the click, and there is nothing to do.
    Link,
}

/// A form (modal) of ours: its `callback_id` is `name()`, its `private_metadata` the JSON of this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "f", rename_all = "snake_case")]
pub enum Form {
    /// A new brief. `request`: random, so that a double submit makes one session. `channel`: where the root goes;
    /// `thread`: the thread it was asked for in, if any.
    Brief { request: String, channel: String, thread: Option<String> },
    /// Answers to an ask. For questions see [`question_block`]; for a permission or a plan the one input says why not,
    /// and sending it denies.
    Answer { handle: String },
}

/// `block_id`s of the brief form; the input in each has the `action_id` `value`.
pub mod brief {
    pub const REPO: &str = "repo";
    /// A menu of repositories, where some are known; each option's value is its repository. What is typed into the field
    /// goes before it.
    pub const KNOWN: &str = "known";
    pub const BASE: &str = "base";
    pub const GOAL: &str = "goal";
    pub const DONE_WHEN: &str = "done_when";
    pub const CHECKS: &str = "checks";
    /// Radio buttons: `plan` or `go`.
    pub const PLAN: &str = "plan";
}

/// `block_id` of the input for the question with this index, in the message as in the form; in the form a second one,
/// `own`, takes words of one's own.
pub fn question_block(index: usize) -> String {
    format!("q{index}")
}

/// See [`question_block`].
pub fn own_words_block(index: usize) -> String {
    format!("q{index}own")
}

/// `value` of the option with this index, in every menu and every box; labels do not fit there.
pub fn option_value(index: usize) -> String {
    index.to_string()
}

/// `action_id` of every input, in a message as in a form.
pub const VALUE: &str = "value";

impl Button {
    /// Slack wants `action_id`s to differ within a message; `n` is the control's place in it.
    pub fn action_id(n: usize) -> String {
        format!("dt.{n}")
    }

    /// The `value` of a button, at most 2,000 characters. Inputs have none: using one decides nothing.
    pub fn value(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a `value` back; `None` where it is not one of ours.
    pub fn read(value: &str) -> Option<Self> {
        serde_json::from_str(value).ok()
    }
}

impl Form {
    /// The form's `callback_id`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Brief { .. } => "dt.brief",
            Self::Answer { .. } => "dt.answer",
        }
    }

    /// The `private_metadata`, at most 3,000 characters.
    pub fn metadata(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads `private_metadata` back; `None` where it is not one of ours.
    pub fn read(metadata: &str) -> Option<Self> {
        serde_json::from_str(metadata).ok()
    }
}
