//! A report: what the supervisor tells of its node, its agent and its checks.
//!
//! Knows the facts a supervisor can state; must not know what a session makes of them. Each report is one record
//! of the supervisor's journal and becomes 0..k events of the session's log. Agents say new things almost weekly:
//! what has no view of its own travels as [`Report::Other`] beside its raw line.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ask::AskWhat;
use super::command::CommandNo;
use super::{AskId, Time};

/// One numbered fact of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Position in the attempt's journal, gapless from 1.
    pub n: u64,
    pub at: Time,
    pub report: Report,
    /// The agent's own line, byte for byte, where the report came from one.
    #[serde(skip)]
    pub raw: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum Report {
    /// The clone stands, `branch` starts at `base_sha` (or goes on where an earlier attempt pushed it).
    #[serde(rename = "workspace.ready")]
    WorkspaceReady { base: String, base_sha: String, branch: String },
    #[serde(rename = "phase")]
    Phase { phase: Phase },
    /// Something a reader of the log should know: a set-up command's end, a fallback, a warning.
    #[serde(rename = "note")]
    Note { text: String },

    #[serde(rename = "agent.started")]
    AgentStarted { session: Uuid, version: String, model: Option<String>, resumed: bool },
    #[serde(rename = "agent.message")]
    Message { text: String },
    /// `summary`: one line of what is done to what (a command, a path).
    #[serde(rename = "agent.tool")]
    Tool { id: String, tool: String, summary: String },
    #[serde(rename = "agent.tool_result")]
    ToolResult { id: String, ok: bool, excerpt: String },
    /// The model's API did not answer; the agent tries again by itself.
    #[serde(rename = "agent.retry")]
    Retrying { status: Option<u16>, error: String, retry: u32, of: u32 },
    #[serde(rename = "agent.turn_ended")]
    TurnEnded { outcome: TurnOutcome, usage: Usage },
    /// A line without a view of its own.
    #[serde(rename = "agent.other")]
    Other { what: String },
    /// A piece of the agent's own transcript; kept so that another node can resume, not shown.
    #[serde(rename = "agent.transcript")]
    Transcript { path: String },

    #[serde(rename = "ask.raised")]
    AskRaised { id: AskId, what: AskWhat },
    /// The agent took the ask back (interrupted, or it will ask again).
    #[serde(rename = "ask.taken_back")]
    AskTakenBack { id: AskId, why: String },
    #[serde(rename = "ask.applied")]
    AnswerApplied { id: AskId },

    #[serde(rename = "command.consumed")]
    CommandConsumed { c: CommandNo },

    /// Which checks will run and where they come from: `.devtask.toml`, the brief, detected, or none.
    #[serde(rename = "check.plan")]
    ChecksPlanned { source: String, commands: Vec<String> },
    #[serde(rename = "check.started")]
    CheckStarted { round: u32, command: String },
    #[serde(rename = "check.ended")]
    CheckEnded { round: u32, evidence: Evidence },
    /// The work tree is safe under `refs/devtask/wip/<session>`.
    #[serde(rename = "checkpoint")]
    Checkpoint { sha: String },
    /// The branch stands at `sha` on the remote, read back from there.
    #[serde(rename = "pushed")]
    Pushed(Pushed),
    /// The last record of an attempt.
    #[serde(rename = "attempt.ended")]
    Ended { how: Ending },
}

/// What a session is busy with, beside its status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    #[default]
    Brief,
    Plan,
    Execute,
    Validate,
    Publish,
    Review,
}

/// How a turn of the agent ended. Read from `is_error`, `terminal_reason` and their kin, never from `subtype`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum TurnOutcome {
    Completed {
        text: String,
    },
    /// A tool call waits for a person; the process goes.
    Deferred {
        ask: AskId,
    },
    Interrupted,
    /// `retry`: what trying again would do.
    Failed {
        message: String,
        retry: Retry,
    },
}

/// Running totals of the whole session as the agent counts them: the last one stands, never add them up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Dollars in millionths.
    #[cfg_attr(feature = "server", schema(required))]
    pub cost_micro_usd: u64,
    #[cfg_attr(feature = "server", schema(required))]
    pub input_tokens: u64,
    #[cfg_attr(feature = "server", schema(required))]
    pub output_tokens: u64,
    #[cfg_attr(feature = "server", schema(required))]
    pub turns: u32,
}

/// What a check command did, on which tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    pub command: String,
    /// Build, test, lint, format or other.
    pub kind: CheckKind,
    /// `null`: killed by a signal or by the time limit.
    pub exit_code: Option<i32>,
    pub timed_out: bool,
    pub duration_ms: u64,
    /// Tests counted in the output, where its runner is known.
    pub tests: Option<u32>,
    /// Hash of the git tree the command ran on.
    pub tree: String,
    /// The end of what it printed, ≤ 8 KiB.
    pub tail: String,
}

impl Evidence {
    pub fn passed(&self) -> bool {
        self.exit_code == Some(0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CheckKind {
    Build,
    Test,
    Lint,
    Format,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pushed {
    pub branch: String,
    pub sha: String,
    pub tree: String,
}

/// Why an attempt is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum Ending {
    /// The agent is idle without error and every check passed on `pushed`'s tree.
    /// `pushed` is `None` where the agent changed nothing. `evidence` is empty where no checks are configured.
    Finished {
        pushed: Option<Pushed>,
        evidence: Vec<Evidence>,
        summary: String,
    },
    /// An ask outlived the hold: the agent let go of it and will ask again on resume.
    Deferred,
    /// Asked to stop gently (pause, node shutdown).
    Drained,
    /// Asked to stop at once (cancel).
    Stopped,
    Failed {
        cause: String,
        retry: Retry,
    },
}

/// What trying again would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "try", rename_all = "camelCase")]
pub enum Retry {
    /// The same again: a person is needed.
    No,
    /// Perhaps better: after a pause.
    Later,
    /// Nothing before `until`.
    Quota { until: Time },
}
