//! The views: what Slack, CLI and web are shown of a session, an ask and an event.
//!
//! Made from rows and nothing else; field names are the public JSON and only ever grow.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::ask::Ask;
use crate::domain::brief::Brief;
use crate::domain::event::{Logged, Stream};
use crate::domain::report::{Evidence, Phase, Usage};
use crate::domain::session::{Hold, PullRequest, Session, Status, Verb, WaitingOn, waiting_on};
use crate::domain::{Attempt, Seq, SessionId, Time};

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Session)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    pub id: SessionId,
    pub brief: Brief,
    pub status: Status,
    pub phase: Phase,
    pub waiting_on: Option<WaitingOn>,
    pub holds: Vec<Hold>,
    /// Place in the queue, 1 = next; absent where it does not wait for a slot.
    pub position: Option<usize>,
    /// Rises when status, holds or open asks change; the `ETag`.
    pub rev: u64,
    pub owner: String,
    pub repo: String,
    pub base: Option<String>,
    pub base_sha: Option<String>,
    pub branch: Option<String>,
    pub pushed_sha: Option<String>,
    pub pull_request: Option<PullRequest>,
    pub provider: String,
    /// Its agent runs on the control plane's own machine without a sandbox.
    #[serde(default)]
    #[schema(required)]
    pub unsandboxed: bool,
    pub node_id: Option<String>,
    pub agent: String,
    pub agent_session_id: Option<Uuid>,
    pub agent_version: Option<String>,
    pub model: Option<String>,
    pub priority: i8,
    pub labels: Vec<String>,
    /// Number of the newest attempt; 0 before the first.
    pub attempt: Attempt,
    pub retries: u32,
    pub max_retries: u32,
    /// Open ones.
    pub asks: Vec<AskView>,
    pub usage: Usage,
    /// Where the checks come from; `null` until an attempt has looked.
    pub checks_from: Option<String>,
    pub evidence: Vec<Evidence>,
    pub summary: Option<String>,
    pub failure: Option<String>,
    /// What a person may do now.
    pub verbs: Vec<Verb>,
    #[schema(value_type = DateTime<Utc>)]
    pub created_at: Time,
    #[schema(value_type = DateTime<Utc>)]
    pub updated_at: Time,
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub settled_at: Option<Time>,
    /// Who cancelled it, as `owner` is spelt; `control` = nobody came back to it.
    #[serde(default)]
    #[schema(required)]
    pub cancelled_by: Option<String>,
    /// `seq` of the newest event.
    #[schema(value_type = u64)]
    pub head: Seq,
}

impl SessionView {
    pub fn of(session: &Session, node_id: Option<String>, position: Option<usize>, now: Time) -> Self {
        let s = session;
        Self {
            id: s.id(),
            brief: s.new.brief.clone(),
            status: s.status,
            phase: s.phase,
            waiting_on: waiting_on(s, now),
            holds: s.holds.iter().copied().collect(),
            position,
            rev: s.rev,
            owner: s.owner().to_string(),
            repo: s.new.repo.to_string(),
            base: s.base.clone().or_else(|| s.new.base.clone()),
            base_sha: s.base_sha.clone(),
            branch: s.branch.clone(),
            pushed_sha: s.pushed.as_ref().map(|p| p.sha.clone()),
            pull_request: s.pull_request.clone(),
            provider: s.new.provider.clone(),
            unsandboxed: false,
            node_id,
            agent: s.new.agent.clone(),
            agent_session_id: s.conversed.then(|| s.new.conversation()),
            agent_version: s.agent_version.clone(),
            model: s.model.clone().or_else(|| s.new.model.clone()),
            priority: s.new.priority,
            labels: s.new.labels.clone(),
            attempt: s.attempt,
            retries: s.retries,
            max_retries: s.limits().max_retries,
            asks: s.open_asks().map(|a| AskView::of(s.id(), a)).collect(),
            usage: s.usage,
            checks_from: s.checks_from.clone(),
            evidence: s.evidence.clone(),
            summary: s.summary.clone(),
            failure: s.failure.clone(),
            verbs: s.legal_verbs(),
            created_at: s.created_at,
            updated_at: s.updated_at,
            settled_at: s.settled_at,
            cancelled_by: s.cancelled_by.as_ref().map(ToString::to_string),
            head: s.head,
        }
    }
}

/// An ask with the handle under which it is answered: `dt-142:<id of the call>`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Ask)]
#[serde(rename_all = "camelCase")]
pub struct AskView {
    /// Under which it is answered.
    pub handle: String,
    pub session: SessionId,
    #[serde(flatten)]
    #[schema(inline)]
    pub ask: Ask,
}

impl AskView {
    pub fn of(session: SessionId, ask: &Ask) -> Self {
        Self { handle: format!("{session}:{}", ask.id), session, ask: ask.clone() }
    }
}

/// One event as it is streamed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Event)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    /// Gapless from 1 within its session.
    #[schema(value_type = u64)]
    pub seq: Seq,
    #[schema(value_type = DateTime<Utc>)]
    pub at: Time,
    pub attempt: Attempt,
    /// Dotted: `session.queued`, `agent.message`, `check.ended`.
    pub kind: String,
    /// message, status, ask, check or log.
    #[serde(skip)]
    pub stream: String,
    /// The fields of this kind; `kind` itself is among them.
    #[schema(value_type = Object)]
    pub body: Box<RawValue>,
    /// The agent's own line where it is JSON, else that line as a JSON string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    pub raw: Option<Box<RawValue>>,
}

impl EventView {
    /// Both texts are looked over once and not understood.
    pub fn of(event: Logged) -> Result<Self, serde_json::Error> {
        let Logged { seq, at, attempt, kind, body, raw } = event;
        let stream = Stream::of(&kind).name().to_owned();
        let raw = raw.map(raw_json).transpose()?;
        Ok(Self { seq, at, attempt, kind, stream, body: RawValue::from_string(body)?, raw })
    }
}

fn raw_json(line: Vec<u8>) -> Result<Box<RawValue>, serde_json::Error> {
    let text = match String::from_utf8(line) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(json) => Ok(json.to_owned()),
        Err(_) => serde_json::value::to_raw_value(&text),
    }
}
