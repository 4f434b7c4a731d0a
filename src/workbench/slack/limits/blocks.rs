//! The blocks, one by one: which keys, how long, how many, and where they may be.
//!
//! Must not know what lies in actions and inputs: that is `elements`.

use serde_json::Value;

use super::Surface;
use super::check::Check;
use super::{elements, rich};
use crate::workbench::slack::model::{list_of, text_of};

/// Blocks of a message or view, at `/blocks`.
pub fn all(check: &mut Check, blocks: &[Value], surface: Surface) {
    let at = if surface == Surface::Message { "/blocks" } else { "/view/blocks" };
    for (n, block) in blocks.iter().enumerate() {
        one(check, &format!("{at}/{n}"), block, surface);
    }
    let sort = |block: &&Value, word: &str| text_of(block, "type") == Some(word);
    if blocks.iter().filter(|b| sort(b, "table")).count() > 1 {
        check.say(at, "only one table is allowed");
    }
    let both = ["plan", "task_card"].iter().all(|word| blocks.iter().any(|b| sort(&b, word)));
    if both {
        check.say(at, "plan and task_card exclude each other");
    }
}

/// A view with all around its blocks.
pub fn view(check: &mut Check, raw: &Value, surface: Surface, most: usize) {
    let also = ["private_metadata", "callback_id", "external_id"];
    if surface == Surface::Home {
        check.keys("/view", raw, &["type", "blocks"], &also);
    } else {
        let modal = [&also[..], &["close", "submit", "clear_on_close", "notify_on_close", "submit_disabled"]];
        check.keys("/view", raw, &["type", "blocks", "title"], &modal.concat());
        for key in ["title", "close", "submit"] {
            check.text("/view", raw, key, 24, true);
        }
        let inputs = list_of(raw, "blocks").iter().any(|b| text_of(b, "type") == Some("input"));
        if inputs && raw.get("submit").is_none() {
            check.say("/view", "missing required field: submit");
        }
    }
    check.string("/view", raw, "private_metadata", 0, 3_000);
    check.string("/view", raw, "callback_id", 0, 255);
    check.string("/view", raw, "external_id", 0, 255);
    if let Some(blocks) = check.list("/view", raw, "blocks", 0, most) {
        all(check, blocks, surface);
    }
}

fn one(check: &mut Check, at: &str, block: &Value, surface: Surface) {
    check.unique(at, "", block, "block_id");
    let sort = text_of(block, "type").unwrap_or_default();
    match (sort, surface) {
        ("section", _) => section(check, at, block),
        ("header", _) => {
            check.keys(at, block, &["type", "text"], &["block_id", "level"]);
            check.text(at, block, "text", 150, true);
        }
        ("divider", _) => check.keys(at, block, &["type"], &["block_id"]),
        ("context", _) => context(check, at, block),
        ("actions", _) => actions(check, at, block),
        ("input", _) => input(check, at, block, surface),
        ("image", _) => image(check, at, block),
        ("rich_text", _) => {
            check.keys(at, block, &["type", "elements"], &["block_id"]);
            rich::elements(check, at, block);
        }
        ("markdown", Surface::Message) => {
            check.keys(at, block, &["type", "text"], &["block_id"]);
            let length = check.string(at, block, "text", 1, 12_000);
            check.chars += length;
            check.markdown += length;
        }
        ("table", Surface::Message) => table(check, at, block),
        ("plan", Surface::Message) => plan(check, at, block),
        ("task_card", Surface::Message) => task(check, at, block),
        ("context_actions", Surface::Message) => {
            check.keys(at, block, &["type", "elements"], &["block_id"]);
            check.list(at, block, "elements", 1, 5);
        }
        _ => check.say(&format!("{at}/type"), format!("unsupported type: {sort}")),
    }
}

