//! Finding controls in blocks, and what is chosen in them.
//!
//! Knows Block Kit's shapes as far as a person uses them; `limits` says what is allowed. Must not know where blocks lie.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Model, list_of, text_of};

/// What a person has chosen so far, by block and action; what is not in here is as the blocks say.
pub type Inputs = BTreeMap<(String, String), Value>;

/// A control and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Control<'a> {
    pub block: &'a str,
    pub element: &'a Value,
    /// The block's own type: `actions`, `section`, `input`.
    pub within: &'a str,
    /// An input that tells at once.
    pub dispatches: bool,
    /// An input that must be filled.
    pub needed: bool,
}

impl<'a> Control<'a> {
    pub fn action(&self) -> &'a str {
        text_of(self.element, "action_id").unwrap_or_default()
    }

    pub fn sort(&self) -> &'a str {
        text_of(self.element, "type").unwrap_or_default()
    }
}

/// Every control of the blocks, in order.
pub fn controls(blocks: &[Value]) -> Vec<Control<'_>> {
    blocks.iter().flat_map(of_block).filter(|c| text_of(c.element, "action_id").is_some()).collect()
}

pub fn control<'a>(blocks: &'a [Value], block: &str, action: &str) -> Option<Control<'a>> {
    controls(blocks).into_iter().find(|c| c.block == block && c.action() == action)
}

fn of_block(block: &Value) -> Vec<Control<'_>> {
    let within = text_of(block, "type").unwrap_or_default();
    let id = text_of(block, "block_id").unwrap_or_default();
    let flag = |key: &str| block.get(key).and_then(Value::as_bool).unwrap_or(false);
    let control = |element| Control {
        block: id,
        element,
        within,
        dispatches: within != "input" || flag("dispatch_action"),
        needed: within == "input" && !flag("optional"),
    };
    match within {
        "actions" | "context_actions" => list_of(block, "elements").iter().map(control).collect(),
        "section" => block.get("accessory").into_iter().map(control).collect(),
        "input" => block.get("element").into_iter().map(control).collect(),
        _ => Vec::new(),
    }
}

impl Model {
    /// Gives every block and control the name Slack gives it where the app gave none.
    pub fn name_blocks(&mut self, blocks: &mut [Value]) {
        for block in blocks {
            self.name(block, "block_id");
            for key in ["elements", "accessory", "element"] {
                match block.get_mut(key) {
                    Some(Value::Array(elements)) => {
                        elements.iter_mut().filter(|e| is_control(e)).for_each(|e| self.name(e, "action_id"));
                    }
                    Some(element) if is_control(element) => self.name(element, "action_id"),
                    _ => {}
                }
            }
        }
    }

    fn name(&mut self, value: &mut Value, key: &str) {
        if let Some(map) = value.as_object_mut().filter(|map| !map.contains_key(key)) {
            let id = self.id("b");
            map.insert(key.to_owned(), Value::String(id));
        }
    }
}

fn is_control(element: &Value) -> bool {
    let sort = text_of(element, "type").unwrap_or_default();
    sort == "button" || sort == "overflow" || value_key(sort).is_some()
}

/// The key a control's choice is kept under; `None` for what keeps none.
fn value_key(sort: &str) -> Option<&'static str> {
    Some(match sort {
        "plain_text_input" | "number_input" | "url_text_input" | "email_text_input" => "value",
        "rich_text_input" => "rich_text_value",
        "static_select" | "external_select" | "radio_buttons" => "selected_option",
        "multi_static_select" | "multi_external_select" | "checkboxes" => "selected_options",
        "users_select" => "selected_user",
        "multi_users_select" => "selected_users",
        "channels_select" => "selected_channel",
        "conversations_select" => "selected_conversation",
        "datepicker" => "selected_date",
        "timepicker" => "selected_time",
        "datetimepicker" => "selected_date_time",
        _ => return None,
    })
}

/// `state.values`: all that is chosen in these blocks.
pub fn state(blocks: &[Value], inputs: &Inputs) -> Value {
    let mut values = Map::new();
    for control in controls(blocks) {
        let Some(key) = value_key(control.sort()) else { continue };
        let kept = inputs.get(&(control.block.to_owned(), control.action().to_owned()));
        let entry = kept.cloned().unwrap_or_else(|| at_first(control.element, key));
        let block = values.entry(control.block).or_insert_with(|| json!({}));
        if let Some(map) = block.as_object_mut() {
            map.insert(control.action().to_owned(), entry);
        }
    }
    Value::Object(values)
}

/// What a control says before anybody touched it.
fn at_first(element: &Value, key: &str) -> Value {
    let initial = key.replace("selected", "initial").replace("rich_text_value", "initial_value");
    let initial = if key == "value" { "initial_value" } else { &initial };
    let nothing = if key == "selected_options" { json!([]) } else { Value::Null };
    let value = element.get(initial).cloned().unwrap_or(nothing);
    json!({ "type": element.get("type"), key: value })
}

/// The state's entry after a person chose `value` in the control; `Err` = it cannot be chosen.
pub fn chosen(element: &Value, value: &Value, suggested: &[Value]) -> Result<Value, String> {
    let sort = text_of(element, "type").unwrap_or_default();
    let key = value_key(sort).ok_or_else(|| format!("a {sort} keeps no choice"))?;
    let kept = match (key, value) {
        ("selected_options", Value::Null) => json!([]),
        ("selected_options", Value::Array(wanted)) => {
            let found: Result<Vec<Value>, String> =
                wanted.iter().map(|w| option(element, w, suggested)).collect();
            Value::Array(found?)
        }
        ("selected_options", one) => json!([option(element, one, suggested)?]),
        (_, Value::Null) => Value::Null,
        ("selected_option", wanted) => option(element, wanted, suggested)?,
        ("value", Value::String(text)) => typed(element, text)?,
        (_, Value::String(text)) => Value::String(text.clone()),
        ("selected_users", Value::Array(_)) | ("rich_text_value", Value::Object(_)) => value.clone(),
        ("selected_date_time", Value::Number(_)) => value.clone(),
        _ => return Err(format!("{value} is nothing for a {sort}")),
    };
    Ok(json!({ "type": sort, key: kept }))
}

/// An empty text is none; one that is too short or too long cannot be typed.
fn typed(element: &Value, text: &str) -> Result<Value, String> {
    let length = text.chars().count() as u64;
    let bound = |key: &str| element.get(key).and_then(Value::as_u64);
    if length > bound("max_length").unwrap_or(3_000) {
        return Err("the text is too long".to_owned());
    }
    if length > 0 && length < bound("min_length").unwrap_or(0) {
        return Err("the text is too short".to_owned());
    }
    Ok(if text.is_empty() { Value::Null } else { Value::String(text.to_owned()) })
}

/// The option with this value, as it is shown.
pub fn option(element: &Value, wanted: &Value, suggested: &[Value]) -> Result<Value, String> {
    let groups = list_of(element, "option_groups").iter().flat_map(|group| list_of(group, "options"));
    let mut all = list_of(element, "options").iter().chain(groups).chain(suggested);
    all.find(|o| o.get("value") == Some(wanted))
        .cloned()
        .ok_or_else(|| format!("there is no option {wanted}"))
}

/// Whether something is chosen in a state's entry.
pub fn is_filled(entry: &Value) -> bool {
    let values = entry.as_object().into_iter().flatten().filter(|(key, _)| *key != "type");
    values.into_iter().any(|(_, value)| match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    })
}
