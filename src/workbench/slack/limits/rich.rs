//! Rich text: sections, lists, quotes, preformatted texts, and what lies in them.
//!
//! Must not know where rich text stands.

use serde_json::Value;

use super::check::Check;
use crate::workbench::slack::model::text_of;

/// The parts of a rich text block (or of one inside another).
pub fn elements(check: &mut Check, at: &str, block: &Value) {
    for (n, part) in check.list(at, block, "elements", 0, 1_000).unwrap_or_default().iter().enumerate() {
        self::part(check, &format!("{at}/elements/{n}"), part);
    }
}

fn part(check: &mut Check, at: &str, part: &Value) {
    match text_of(part, "type").unwrap_or_default() {
        "rich_text_section" => {
            check.keys(at, part, &["type", "elements"], &[]);
            leaves(check, at, part);
        }
        "rich_text_quote" | "rich_text_preformatted" => {
            check.keys(at, part, &["type", "elements"], &["border", "language"]);
            leaves(check, at, part);
        }
        "rich_text_list" => {
            check.keys(at, part, &["type", "style", "elements"], &["indent", "offset", "border"]);
            check.word(at, part, "style", &["bullet", "ordered"]);
            for (n, item) in check.list(at, part, "elements", 0, 1_000).unwrap_or_default().iter().enumerate()
            {
                leaves(check, &format!("{at}/elements/{n}"), item);
            }
        }
        sort => check.say(&format!("{at}/type"), format!("unsupported type: {sort}")),
    }
}

fn leaves(check: &mut Check, at: &str, part: &Value) {
    for (n, leaf) in check.list(at, part, "elements", 0, 1_000).unwrap_or_default().iter().enumerate() {
        self::leaf(check, &format!("{at}/elements/{n}"), leaf);
    }
}

fn leaf(check: &mut Check, at: &str, leaf: &Value) {
    let (needed, also): (&[&str], &[&str]) = match text_of(leaf, "type").unwrap_or_default() {
        "text" => (&["type", "text"], &["style"]),
        "link" => (&["type", "url"], &["text", "style", "unsafe"]),
        "user" => (&["type", "user_id"], &["style"]),
        "channel" => (&["type", "channel_id"], &["style"]),
        "usergroup" => (&["type", "usergroup_id"], &["style"]),
        "emoji" => (&["type", "name"], &["style", "unicode", "skin_tone"]),
        "broadcast" => (&["type", "range"], &["style"]),
        "date" => (&["type", "timestamp", "format"], &["style", "url", "fallback"]),
        "color" => (&["type", "value"], &["style"]),
        sort => {
            check.say(&format!("{at}/type"), format!("unsupported type: {sort}"));
            return;
        }
    };
    check.keys(at, leaf, needed, also);
    check.chars += check.string(at, leaf, "text", 1, usize::MAX - 1);
}
