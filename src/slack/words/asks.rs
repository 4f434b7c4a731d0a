//! What is said around a question, a permission or a plan, before and after somebody has decided.
//!
//! Must not know blocks or buttons.

use super::figures::when;
use super::{People, counted, person};
use crate::domain::ask::{Answer, AskState, AskWhat, Choice, Decision, Question};
use crate::slack::escape;
use crate::wire::view::{AskView, SessionView};

/// Longest part of a question, a label or a description that is shown in a message.
const MAX_QUESTION: usize = 1_500;
const MAX_LABEL: usize = 200;
const MAX_DESCRIPTION: usize = 400;

pub const AGENT_DECIDES: &str = "Agent decides";
pub const SEND: &str = "Send";
pub const OWN_WORDS: &str = "Answer in words…";
pub const ALLOW: &str = "Allow";
pub const DENY: &str = "Deny";
pub const DENY_WHY: &str = "Deny and say why…";
pub const APPROVE: &str = "Approve";
pub const CHANGES: &str = "Ask for changes…";
pub const CHOOSE: &str = "Choose one";
pub const CHOOSE_SOME: &str = "Choose one or more";
pub const WRITE: &str = "Write an answer";

/// The first line of an open ask. It mentions who has to answer, once.
pub fn opening(v: &SessionView, a: &AskView, people: People<'_>) -> String {
    let who = person(people, &v.owner);
    match &a.ask.what {
        AskWhat::Questions { questions } if questions.len() > 1 => {
            format!("❓ {who}, the agent has *{}*.", counted(questions.len(), "question"))
        }
        AskWhat::Questions { .. } => format!("❓ {who}, the agent has a *question*."),
        AskWhat::Permission { tool, .. } => {
            format!("🔐 {who}, the agent asks for *permission* to use {}:", escape::code(tool, 100))
        }
        AskWhat::Plan { .. } => format!("📋 {who}, the agent has a *plan* and waits for your word."),
    }
}

/// For notifications and screen readers.
pub fn spoken(a: &AskView) -> String {
    let id = a.session;
    match (&a.ask.what, &a.ask.state) {
        (what, AskState::Open) => match what {
            AskWhat::Questions { .. } => format!("{id} asks: {}", escape::line(&a.ask.headline(), 600)),
            AskWhat::Permission { tool, detail } => {
                let (tool, detail) = (escape::line(tool, 30), escape::line(detail, 500));
                format!("{id} asks for permission to use {tool}: {detail}")
            }
            AskWhat::Plan { .. } => format!("{id} asks you to approve its plan."),
        },
        (_, AskState::Answered { .. }) => {
            format!("{id} was answered: {}", escape::line(&a.ask.headline(), 600))
        }
        (_, AskState::Defaulted { .. }) => {
            format!("{id} decides by itself: {}", escape::line(&a.ask.headline(), 600))
        }
        (_, AskState::Withdrawn { .. }) => {
            format!("{id} asks no longer: {}", escape::line(&a.ask.headline(), 600))
        }
    }
}

/// `*Which budget?*`, with its number where there are several.
pub fn question(q: &Question, number: Option<usize>) -> String {
    let number = number.map(|n| format!("{n}. ")).unwrap_or_default();
    let several = if q.multi_select { " _(one or more)_" } else { "" };
    format!("*{number}{}*{several}", escape::mrkdwn(q.question.trim(), MAX_QUESTION).replace('*', "∗"))
}

/// The same above an input; plain text, in bold by itself.
pub fn label(q: &Question, number: Option<usize>) -> String {
    let number = number.map(|n| format!("{n}. ")).unwrap_or_default();
    let several = if q.multi_select { " (one or more)" } else { "" };
    format!("{number}{}{several}", escape::plain_lines(q.question.trim(), MAX_QUESTION))
}

