//! Tolerant views of the agent's lines: what we read of them, and nothing we must find.
//!
//! Knows field names; must not know what follows from them. Every field is optional, a field of an unexpected type
//! counts as absent, the order of keys means nothing, and whatever has no view is passed through by the caller.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use uuid::Uuid;

/// Reads a view; anything unreadable is its default.
pub(super) fn view<T: DeserializeOwned + Default>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_default()
}

/// Right for views of a [`Value`], where a part that does not fit leaves the rest readable.
#[expect(clippy::unnecessary_wraps, reason = "the shape serde asks for")]
fn lenient<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Ok(T::deserialize(from).unwrap_or_default())
}

/// Declares views: structs whose every field is absent-able and forgiving.
macro_rules! views {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        pub(super) struct $name {
            $(#[serde(deserialize_with = "lenient")] $(#[$attr])* pub $field: $type,)*
        }
    )*};
}

views! {
    /// What every line has.
    Head {
        #[serde(rename = "type")]
        kind: String,
        subtype: String,
        parent_tool_use_id: Option<String>,
        tool_use_id: Option<String>,
    }
    /// `system/init`, sent at every turn.
    Init {
        session_id: Option<Uuid>,
        model: Option<String>,
        claude_code_version: String,
    }
    /// `system/session_state_changed`.
    StateChanged { state: String }
    /// `command_lifecycle` of a user line.
    Lifecycle { command_uuid: Option<Uuid>, state: String }
    /// `assistant` and `user`.
    Said {
        message: Message,
        uuid: Option<Uuid>,
        #[serde(rename = "isReplay")]
        replay: bool,
        api_error_params: ErrorParams,
    }
    /// `content` is a string or a list of blocks.
    Message { model: String, content: Value }
    Block {
        #[serde(rename = "type")]
        kind: String,
        text: String,
        id: String,
        name: String,
        input: Value,
        tool_use_id: String,
        content: Value,
        is_error: bool,
    }
    ErrorParams { rate_limit_info: RateLimit }
    /// `result`. `subtype` is left out on purpose: it says `success` of failures.
    Outcome {
        is_error: bool,
        terminal_reason: String,
        api_error_status: Option<u16>,
        deferred_tool_use: Option<DeferredCall>,
        queued_turn_count: u32,
        num_turns: u32,
        total_cost_usd: f64,
        result: String,
        errors: Vec<String>,
        user_message_uuids: Vec<Uuid>,
        #[serde(rename = "modelUsage")]
        model_usage: BTreeMap<String, ModelUsage>,
    }
    DeferredCall { id: String }
    /// Running totals of one model.
    ModelUsage {
        #[serde(rename = "inputTokens")]
        input: u64,
        #[serde(rename = "cacheReadInputTokens")]
        cache_read: u64,
        #[serde(rename = "cacheCreationInputTokens")]
        cache_made: u64,
        #[serde(rename = "outputTokens")]
        output: u64,
    }
    /// `control_request` from the agent.
    Asked { request_id: String, request: Request }
    /// `can_use_tool` has the tool's input in `input`; `hook_callback` a [`HookInput`].
    Request {
        subtype: String,
        tool_name: String,
        tool_use_id: String,
        agent_id: Option<String>,
        input: Value,
    }
    HookInput {
        hook_event_name: String,
        tool_name: String,
        tool_input: Value,
        tool_use_id: String,
        agent_id: Option<String>,
    }
    /// `control_response` to a request of ours.
    Replied { response: Reply }
    Reply { subtype: String, request_id: String, error: String, response: InitReply }
    InitReply {
        session_state: Option<String>,
        hooks_applied: Option<bool>,
        claude_code_version: String,
    }
    /// `control_cancel_request`.
    Cancelled { request_id: String }
    /// `system/api_retry`.
    ApiRetry { attempt: u32, max_retries: u32, error_status: Option<u16>, error: String }
    /// `system/compact_boundary`.
    Compacted { compact_metadata: CompactSizes }
    CompactSizes { pre_tokens: u64, post_tokens: u64 }
    /// `system/permission_denied`.
    Denied { tool_name: String, message: String }
    /// `system/model_fallback`.
    Fallback { original_model: String, fallback_model: String }
    /// `system/background_tasks_changed`: the whole set, to replace the one before.
    Tasks { tasks: Vec<BackgroundTask> }
    /// `ambient`: housekeeping; `off_host`: goes on without this process. Neither is waited for.
    BackgroundTask { ambient: bool, off_host: bool }
    /// `transcript_mirror`.
    Mirror {
        #[serde(rename = "filePath")]
        file_path: String,
    }
    /// `rate_limit_event`.
    RateLimited { rate_limit_info: RateLimit }
    RateLimit {
        status: String,
        #[serde(rename = "resetsAt")]
        resets_at: Option<i64>,
        #[serde(rename = "rateLimitType")]
        kind: String,
    }
    /// One question of an `AskUserQuestion`.
    AskedQuestion {
        question: String,
        header: String,
        #[serde(rename = "multiSelect")]
        multi_select: bool,
        options: Vec<AskedOption>,
    }
    AskedOption { label: String, description: String }
}

impl Message {
    /// The content's blocks; a plain string is one block of text.
    pub(super) fn blocks(&self) -> Vec<Block> {
        match &self.content {
            Value::String(text) => {
                vec![Block { kind: "text".into(), text: text.clone(), ..Block::default() }]
            }
            Value::Array(blocks) => blocks.iter().map(view).collect(),
            _ => Vec::new(),
        }
    }
}

impl Block {
    /// A tool result's text: a string, or the texts among its blocks.
    pub(super) fn result_text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => {
                let texts = parts.iter().filter_map(|p| p.get("text").and_then(Value::as_str));
                texts.collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        }
    }
}
