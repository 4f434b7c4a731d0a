//! Buttons, menus, boxes and inputs: which keys, how long, how many, where.
//!
//! Must not know blocks.

use serde_json::Value;

use super::check::Check;
use crate::workbench::slack::model::text_of;

/// Where an element stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Section,
    Actions,
    /// An input of a message or home tab.
    Input,
    Modal,
}

const SELECTS: &[&str] =
    &["static_select", "external_select", "users_select", "channels_select", "conversations_select"];

/// An element at `at`, within the block at `block`.
pub fn one(check: &mut Check, at: &str, block: &str, element: &Value, place: Place) {
    let sort = text_of(element, "type").unwrap_or_default();
    if !may_stand(sort, place) {
        check.say(&format!("{at}/type"), format!("unsupported type: {sort}"));
        return;
    }
    if sort == "image" {
        check.keys(at, element, &["type", "alt_text"], &["image_url", "slack_file"]);
        check.string(at, element, "alt_text", 1, 2_000);
        return;
    }
    check.unique(at, block, element, "action_id");
    match sort {
        "button" => button(check, at, element),
        "overflow" => {
            check.keys(at, element, &["type", "options"], &["action_id", "confirm"]);
            options(check, at, element, "options", 1, 5, true);
        }
        "checkboxes" => boxes(check, at, element, "initial_options"),
        "radio_buttons" => boxes(check, at, element, "initial_option"),
        "plain_text_input" => text_input(check, at, element),
        "datepicker" | "timepicker" | "datetimepicker" => picker(check, at, element),
        "number_input" | "url_text_input" | "email_text_input" | "rich_text_input" | "file_input" => {
            check.text(at, element, "placeholder", 150, true);
        }
        _ => select(check, at, element, sort),
    }
    if let Some(confirm) = element.get("confirm") {
        confirmation(check, &format!("{at}/confirm"), confirm);
    }
}

fn may_stand(sort: &str, place: Place) -> bool {
    let select = SELECTS.contains(&sort);
    let multi = sort.strip_prefix("multi_").is_some_and(|rest| SELECTS.contains(&rest));
    let picks = ["checkboxes", "radio_buttons", "datepicker", "timepicker"].contains(&sort) || select;
    match place {
        Place::Section => picks || multi || ["button", "overflow", "image"].contains(&sort),
        Place::Actions => picks || ["button", "overflow", "datetimepicker"].contains(&sort),
        Place::Input | Place::Modal => {
            let typed = ["plain_text_input", "number_input", "url_text_input", "email_text_input"];
            let rich = ["rich_text_input", "datetimepicker"].contains(&sort);
            let file = sort == "file_input" && place == Place::Modal;
            picks || multi || rich || file || typed.contains(&sort)
        }
    }
}

fn button(check: &mut Check, at: &str, element: &Value) {
    let also = ["action_id", "url", "value", "style", "confirm", "accessibility_label"];
    check.keys(at, element, &["type", "text"], &also);
    check.text(at, element, "text", 75, true);
    check.string(at, element, "value", 0, 2_000);
    check.string(at, element, "url", 1, 3_000);
    check.string(at, element, "accessibility_label", 1, 75);
    check.word(at, element, "style", &["primary", "danger"]);
}

fn boxes(check: &mut Check, at: &str, element: &Value, initial: &str) {
    check.keys(at, element, &["type", "options"], &["action_id", initial, "confirm", "focus_on_load"]);
    options(check, at, element, "options", 1, 10, false);
    initials(check, at, element, initial);
}

