//! What is sent to the server, as schemas.
//!
//! Nothing is ever made of these types; must not grow a meaning of their own.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Brief, Decision};

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Create {
    pub brief: TextOrBrief,
    /// `owner/name`, a GitHub address, or an absolute path.
    pub repo: String,
    pub base: Option<String>,
    pub provider: Option<String>,
    pub agent: Option<String>,
    pub model: Option<String>,
    pub effort: Option<String>,
    /// A plan is shown and approved before anything is changed.
    #[schema(required = false)]
    pub plan: bool,
    /// Higher runs earlier among the same owner's.
    #[schema(required = false)]
    pub priority: i8,
    #[schema(required = false)]
    pub labels: Vec<String>,
}

/// Text, or its parts.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum TextOrBrief {
    Text(String),
    Brief(Brief),
}

#[derive(ToSchema)]
pub struct Message {
    pub text: String,
    #[schema(required = false)]
    pub mode: MessageMode,
}

/// `queue` waits until the agent's turn ends, `interrupt` ends it.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum MessageMode {
    Queue,
    Interrupt,
}

/// Either `answers` or `decide`.
#[derive(ToSchema)]
pub struct Answer {
    /// By question text; several labels are joined by `", "`.
    pub answers: Option<BTreeMap<String, String>>,
    pub decide: Option<Decision>,
    /// Words for the agent beside a decision.
    pub message: Option<String>,
}

#[derive(ToSchema)]
pub struct Reason {
    pub reason: Option<String>,
}
