//! The one door to the control plane: `trait Control`, what it is asked and how it refuses.
//!
//! `control::Local` is the thing itself, `client::Remote` the same over HTTP; Slack, CLI and web hold a `dyn Control`.
//! Must not know HTTP, SQL or who implements it.

use std::fmt;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::account::{AccountView, Link};
use super::fleet::NodeView;
use super::view::{AskView, EventView, SessionView};
use crate::domain::ask::Answer;
use crate::domain::brief::Brief;
use crate::domain::command::MessageMode;
use crate::domain::session::{Status, Verb};
use crate::domain::{Actor, Seq, SessionId};

/// Everything a person can do. Each call names who does it.
#[async_trait]
pub trait Control: Send + Sync {
    /// `key`: repeats under the same key get the first answer; the same key with another request is refused.
    async fn create(&self, by: &Actor, new: Create, key: Option<&str>) -> Result<SessionView, Refusal>;
    async fn list(&self, filter: Filter) -> Result<Page, Refusal>;
    async fn show(&self, id: SessionId) -> Result<SessionView, Refusal>;
    /// `rev`: the reading this was decided on; an old one is refused only where the verb is no longer legal. `key`: as in
    /// [`create`](Self::create).
    async fn act_once(
        &self,
        by: &Actor,
        id: SessionId,
        act: Act,
        rev: Option<u64>,
        key: Option<&str>,
    ) -> Result<SessionView, Refusal>;
    async fn act(
        &self,
        by: &Actor,
        id: SessionId,
        act: Act,
        rev: Option<u64>,
    ) -> Result<SessionView, Refusal> {
        self.act_once(by, id, act, rev, None).await
    }
    async fn message(&self, by: &Actor, id: SessionId, message: Message) -> Result<SessionView, Refusal>;
    /// Open asks of all sessions, the oldest first.
    async fn asks(&self) -> Result<Vec<AskView>, Refusal>;
    /// `handle`: as in [`AskView::handle`]; `key`: as in [`create`](Self::create).
    async fn answer_once(
        &self,
        by: &Actor,
        handle: &str,
        answer: Answer,
        key: Option<&str>,
    ) -> Result<SessionView, Refusal>;
    async fn answer(&self, by: &Actor, handle: &str, answer: Answer) -> Result<SessionView, Refusal> {
        self.answer_once(by, handle, answer, None).await
    }
    /// The nodes there are, the oldest first; strays last.
    async fn nodes(&self) -> Result<Vec<NodeView>, Refusal>;
    /// Links a person with their account on the forge: answers the code they are to type, or that it is done.
    async fn link(&self, by: &Actor, link: Link) -> Result<AccountView, Refusal>;
    /// Forgets their account and the token it gave.
    async fn unlink(&self, by: &Actor) -> Result<AccountView, Refusal>;
    async fn account(&self, of: &Actor) -> Result<AccountView, Refusal>;
    /// Events after `after`, then live ones as they are committed. Ends when the session is settled and all is told.
    async fn events(&self, id: SessionId, after: Seq) -> Result<EventStream, Refusal>;
}

pub type EventStream = BoxStream<'static, Result<EventView, Refusal>>;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Create {
    /// Text, or an object with `title goal context doneWhen checks`.
    #[serde(deserialize_with = "brief_or_text")]
    #[schema(value_type = TextOrBrief)]
    pub brief: Brief,
    /// `owner/name`, a GitHub address, or an absolute path.
    pub repo: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// A plan is shown and approved before anything is changed.
    #[serde(default)]
    pub plan: bool,
    /// Higher runs earlier among the same owner's.
    #[serde(default)]
    pub priority: i8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// What the person is called, where the door knows: stands in commits and in the pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
}

/// Text, or its parts.
#[derive(Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "a brief is a text, or an object with a `goal`; also title, context, doneWhen, checks"
)]
enum TextOrBrief {
    Text(String),
    Brief(Brief),
}

