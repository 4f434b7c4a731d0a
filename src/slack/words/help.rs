//! Help: examples first, six lines; and the words of the list.
//!
//! Must not know blocks.

/// `/devtask help`.
pub const HELP: &str = "*DevTask runs coding tasks, each in its own thread, branch and pull request.*\n\
`/devtask new Add a retry to the webhook sender repo:acme/api` starts one; without text a form opens\n\
`@DevTask Add a retry to the webhook sender` does the same; in a thread it takes the talk before it along\n\
`/devtask list` your sessions, `list all` everybody's · `/devtask show 142` how one stands\n\
`/devtask pause 142` · `resume` · `cancel` or the buttons of its message · `/devtask link` your GitHub account\n\
_In its thread_ a reply is the agent's next message, `@DevTask` with a text interrupts it, and so do \
`@DevTask pause`, `resume`, `cancel`, `status`; `!aside` keeps a remark among people";

pub const OPTIONS: &str = "Options may stand anywhere in the text: `repo:owner/name` `base:branch` `agent:` `model:` \
                           `effort:` `priority:` `plan` (show me the plan first)";

pub const HELP_SPOKEN: &str = "DevTask help: /devtask new, list, show, pause, resume, cancel, link; in a thread use the \
                               buttons, a reply, or @DevTask pause.";

pub const NOTHING_YET: &str = "There is no session yet. Start one with `/devtask new` and a sentence.";

/// Above a list.
pub fn list(shown: usize, waiting: usize) -> String {
    let sessions = super::counted(shown, "session");
    match waiting {
        0 => format!("*{sessions}*, the newest first"),
        n => format!("*{sessions}*, {n} waiting for an answer; the newest first"),
    }
}

/// For notifications and screen readers.
pub fn list_spoken(shown: usize) -> String {
    format!("DevTask list: {}.", super::counted(shown, "session"))
}

pub fn more(n: usize) -> String {
    format!("and {} older; `devtask list` in a terminal has them all", super::counted(n, "session"))
}
