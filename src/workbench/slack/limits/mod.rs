//! What Slack takes: sizes and shapes of messages, blocks, views and metadata; how often methods may be called.
//!
//! Every complaint has its place: `must be less than 3001 characters [json-pointer:/blocks/0/text/text]`. Must not know
//! who sends it.

mod blocks;
pub mod budget;
mod check;
mod elements;
mod rich;

use serde_json::Value;

use super::refusal::Refusal;
use check::Check;

/// Characters of a message's `text`.
const LONGEST_TEXT: usize = 40_000;
/// Characters of all blocks of a message together; undocumented, measured at about 13,200.
const LONGEST_BLOCKS: usize = 13_200;
/// Characters of all `markdown` blocks together.
const LONGEST_MARKDOWN: usize = 12_000;
const MOST_BLOCKS: usize = 50;
const MOST_BLOCKS_OF_A_VIEW: usize = 100;
/// Bytes of a view's JSON.
const LARGEST_VIEW: usize = 250_000;
/// Bytes of a message's metadata.
const LARGEST_METADATA: usize = 8_000;

/// Where blocks are shown; not every block may be everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    Message,
    Modal,
    Home,
}

/// A message's text and blocks.
pub fn message(text: &str, list: &[Value]) -> Result<(), Refusal> {
    if text.chars().count() > LONGEST_TEXT {
        return Err(Refusal::new("msg_too_long"));
    }
    if text.is_empty() && list.is_empty() {
        return Err(Refusal::new("no_text"));
    }
    let mut check = Check::default();
    check.count("/blocks", list.len(), 0, MOST_BLOCKS);
    blocks::all(&mut check, list, Surface::Message);
    if !check.said.is_empty() {
        return Err(Refusal::new("invalid_blocks").because(check.said));
    }
    if check.chars > LONGEST_BLOCKS || check.markdown > LONGEST_MARKDOWN {
        let why = format!("[ERROR] {} characters in all blocks [json-pointer:/blocks]", check.chars);
        return Err(Refusal::new("msg_blocks_too_long").because(vec![why]));
    }
    Ok(())
}

/// A modal or a home tab.
pub fn view(raw: &Value) -> Result<(), Refusal> {
    if raw.to_string().len() > LARGEST_VIEW {
        return Err(Refusal::new("view_too_large"));
    }
    let mut check = Check::default();
    let surface = match raw.get("type").and_then(Value::as_str) {
        Some("modal") => Surface::Modal,
        Some("home") => Surface::Home,
        _ => return Err(Refusal::arguments("[ERROR] unsupported type [json-pointer:/view/type]")),
    };
    blocks::view(&mut check, raw, surface, MOST_BLOCKS_OF_A_VIEW);
    if check.said.is_empty() { Ok(()) } else { Err(Refusal::new("invalid_arguments").because(check.said)) }
}

/// A message's metadata: a type and an object.
pub fn metadata(raw: &Value) -> Result<(), Refusal> {
    let map = raw.as_object().ok_or_else(|| Refusal::new("invalid_metadata_format"))?;
    if map.is_empty() {
        return Ok(());
    }
    let typed = map.get("event_type").is_some_and(|t| t.as_str().is_some_and(|t| !t.is_empty()));
    if !typed || !map.get("event_payload").is_some_and(Value::is_object) {
        return Err(Refusal::new("invalid_metadata_format"));
    }
    if raw.to_string().len() > LARGEST_METADATA {
        return Err(Refusal::new("metadata_too_large"));
    }
    Ok(())
}