fn section(check: &mut Check, at: &str, block: &Value) {
    check.keys(at, block, &["type"], &["block_id", "text", "fields", "accessory", "expand"]);
    check.text(at, block, "text", 3_000, false);
    for (n, field) in check.list(at, block, "fields", 1, 10).unwrap_or_default().iter().enumerate() {
        check.text_object(&format!("{at}/fields/{n}"), field, 2_000, false);
    }
    if block.get("text").is_none() && block.get("fields").is_none() {
        check.say(at, "missing required field: text");
    }
    if let Some(element) = block.get("accessory") {
        elements::one(check, &format!("{at}/accessory"), at, element, elements::Place::Section);
    }
}

fn context(check: &mut Check, at: &str, block: &Value) {
    check.keys(at, block, &["type", "elements"], &["block_id"]);
    for (n, element) in check.list(at, block, "elements", 1, 10).unwrap_or_default().iter().enumerate() {
        let at = format!("{at}/elements/{n}");
        if text_of(element, "type") == Some("image") {
            image(check, &at, element);
        } else {
            check.text_object(&at, element, 3_000, false);
        }
    }
}

fn actions(check: &mut Check, at: &str, block: &Value) {
    check.keys(at, block, &["type", "elements"], &["block_id"]);
    for (n, element) in check.list(at, block, "elements", 1, 25).unwrap_or_default().iter().enumerate() {
        elements::one(check, &format!("{at}/elements/{n}"), at, element, elements::Place::Actions);
    }
}

fn input(check: &mut Check, at: &str, block: &Value, surface: Surface) {
    let also = ["block_id", "hint", "optional", "dispatch_action"];
    check.keys(at, block, &["type", "label", "element"], &also);
    check.text(at, block, "label", 2_000, true);
    check.text(at, block, "hint", 2_000, true);
    check.flag(at, block, "optional");
    check.flag(at, block, "dispatch_action");
    if let Some(element) = block.get("element") {
        let place = if surface == Surface::Modal { elements::Place::Modal } else { elements::Place::Input };
        elements::one(check, &format!("{at}/element"), at, element, place);
    }
}

fn image(check: &mut Check, at: &str, block: &Value) {
    check.keys(at, block, &["type", "alt_text"], &["block_id", "image_url", "slack_file", "title"]);
    check.string(at, block, "alt_text", 1, 2_000);
    check.string(at, block, "image_url", 1, 3_000);
    check.text(at, block, "title", 2_000, true);
}

fn table(check: &mut Check, at: &str, block: &Value) {
    check.keys(at, block, &["type", "rows"], &["block_id", "column_settings"]);
    for (n, row) in check.list(at, block, "rows", 1, 100).unwrap_or_default().iter().enumerate() {
        let at = format!("{at}/rows/{n}");
        let Some(cells) = row.as_array() else {
            check.say(&at, "must be an array");
            continue;
        };
        check.count(&at, cells.len(), 1, 20);
        for (n, cell) in cells.iter().enumerate() {
            let at = format!("{at}/{n}");
            match text_of(cell, "type") {
                Some("raw_text") => check.chars += check.string(&at, cell, "text", 0, 3_000),
                Some("rich_text") => rich::elements(check, &at, cell),
                _ => check.say(&at, "unsupported type"),
            }
        }
    }
}

fn plan(check: &mut Check, at: &str, block: &Value) {
    check.keys(at, block, &["type", "title"], &["block_id", "tasks", "plan_id"]);
    check.chars += check.string(at, block, "title", 1, 200);
    for (n, card) in check.list(at, block, "tasks", 1, 50).unwrap_or_default().iter().enumerate() {
        task(check, &format!("{at}/tasks/{n}"), card);
    }
}

fn task(check: &mut Check, at: &str, card: &Value) {
    let also = ["block_id", "type", "status", "details", "output", "sources"];
    check.keys(at, card, &["task_id", "title"], &also);
    check.string(at, card, "task_id", 1, 255);
    check.chars += check.string(at, card, "title", 1, 200);
    check.word(at, card, "status", &["pending", "in_progress", "complete", "error"]);
    for key in ["details", "output"] {
        if let Some(block) = card.get(key) {
            rich::elements(check, &format!("{at}/{key}"), block);
        }
    }
}