fn brief_or_text<'de, D: Deserializer<'de>>(from: D) -> Result<Brief, D::Error> {
    Ok(match TextOrBrief::deserialize(from)? {
        TextOrBrief::Text(text) => Brief::from_text(&text),
        TextOrBrief::Brief(brief) => brief,
    })
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// 1–200, else 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Newest sessions first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    pub sessions: Vec<SessionView>,
    pub next_cursor: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Pause {
        reason: Option<String>,
    },
    /// Lifts a person's hold; where there is none, grants the budget again.
    Resume,
    Cancel {
        reason: Option<String>,
    },
    Rerun,
}

impl Act {
    /// What makes it another request than one under the same key.
    pub fn request(&self) -> (Verb, Option<&str>) {
        match self {
            Self::Pause { reason } | Self::Cancel { reason } => (self.verb(), reason.as_deref()),
            Self::Resume | Self::Rerun => (self.verb(), None),
        }
    }

    pub fn verb(&self) -> Verb {
        match self {
            Self::Pause { .. } => Verb::Pause,
            Self::Resume => Verb::Resume,
            Self::Cancel { .. } => Verb::Cancel,
            Self::Rerun => Verb::Rerun,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub text: String,
    #[serde(default)]
    pub mode: MessageMode,
    /// Said once, however often it comes under this key from the same person; 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Message {
    pub fn new(text: impl Into<String>, mode: MessageMode) -> Self {
        Self { text: text.into(), mode, key: None }
    }
}

/// Why something was not done: for the person who asked. What only operators should know is logged, not carried.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    pub code: Code,
    /// What happened, to what.
    pub message: String,
    /// What to do about it, in words that are true at every door; what to type there is the door's own to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// Verbs that are legal now, where one was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legal: Vec<Verb>,
}

/// What a refusal is about, where each door has its own way to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A session that is not there: the others can be listed.
    Session,
    /// An ask that is not there: the open ones can be listed.
    Ask,
    /// The machine DevTask runs on: its operator can look.
    Machine,
}

/// The kind of a refusal; stable, part of the public JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The request itself is wrong.
    Invalid,
    Unauthorized,
    Forbidden,
    NotFound,
    /// The verb is not legal in this state.
    Illegal,
    /// Somebody or something was first.
    Settled,
    /// The same `Idempotency-Key` came with another request.
    KeyReused,
    /// `If-Match` names an older reading and the verb is no longer legal.
    Outdated,
    TooLarge,
    /// Too much at once: later.
    Busy,
    /// The server cannot be reached.
    Unreachable,
    /// Our fault; the operator's log says more.
    Internal,
}

impl Refusal {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, about: None, legal: Vec::new() }
    }

    #[must_use]
    pub fn about(mut self, about: About) -> Self {
        self.about = Some(about);
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<crate::domain::session::Refusal> for Refusal {
    fn from(refusal: crate::domain::session::Refusal) -> Self {
        use crate::domain::session::Refusal as R;
        let message = refusal.to_string();
        match refusal {
            R::Illegal { legal, .. } => {
                let names: Vec<&str> = legal.iter().map(|v| v.name()).collect();
                let hint = format!(
                    "legal now: {}",
                    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
                );
                Self { legal, ..Self::new(Code::Illegal, message).hint(hint) }
            }
            R::UnknownAsk { .. } => Self::new(Code::NotFound, message).about(About::Ask),
            R::BadAnswer { .. } | R::BadBrief { .. } | R::EmptyMessage | R::LongMessage { .. } => {
                Self::new(Code::Invalid, message)
            }
            R::TooManyMessages { .. } | R::NoSlot => Self::new(Code::Busy, message),
            R::AskSettled { .. } | R::Fenced { .. } | R::Gap { .. } | R::Stale { .. } => {
                Self::new(Code::Settled, message)
            }
        }
    }
}
