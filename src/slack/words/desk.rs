//! What is said at once to the one who asked for something, beside [`troubles`](super::troubles).
//!
//! Must not know blocks, or over which door they came.

use super::figures::when;
use super::troubles::Trouble;
use crate::slack::escape;
use crate::wire::account::AccountView;
use crate::wire::view::SessionView;

/// `*dt-142* is on its way in acme/api: Add a retry`, and where to talk with it.
pub fn started(v: &SessionView, in_thread: bool) -> String {
    let (title, repo) = (escape::line(&v.brief.title, 160).replace('*', "∗"), escape::line(&v.repo, 200));
    let place = if in_thread {
        "It answers in the thread."
    } else {
        "Its message comes here; talk with it in its thread."
    };
    format!("*{}* is on its way in {repo}: {title}\n{place}", v.id)
}

/// Who somebody is on the forge, or what they do to be somebody there.
pub fn account(account: &AccountView) -> String {
    match account {
        AccountView::Unlinked => {
            "You are not linked: your sessions run and publish in DevTask's own name.".to_owned()
        }
        AccountView::Waiting { user_code, verification_uri, until } => format!(
            "Open {} and type {}. Then say `/devtask link` once more. The code is good until {}.",
            escape::link(verification_uri, verification_uri),
            escape::code(user_code, 40),
            when(*until)
        ),
        AccountView::Refused { why } => {
            format!("You are not linked: {}. Say `/devtask link` to begin again.", escape::line(why, 300))
        }
        AccountView::Linked { login, .. } => format!(
            "You are {} on the forge: your sessions run and publish in your name. `/devtask link remove` forgets it.",
            escape::code(login, 80)
        ),
    }
}

/// Slack did not say who they are, so nobody knows what they may.
pub fn nobody_knows_you() -> Trouble {
    trouble("Slack did not tell me who you are, so nothing was done.", "Try again in a minute.")
}

/// A direct message that is no verb.
pub fn say_new() -> Trouble {
    trouble(
        "Nothing was started.",
        "To start a session say `new` and what should be done; `help` shows the rest.",
    )
}

/// A brief form in which no repository is chosen.
pub fn choose_a_repository() -> Trouble {
    trouble("There is no repository yet.", "Choose one above, or name another one here.")
}

/// A form or a message was sent before every question had an answer.
pub fn not_all(open: usize) -> Trouble {
    match open {
        1 => trouble("Nothing was sent: a question has no answer yet.", "Answer it, then send again."),
        _ => trouble(
            &format!("Nothing was sent: {open} questions have no answer yet."),
            "Answer each, then send again.",
        ),
    }
}

/// Above the record of an ask, to somebody who came later.
pub const SETTLED: &str = "This is settled already, so nothing was changed. What stands:";

fn trouble(what: &str, todo: &str) -> Trouble {
    Trouble { what: what.to_owned(), todo: todo.to_owned() }
}
