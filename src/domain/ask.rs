//! An ask: a question, permission or plan that waits for a person.
//!
//! ```text
//!            Answer (first wins)
//!   open ──────────────────────────► answered ──(AnswerApplied)──► applied
//!     │ ── default falls due ──────► defaulted ─(AnswerApplied)──► applied
//!     └ ── agent took it back ─────► withdrawn
//! ```
//!
//! Knows what can be asked and which answers fit; must not know who shows it or how the agent is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::command::CommandNo;
use super::{Actor, AskId, Time};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Ask {
    pub id: AskId,
    pub what: AskWhat,
    #[cfg_attr(feature = "server", schema(value_type = DateTime<Utc>))]
    pub opened_at: Time,
    /// After this moment the default answers; without a default the ask stays open.
    #[cfg_attr(feature = "server", schema(value_type = DateTime<Utc>))]
    pub expires_at: Time,
    pub default: Option<Decision>,
    pub state: AskState,
    /// The command that carries its answer; over when the answer is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<u32>))]
    pub command: Option<CommandNo>,
}

/// What the person is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum AskWhat {
    Questions {
        questions: Vec<Question>,
    },
    /// The agent wants to run something the policy leaves to a person. `detail` is the literal command.
    Permission {
        tool: String,
        detail: String,
    },
    Plan {
        text: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Question {
    pub question: String,
    #[serde(default)]
    pub header: String,
    #[serde(default)]
    pub multi_select: bool,
    #[serde(default)]
    pub options: Vec<Choice>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Choice {
    pub label: String,
    #[serde(default)]
    pub description: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum AskState {
    Open,
    Answered {
        #[cfg_attr(feature = "server", schema(value_type = String))]
        by: Actor,
        #[cfg_attr(feature = "server", schema(value_type = DateTime<Utc>))]
        at: Time,
        answer: Answer,
        applied: bool,
    },
    Defaulted {
        #[cfg_attr(feature = "server", schema(value_type = DateTime<Utc>))]
        at: Time,
        answer: Answer,
        applied: bool,
    },
    Withdrawn {
        #[cfg_attr(feature = "server", schema(value_type = DateTime<Utc>))]
        at: Time,
        why: String,
    },
}

/// What the agent is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Answer {
    /// By question text; several labels of a multi-select are joined by `", "`, free text is as good as a label.
    Answers { answers: BTreeMap<String, String> },
    Decide {
        decide: Decision,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
}

/// An answer without words of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The agent chooses and notes what it chose.
    Agent,
    Allow,
    Deny,
}

/// Why an answer was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum BadAnswer {
    #[error("`{0}` is not one of the questions; answer by the question's text")]
    UnknownQuestion(String),
    #[error("`{0}` has no answer yet; answer all questions of this ask together")]
    Missing(String),
    #[error("this ask takes `allow` or `deny`")]
    NeedsDecision,
    #[error("these questions take answers, or `agent` to let the agent decide")]
    NeedsAnswers,
    #[error("an answer has more than 10,000 characters")]
    TooLong,
}

const MAX_ANSWER_CHARS: usize = 10_000;

impl Ask {
    pub fn is_open(&self) -> bool {
        self.state == AskState::Open
    }

    /// Answered or defaulted, but the agent has not been told yet.
    pub fn unapplied_answer(&self) -> Option<&Answer> {
        match &self.state {
            AskState::Answered { answer, applied: false, .. }
            | AskState::Defaulted { answer, applied: false, .. } => Some(answer),
            _ => None,
        }
    }

    /// Whether the default has fallen due.
    pub fn overdue(&self, now: Time) -> bool {
        self.is_open() && self.default.is_some() && now >= self.expires_at
    }

    /// Refuses an answer that does not fit what was asked.
    pub fn check(&self, answer: &Answer) -> Result<(), BadAnswer> {
        match (&self.what, answer) {
            (AskWhat::Questions { questions }, Answer::Answers { answers }) => fits(questions, answers),
            (AskWhat::Questions { .. }, Answer::Decide { decide: Decision::Agent, .. }) => Ok(()),
            (AskWhat::Questions { .. }, Answer::Decide { .. }) => Err(BadAnswer::NeedsAnswers),
            (_, Answer::Decide { decide: Decision::Allow | Decision::Deny, .. }) => Ok(()),
            (_, _) => Err(BadAnswer::NeedsDecision),
        }
    }

    /// One line for lists and notices.
    pub fn headline(&self) -> String {
        match &self.what {
            AskWhat::Questions { questions } => {
                let first = questions.first().map_or("a question", |q| q.question.as_str());
                match questions.len() {
                    0 | 1 => first.to_owned(),
                    n => format!("{first} (and {} more)", n - 1),
                }
            }
            AskWhat::Permission { tool, detail } => format!("May the agent use {tool}? {detail}"),
            AskWhat::Plan { .. } => "May the agent carry out this plan?".to_owned(),
        }
    }
}

fn fits(questions: &[Question], answers: &BTreeMap<String, String>) -> Result<(), BadAnswer> {
    if let Some(stray) = answers.keys().find(|k| !questions.iter().any(|q| &q.question == *k)) {
        return Err(BadAnswer::UnknownQuestion(stray.clone()));
    }
    let blank = |q: &&Question| answers.get(&q.question).is_none_or(|a| a.trim().is_empty());
    if let Some(open) = questions.iter().find(blank) {
        return Err(BadAnswer::Missing(open.question.clone()));
    }
    if answers.values().any(|a| a.chars().count() > MAX_ANSWER_CHARS) {
        return Err(BadAnswer::TooLong);
    }
    Ok(())
}