/// The options with what they mean, one a line; empty where the labels say it all and fit a button.
pub fn options(choices: &[Choice], label_fits: usize) -> String {
    let plain = |c: &Choice| c.description.trim().is_empty() && escape::units(&c.label) <= label_fits;
    if choices.iter().all(plain) {
        return String::new();
    }
    let lines = choices.iter().map(|c| {
        let label = escape::line(&c.label, MAX_LABEL);
        match c.description.trim() {
            "" => format!("• {label}"),
            more => format!("• *{label}*: {}", escape::line(more, MAX_DESCRIPTION)),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// How it can be answered and what happens if nobody does.
pub fn terms(a: &AskView, by_reply: bool) -> String {
    let reply = if by_reply { "Or answer with a reply in this thread. " } else { "" };
    let otherwise = match (&a.ask.what, a.ask.default) {
        (_, Some(Decision::Agent)) => {
            format!("Without an answer the agent decides by itself, {}.", when(a.ask.expires_at))
        }
        (_, Some(Decision::Allow)) => {
            format!("Without a word it counts as allowed, {}.", when(a.ask.expires_at))
        }
        (_, Some(Decision::Deny)) => {
            format!("Without a word it counts as denied, {}.", when(a.ask.expires_at))
        }
        (AskWhat::Questions { .. }, None) => "The session waits for you; waiting costs nothing.".to_owned(),
        (_, None) => "Nothing happens until somebody decides.".to_owned(),
    };
    format!("{reply}{otherwise}")
}

/// Said in place of controls where the whole cannot be shown here.
pub fn elsewhere(a: &AskView) -> String {
    let n = a.session.number();
    format!(
        "This is too long for Slack. In a terminal, `devtask show {n}` has all of it and `devtask answer {n}` decides."
    )
}

/// Under a plan that had to be cut.
pub fn cut(a: &AskView) -> String {
    format!("The plan goes on; in a terminal `devtask show {}` has all of it.", a.session.number())
}

/// `3 more options can be answered in words.`
pub fn more_options(n: usize) -> String {
    format!("{} can be named in words.", counted(n, "more option"))
}

/// Who settled it and when: the first line of the record.
pub fn verdict(a: &AskView, people: People<'_>) -> String {
    match &a.ask.state {
        AskState::Open => String::new(),
        AskState::Answered { by, at, answer, .. } => {
            let who = person(people, &by.to_string());
            format!("{} by {who}, {}", decided(&a.ask.what, answer), when(*at))
        }
        AskState::Defaulted { at, answer, .. } => match answer {
            Answer::Decide { decide: Decision::Deny, .. } => {
                format!("⏱️ *Nobody answered in time*, {}, so it is denied.", when(*at))
            }
            Answer::Decide { decide: Decision::Allow, .. } => {
                format!("⏱️ *Nobody answered in time*, {}, so it is allowed.", when(*at))
            }
            _ => format!(
                "⏱️ *Nobody answered in time*, {}, so the agent decides and says what it chose.",
                when(*at)
            ),
        },
        AskState::Withdrawn { at, why } => {
            format!("↩️ *Withdrawn*, {}: {}", when(*at), escape::line(why, 300))
        }
    }
}

fn decided(what: &AskWhat, answer: &Answer) -> &'static str {
    let decide = match answer {
        Answer::Answers { .. } => return "✅ *Answered*",
        Answer::Decide { decide, .. } => decide,
    };
    match (what, decide) {
        (_, Decision::Agent) => "✅ *Left to the agent*",
        (AskWhat::Plan { .. }, Decision::Allow) => "✅ *Plan approved*",
        (AskWhat::Plan { .. }, Decision::Deny) => "✏️ *Changes asked for*",
        (_, Decision::Allow) => "✅ *Allowed*",
        (_, Decision::Deny) => "⛔ *Denied*",
    }
}

/// What was answered to this question, if it was.
pub fn answered(q: &Question, answer: Option<&Answer>) -> String {
    let asked = escape::line(&q.question, 400);
    match answer {
        Some(Answer::Answers { answers }) => match answers.get(&q.question) {
            Some(said) => format!("{asked} → *{}*", escape::line(said, 600).replace('*', "∗")),
            None => asked,
        },
        _ => asked,
    }
}

/// The words that came with a decision.
pub fn remark(state: &AskState) -> Option<String> {
    let AskState::Answered { answer, .. } = state else { return None };
    match answer {
        Answer::Decide { message: Some(text), .. } if !text.trim().is_empty() => {
            Some(format!("“{}”", escape::mrkdwn(text.trim(), 1_500)))
        }
        _ => None,
    }
}

/// Under a session that is shown while it is not over.
pub const GOES_ON: &str =
    "Its message in the channel has the buttons; a reply in its thread is the agent's next message.";
