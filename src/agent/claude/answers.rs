//! A person's answer in the agent's terms: as a verdict on the call that waits, or in words when the call is gone.
//!
//! Knows what each kind of answer means for each kind of ask; must not know how the agent waits.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::domain::AskId;
use crate::domain::ask::{Answer, AskWhat, Decision};

const YOU_DECIDE: &str = "Nobody will answer this: you decide. Choose what fits the goal best, go on, and say in your \
                          summary what you chose and why.";
const NOT_ALLOWED: &str = "A person did not allow this. Do not do it in another way; go on without it, or say why it \
                           cannot be done without.";
const NOBODY_ALLOWED: &str = "Nobody allowed this in time. Do not do it in another way; go on without it, and say in \
                              your summary what was left out.";
const REVISE: &str = "This plan was not accepted. Revise it, then call ExitPlanMode again.";

/// What the agent is told about a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// With the input to use instead of the agent's own.
    Allow(Option<Value>),
    Deny(String),
}

impl Verdict {
    pub(super) fn allows(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

pub(super) fn verdict(what: &AskWhat, input: &Value, answer: &Answer) -> Verdict {
    match (what, answer) {
        (AskWhat::Questions { .. }, Answer::Answers { answers }) => {
            let mut input = input.clone();
            if let Some(fields) = input.as_object_mut() {
                fields.insert("answers".to_owned(), json!(answers));
            }
            Verdict::Allow(Some(input))
        }
        (AskWhat::Questions { .. }, Answer::Decide { message, .. }) => deny(YOU_DECIDE, message.as_deref()),
        (AskWhat::Plan { .. }, Answer::Decide { decide: Decision::Deny, message }) => {
            deny(REVISE, message.as_deref())
        }
        (AskWhat::Permission { .. }, Answer::Decide { decide: Decision::Deny, message }) => {
            deny(NOT_ALLOWED, message.as_deref())
        }
        (AskWhat::Permission { .. }, Answer::Decide { decide: Decision::Agent, .. }) => {
            deny(NOBODY_ALLOWED, None)
        }
        (AskWhat::Plan { .. } | AskWhat::Permission { .. }, Answer::Decide { .. }) => Verdict::Allow(None),
        // Words where a yes or no was asked: no yes, but they are worth reading.
        (AskWhat::Plan { .. }, Answer::Answers { .. }) => deny(REVISE, Some(&in_words(answer))),
        (AskWhat::Permission { .. }, Answer::Answers { .. }) => deny(NOT_ALLOWED, Some(&in_words(answer))),
    }
}

fn deny(why: &str, message: Option<&str>) -> Verdict {
    Verdict::Deny(match message.map(str::trim).filter(|m| !m.is_empty()) {
        Some(message) => format!("{why}\nIn their words: {message}"),
        None => why.to_owned(),
    })
}

/// For a person's words that come with a yes, which has no room for them.
pub(super) fn beside_yes(what: &AskWhat, answer: &Answer) -> Option<String> {
    let Answer::Decide { decide: Decision::Allow, message: Some(message) } = answer else { return None };
    let to = match what {
        AskWhat::Plan { .. } => "the plan",
        AskWhat::Permission { .. } => "the call",
        AskWhat::Questions { .. } => return None,
    };
    (!message.trim().is_empty()).then(|| format!("A person approved {to} and adds: {}", message.trim()))
}

/// The answer as a message, for a call that will not come back.
pub(super) fn hand_over(ask: &AskId, answer: &Answer) -> String {
    let about = format!("Your earlier call {ask} was cut off before its answer could reach you.");
    match answer {
        Answer::Answers { .. } => format!("{about} The answer:\n{}Go on with it.", in_words(answer)),
        Answer::Decide { decide, message } => {
            let meaning = match decide {
                Decision::Allow => "It was approved. If it is still needed, make it again.",
                Decision::Deny => "It was not approved. Do not make it again as it was.",
                Decision::Agent => {
                    "Nobody will answer it: you decide, and say in your summary what you chose and why."
                }
            };
            let words = message.as_deref().map(|m| format!("\nIn their words: {m}")).unwrap_or_default();
            format!("{about} {meaning}{words}\nGo on.")
        }
    }
}

fn in_words(answer: &Answer) -> String {
    let mut text = String::new();
    if let Answer::Answers { answers } = answer {
        for (question, answer) in answers {
            let _ = writeln!(text, "- {question} → {answer}");
        }
    }
    text
}