fn select(check: &mut Check, at: &str, element: &Value, sort: &str) {
    let mut also = vec!["action_id", "placeholder", "confirm", "focus_on_load"];
    let of_options = ["options", "option_groups", "initial_option", "initial_options"];
    match sort.trim_start_matches("multi_") {
        "static_select" => also.extend(of_options),
        "external_select" => also.extend(["min_query_length", "initial_option", "initial_options"]),
        "users_select" => also.extend(["initial_user", "initial_users"]),
        _ => also.extend([
            "initial_channel",
            "initial_channels",
            "initial_conversation",
            "initial_conversations",
            "default_to_current_conversation",
            "response_url_enabled",
            "filter",
        ]),
    }
    if sort.starts_with("multi_") {
        also.push("max_selected_items");
    }
    check.keys(at, element, &["type"], &also);
    check.text(at, element, "placeholder", 150, true);
    if sort.ends_with("static_select") {
        match (element.get("options"), element.get("option_groups")) {
            (Some(_), None) => options(check, at, element, "options", 1, 100, true),
            (None, Some(_)) => groups(check, at, element),
            _ => check.say(at, "needs either options or option_groups"),
        }
        initials(check, at, element, "initial_option");
        initials(check, at, element, "initial_options");
    }
}

fn groups(check: &mut Check, at: &str, element: &Value) {
    for (n, group) in check.list(at, element, "option_groups", 1, 100).unwrap_or_default().iter().enumerate()
    {
        let at = format!("{at}/option_groups/{n}");
        check.keys(&at, group, &["label", "options"], &[]);
        check.text(&at, group, "label", 75, true);
        options(check, &at, group, "options", 1, 100, true);
    }
}

/// The options below `key`; no two have the same value.
fn options(check: &mut Check, at: &str, element: &Value, key: &str, least: usize, most: usize, plain: bool) {
    for (n, option) in check.list(at, element, key, least, most).unwrap_or_default().iter().enumerate() {
        let place = format!("{at}/{key}/{n}");
        one_option(check, &place, option, plain);
        check.unique_value(&place, &format!("{at}/{key}"), option);
    }
}

fn one_option(check: &mut Check, at: &str, option: &Value, plain: bool) {
    check.keys(at, option, &["text", "value"], &["description", "url"]);
    check.text(at, option, "text", 75, plain);
    check.string(at, option, "value", 1, 75);
    check.text(at, option, "description", 75, plain);
    check.string(at, option, "url", 1, 3_000);
}

/// What is chosen at first is one of the options, to the letter.
fn initials(check: &mut Check, at: &str, element: &Value, key: &str) {
    let Some(initial) = element.get(key) else { return };
    let groups = element.get("option_groups").and_then(Value::as_array).into_iter().flatten();
    let lists = groups.chain([element]).filter_map(|of| of.get("options").and_then(Value::as_array));
    let all: Vec<&Value> = lists.flatten().collect();
    let chosen: Vec<&Value> = initial.as_array().map_or_else(|| vec![initial], |list| list.iter().collect());
    if chosen.is_empty() || !chosen.iter().all(|c| all.contains(c)) {
        check.say(&format!("{at}/{key}"), "must be among the options");
    }
}

fn text_input(check: &mut Check, at: &str, element: &Value) {
    let also = [
        "action_id",
        "placeholder",
        "initial_value",
        "multiline",
        "min_length",
        "max_length",
        "focus_on_load",
        "dispatch_action_config",
    ];
    check.keys(at, element, &["type"], &also);
    check.text(at, element, "placeholder", 150, true);
    let most = element.get("max_length").and_then(Value::as_u64).unwrap_or(3_000);
    if most == 0 || most > 3_000 {
        check.say(&format!("{at}/max_length"), "must be between 1 and 3000");
    }
    let most = usize::try_from(most).unwrap_or(3_000).min(3_000);
    check.string(at, element, "initial_value", 0, most);
    check.flag(at, element, "multiline");
}

fn picker(check: &mut Check, at: &str, element: &Value) {
    let also = [
        "action_id",
        "placeholder",
        "initial_date",
        "initial_time",
        "initial_date_time",
        "confirm",
        "focus_on_load",
        "timezone",
    ];
    check.keys(at, element, &["type"], &also);
    check.text(at, element, "placeholder", 150, true);
}

fn confirmation(check: &mut Check, at: &str, confirm: &Value) {
    check.keys(at, confirm, &["title", "text", "confirm", "deny"], &["style"]);
    check.text(at, confirm, "title", 100, true);
    check.text(at, confirm, "text", 300, false);
    check.text(at, confirm, "confirm", 30, true);
    check.text(at, confirm, "deny", 30, true);
    check.word(at, confirm, "style", &["primary", "danger"]);
}
