//! The agent's lines as reports for the log.
//!
//! Knows how an assistant's blocks, tool results and notices are told; must not know asks or turns. A line gives its raw
//! bytes to the first of its reports, so that the log keeps it once.

use serde_json::Value;

use super::MAX_TEXT;
use super::policy::{cut, summary};
use super::views::{self, Block, Head, view};
use crate::agent::Signal;
use crate::domain::report::Report;

/// Characters of a tool's result that the log shows; the whole is in the raw line.
const MAX_EXCERPT: usize = 500;
/// Characters of a notice.
const MAX_NOTE: usize = 1_000;

/// The reports as signals, the line with the first of them.
pub(super) fn kept(reports: Vec<Report>, line: Vec<u8>) -> Vec<Signal> {
    let mut raw = Some(line);
    reports.into_iter().map(|report| Signal::Report { report, raw: raw.take() }).collect()
}

/// A line we only pass on, named by its type.
pub(super) fn other(head: &Head) -> Report {
    let what = match (head.kind.as_str(), head.subtype.as_str()) {
        ("", _) => "untyped".to_owned(),
        (kind, "") => kind.to_owned(),
        (kind, subtype) => format!("{kind}/{subtype}"),
    };
    Report::Other { what: cut(&what, 100) }
}

pub(super) fn note(text: &str) -> Report {
    Report::Note { text: cut(text, MAX_NOTE) }
}

/// Text and tool calls of the model. A subagent's talk is not the agent's word to a person; its deeds are logged.
pub(super) fn assistant(head: &Head, model: &str, blocks: &[Block]) -> Vec<Report> {
    let own = head.parent_tool_use_id.is_none() && model != "<synthetic>";
    let reports = blocks.iter().filter_map(|block| match block.kind.as_str() {
        "text" if own && !block.text.trim().is_empty() => {
            Some(Report::Message { text: cut(&block.text, MAX_TEXT) })
        }
        "tool_use" => Some(tool(block)),
        _ => None,
    });
    or_other(reports.collect(), head)
}

fn tool(block: &Block) -> Report {
    Report::Tool { id: cut(&block.id, 200), tool: cut(&block.name, 200), summary: summary(&block.input) }
}

pub(super) fn user(head: &Head, blocks: &[Block]) -> Vec<Report> {
    let results = blocks.iter().filter(|b| b.kind == "tool_result").map(|block| Report::ToolResult {
        id: cut(&block.tool_use_id, 200),
        ok: !block.is_error,
        excerpt: excerpt(&block.result_text()),
    });
    or_other(results.collect(), head)
}

/// At most [`MAX_EXCERPT`] characters, the end marked where some are missing.
fn excerpt(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(MAX_EXCERPT) {
        None => text.to_owned(),
        Some(_) => text.chars().take(MAX_EXCERPT - 1).chain(['…']).collect(),
    }
}

fn or_other(reports: Vec<Report>, head: &Head) -> Vec<Report> {
    if reports.is_empty() { vec![other(head)] } else { reports }
}

/// `system` lines that a reader of the log should understand at a glance.
pub(super) fn system(head: &Head, value: &Value) -> Report {
    match head.subtype.as_str() {
        "api_retry" => {
            let retry: views::ApiRetry = view(value);
            let error = if retry.error.is_empty() { "unknown".to_owned() } else { cut(&retry.error, 200) };
            Report::Retrying {
                status: retry.error_status,
                error,
                retry: retry.attempt,
                of: retry.max_retries,
            }
        }
        "compact_boundary" => {
            let sizes = view::<views::Compacted>(value).compact_metadata;
            let (before, after) = (sizes.pre_tokens, sizes.post_tokens);
            note(&format!(
                "The agent shortened its memory of the conversation from {before} to {after} tokens."
            ))
        }
        "permission_denied" => {
            let denied: views::Denied = view(value);
            note(&format!("The agent may not use {}: {}", denied.tool_name, denied.message))
        }
        "model_fallback" => {
            let models: views::Fallback = view(value);
            note(&format!("{} does not answer; {} goes on.", models.original_model, models.fallback_model))
        }
        "session_writes_lost" => {
            note("The agent could not write its transcript; a resume may miss its last steps.")
        }
        _ => other(head),
    }
}

/// Where a mirrored transcript belongs, below the agent's own folder.
pub(super) fn transcript(value: &Value, config_dir: &std::path::Path) -> Report {
    let mirror: views::Mirror = view(value);
    let path = std::path::Path::new(&mirror.file_path);
    let path = path.strip_prefix(config_dir).unwrap_or(path);
    Report::Transcript { path: cut(&path.to_string_lossy(), 4_096) }
}
