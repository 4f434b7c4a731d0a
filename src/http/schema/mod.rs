//! The public JSON as schemas. Mirrors of `wire`'s types, so that `wire` stays free of HTTP; a test compares the
//! field names of both.
//!
//! Nothing is ever made of these types; must not grow a meaning of their own.

mod asked;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::ComponentsBuilder;

pub use asked::{Answer, Create, Message, MessageMode, Reason, TextOrBrief};

/// Adds every schema; each names the others, so none may be left out.
pub(super) fn all(to: ComponentsBuilder) -> ComponentsBuilder {
    to.schema_from::<Problem>()
        .schema_from::<Code>()
        .schema_from::<Verb>()
        .schema_from::<Status>()
        .schema_from::<Phase>()
        .schema_from::<Hold>()
        .schema_from::<WaitingOn>()
        .schema_from::<Brief>()
        .schema_from::<Session>()
        .schema_from::<PullRequest>()
        .schema_from::<Usage>()
        .schema_from::<Evidence>()
        .schema_from::<Page>()
        .schema_from::<Asks>()
        .schema_from::<Ask>()
        .schema_from::<Decision>()
        .schema_from::<Event>()
        .schema_from::<Create>()
        .schema_from::<TextOrBrief>()
        .schema_from::<Message>()
        .schema_from::<MessageMode>()
        .schema_from::<Answer>()
        .schema_from::<Reason>()
        .schema_from::<Alive>()
        .schema_from::<Ready>()
        .schema_from::<Part>()
        .schema_from::<State>()
}

/// Why something was not done.
#[derive(ToSchema)]
pub struct Problem {
    /// `urn:devtask:problem:…`, stable.
    pub r#type: String,
    pub title: String,
    pub status: u16,
    /// What happened, to what.
    pub detail: String,
    pub code: Code,
    /// What to do about it.
    pub hint: Option<String>,
    /// Verbs that are legal now, where one was not.
    #[schema(required = false)]
    pub legal: Vec<Verb>,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub enum Code {
    Invalid,
    Unauthorized,
    Forbidden,
    NotFound,
    Illegal,
    Settled,
    KeyReused,
    Outdated,
    TooLarge,
    Busy,
    Unreachable,
    Internal,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Verb {
    Pause,
    Resume,
    Cancel,
    Message,
    Answer,
    Rerun,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Status {
    Queued,
    Provisioning,
    Running,
    Paused,
    Done,
    Failed,
    Cancelled,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Phase {
    Brief,
    Plan,
    Execute,
    Validate,
    Publish,
    Review,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Hold {
    Person,
    Ask,
    Budget,
}

/// What a session waits for; `until` with `quota` and `retry`.
#[derive(ToSchema)]
pub struct WaitingOn {
    /// `user`, `slot`, `node`, `quota` or `retry`.
    pub r#for: String,
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Brief {
    /// One line; the goal's first where nobody wrote one.
    #[schema(required = false)]
    pub title: String,
    pub goal: String,
    #[schema(required = false)]
    pub context: String,
    /// Sentences a reviewer can tick off.
    #[schema(required = false)]
    pub done_when: Vec<String>,
    /// Check commands of this session alone.
    #[schema(required = false)]
    pub checks: Vec<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Session {
    /// `dt-142`
    pub id: String,
    pub brief: Brief,
    pub status: Status,
    pub phase: Phase,
    pub waiting_on: Option<WaitingOn>,
    pub holds: Vec<Hold>,
    /// Place in the queue, 1 = next.
    pub position: Option<u32>,
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
    pub node_id: Option<String>,
    pub agent: String,
    pub agent_session_id: Option<String>,
    pub agent_version: Option<String>,
    pub model: Option<String>,
    pub priority: i8,
    pub labels: Vec<String>,
    /// Number of the newest attempt; 0 before the first.
    pub attempt: u32,
    pub retries: u32,
    pub max_retries: u32,
    /// Open ones.
    pub asks: Vec<Ask>,
    pub usage: Usage,
    /// Where the checks come from; `null` until an attempt has looked.
    pub checks_from: Option<String>,
    pub evidence: Vec<Evidence>,
    pub summary: Option<String>,
    pub failure: Option<String>,
    /// What a person may do now.
    pub verbs: Vec<Verb>,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub updated_at: String,
    #[schema(format = DateTime)]
    pub settled_at: Option<String>,
    /// `seq` of the newest event.
    pub head: u64,
}

#[derive(ToSchema)]
pub struct PullRequest {
    pub number: u64,
    pub url: String,
    pub adopted: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Usage {
    /// Dollars in millionths.
    pub cost_micro_usd: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub turns: u32,
}

/// What a check printed, on which tree.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Evidence {
    pub command: String,
    /// `build`, `test`, `lint`, `format` or `other`.
    pub kind: String,
    /// `null`: killed by a signal or by the time limit.
    pub exit_code: Option<i32>,
    pub timed_out: bool,
    pub duration_ms: u64,
    pub tests: Option<u32>,
    pub tree: String,
    /// The end of what it printed.
    pub tail: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Page {
    pub sessions: Vec<Session>,
    pub next_cursor: Option<String>,
}

#[derive(ToSchema)]
pub struct Asks(pub Vec<Ask>);

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Ask {
    /// Under which it is answered.
    pub handle: String,
    pub session: String,
    pub id: String,
    /// Tagged by `type`: `questions` with `questions`, `permission` with `tool` and `detail`, `plan` with `text`.
    #[schema(value_type = Object)]
    pub what: Value,
    #[schema(format = DateTime)]
    pub opened_at: String,
    #[schema(format = DateTime)]
    pub expires_at: String,
    pub default: Option<Decision>,
    /// Tagged by `is`: `open`, `answered`, `defaulted`, `withdrawn`.
    #[schema(value_type = Object)]
    pub state: Value,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Decision {
    Agent,
    Allow,
    Deny,
}

/// One event of a session's log.
#[derive(ToSchema)]
pub struct Event {
    /// Gapless from 1 within its session.
    pub seq: u64,
    #[schema(format = DateTime)]
    pub at: String,
    pub attempt: u32,
    /// Dotted, like `session.queued` or `check.ended`.
    pub kind: String,
    /// The fields of this kind.
    #[schema(value_type = Object)]
    pub body: Value,
    /// The agent's own line, where the event came from one.
    #[schema(required = false)]
    pub raw: Value,
}

#[derive(ToSchema)]
pub struct Alive {
    pub state: String,
}

#[derive(ToSchema)]
pub struct Ready {
    pub state: State,
    pub version: String,
    pub parts: Vec<Part>,
}

#[derive(ToSchema)]
pub struct Part {
    pub name: String,
    pub state: State,
    pub detail: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum State {
    Ok,
    Degraded,
    Down,
}
