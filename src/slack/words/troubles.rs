//! What went wrong, said to the one who asked: what happened · what to do.
//!
//! One row for each thing that can be refused at Slack's door. Must not know blocks, nor who is allowed what.

use super::{People, person, sentence};
use crate::domain::SessionId;
use crate::slack::escape;
use crate::wire::api::{About, Code, Refusal};

/// What happened, and what to do about it; `mrkdwn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub what: String,
    pub todo: String,
}

impl Trouble {
    fn new(what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { what: what.into(), todo: todo.into() }
    }
}

/// What the control plane refused.
pub fn refused(refusal: &Refusal) -> Trouble {
    if refusal.code == Code::KeyReused {
        return started_before();
    }
    let what = sentence(&escape::line(&refusal.message, 600));
    let hint = refusal.hint.as_deref().map(|h| sentence(&escape::line(h, 600)));
    let names: Vec<String> = refusal.legal.iter().map(|v| format!("`{}`", v.name())).collect();
    let todo = match (names.is_empty(), hint, refusal.code) {
        (false, ..) => format!("What it takes now: {}.", names.join(", ")),
        (true, _, Code::Settled) => "Nothing is left to do; its message shows how it stands.".to_owned(),
        (true, _, Code::Internal) => {
            "Try again in a minute; if it stays, the operator's log says more.".to_owned()
        }
        (true, Some(hint), _) => hint,
        (true, None, _) if refusal.about.is_some() => way_on(refusal.about),
        (true, None, Code::Busy | Code::Unreachable) => "Try again in a minute.".to_owned(),
        (true, None, Code::Outdated) => "Its message shows how it stands now; decide on that.".to_owned(),
        (true, None, _) => "`/devtask help` shows what can be said.".to_owned(),
    };
    Trouble { what, todo }
}

fn way_on(about: Option<About>) -> String {
    let way = match about {
        Some(About::Ask) => {
            "What is open stands in the threads of your sessions; `/devtask list` shows them."
        }
        Some(About::Machine) => "Whoever runs DevTask can see why with `devtask doctor`.",
        Some(About::Session) | None => "`/devtask list all` shows them.",
    };
    way.to_owned()
}

/// A form that was sent before, with other words in it.
pub fn started_before() -> Trouble {
    Trouble::new(
        "This form has started a session before, so this time nothing was done.",
        "For one more say `/devtask new`; to change the other reply in its thread.",
    )
}

/// `nearest`: the verb that was perhaps meant.
pub fn unknown_verb(word: &str, nearest: Option<&str>) -> Trouble {
    let what = format!("I do not know {}.", escape::code(word, 60));
    let todo = match nearest {
        Some(verb) => {
            let verb = escape::line(verb, 30).replace('`', "'");
            format!("Did you mean `/devtask {verb}`? `/devtask help` shows all I know.")
        }
        None => {
            "To start a session say `/devtask new` and what should be done; `/devtask help` shows the rest."
                .to_owned()
        }
    };
    Trouble { what, todo }
}

/// Pressed or said by somebody who may not drive this session.
pub fn not_yours(session: SessionId, owner: &str, people: People<'_>) -> Trouble {
    let owner = person(people, owner);
    Trouble::new(
        format!("Only {owner} and admins steer {session}, so nothing was done."),
        format!("Ask {owner}, or start your own with `/devtask new`."),
    )
}

pub fn guest() -> Trouble {
    Trouble::new("Guests cannot start or steer sessions.", "Ask a full member of this workspace to do it.")
}

pub fn other_workspace() -> Trouble {
    Trouble::new(
        "You are from another workspace, and sessions belong to this one.",
        "Ask a member of this workspace to do it.",
    )
}

/// A private channel the bot is not in.
pub fn not_in_channel(id: &str) -> Trouble {
    Trouble::new(
        format!("I am not in {}, so I could not read your replies there.", channel(id)),
        "Invite me with `/invite @DevTask`, then say it again.",
    )
}

/// The delivery came past its deadline.
pub fn late() -> Trouble {
    Trouble::new(
        "This reached me too late, so nothing was done.",
        "Please do it once more; if it keeps happening, the connection to Slack is slow.",
    )
}

/// The trigger was used up before the form could be opened.
pub fn no_form() -> Trouble {
    Trouble::new("Slack did not let me open the form in time.", "Please do it once more.")
}

pub fn no_repo() -> Trouble {
    Trouble::new(
        "I do not know which repository you mean, so nothing was started.",
        "Your text waits in the form. To be asked no more, put `repo:owner/name` into the channel's topic.",
    )
}

pub fn empty() -> Trouble {
    Trouble::new(
        "There is no text to work on.",
        "Say what should be different when it is done, or use the form.",
    )
}

/// An ask that asks nothing.
pub fn no_question() -> Trouble {
    Trouble::new("There is no question in this.", "Let the agent decide; it will ask again if it needs to.")
}

/// A word that names no session.
pub fn no_session(word: &str) -> Trouble {
    let what = if word.is_empty() {
        "You did not say which session.".to_owned()
    } else {
        format!("{} is no session.", escape::code(word, 60))
    };
    Trouble::new(what, "They look like `dt-142`; `/devtask list` shows them.")
}

/// A reply, while it cannot be known which question it answers.
pub fn which_question(open: usize) -> Trouble {
    Trouble::new(
        format!(
            "{open} questions are open, so I do not know which one this answers; the agent has not got it."
        ),
        "Answer in the message that asks them, with its controls or with *Answer in words…*.",
    )
}

/// What an option says that cannot be read: `priority:high`.
pub fn bad_option(option: &str, takes: &str) -> Trouble {
    Trouble::new(
        format!("I cannot read {}.", escape::code(option, 80)),
        sentence(&format!("It takes {}", escape::line(takes, 200))),
    )
}

/// A control that is none of ours, or of an older DevTask.
pub fn unknown_control() -> Trouble {
    Trouble::new(
        "I do not know this button any more.",
        "Use the newest message, or `/devtask show` and its number.",
    )
}

/// Said at once, before the session has its message.
pub fn starting(text: &str) -> String {
    format!("Starting: {}", escape::line(text, 150))
}

/// `<#C024>`, or the name as it is.
pub fn channel(id: &str) -> String {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let known = id.starts_with(['C', 'G']) && (2..=32).contains(&id.len()) && id.bytes().all(plain);
    if known { format!("<#{id}>") } else { escape::line(id, 80) }
}
