//! What is written and chosen in the inputs of a form or a message, by `block_id`.
//!
//! Read from the raw state, for the models drop some of it. Must not know what is asked.

use std::collections::BTreeMap;

use serde_json::Value;

/// An input as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Words typed.
    pub text: String,
    /// `value`s of chosen options, people or channels.
    pub chosen: Vec<String>,
}

/// All inputs, by the `block_id` they stand in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, Field>);

/// Most inputs that are read; a form has at most 100 blocks.
const MAX_BLOCKS: usize = 200;

impl Fields {
    /// `state` is `{"values": {block_id: {action_id: input}}}`.
    pub(super) fn read(state: Option<&Value>) -> Self {
        let blocks = state.and_then(|s| s.get("values")).and_then(Value::as_object);
        let mut fields = Self::default();
        for (block, inputs) in blocks.into_iter().flatten().take(MAX_BLOCKS) {
            let field = fields.0.entry(block.clone()).or_default();
            for input in inputs.as_object().into_iter().flat_map(|o| o.values()) {
                field.add(input);
            }
        }
        fields
    }

    /// What is typed there, without the blanks around it; empty where there is nothing.
    pub fn text(&self, block: &str) -> &str {
        self.0.get(block).map_or("", |field| field.text.trim())
    }

    /// What is chosen there.
    pub fn chosen(&self, block: &str) -> &[String] {
        self.0.get(block).map_or(&[], |field| field.chosen.as_slice())
    }

    /// Everything typed, in the blocks' order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(|field| field.text.trim()).filter(|text| !text.is_empty())
    }

    #[cfg(test)]
    #[must_use]
    pub fn with(mut self, block: &str, field: Field) -> Self {
        self.0.insert(block.to_owned(), field);
        self
    }
}

impl Field {
    fn add(&mut self, input: &Value) {
        if let Some(text) = input.get("value").and_then(Value::as_str) {
            self.text = seen(text);
        }
        if let Some(rich) = input.get("rich_text_value") {
            self.text = seen(&rich_words(rich, 0));
        }
        for one in
            ["selected_option", "selected_user", "selected_channel", "selected_conversation", "selected_date"]
        {
            self.chosen.extend(input.get(one).and_then(option_value));
        }
        for many in ["selected_options", "selected_users", "selected_channels", "selected_conversations"] {
            let all = input.get(many).and_then(Value::as_array);
            self.chosen.extend(all.into_iter().flatten().filter_map(option_value));
        }
    }
}

/// An option says its `value`; people, channels and days are texts themselves.
fn option_value(option: &Value) -> Option<String> {
    let value = option.get("value").unwrap_or(option);
    value.as_str().map(str::to_owned)
}

/// Typed text has no marks of Slack's; only what nobody sees is dropped.
fn seen(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

const MAX_DEPTH: usize = 8;

/// The words of rich text, one element a line.
fn rich_words(rich: &Value, depth: usize) -> String {
    if depth > MAX_DEPTH {
        return String::new();
    }
    let text = rich.get("text").or_else(|| rich.get("url")).and_then(Value::as_str).unwrap_or_default();
    let inner = rich.get("elements").and_then(Value::as_array);
    let parts: Vec<String> = inner.into_iter().flatten().map(|e| rich_words(e, depth + 1)).collect();
    let gap = if depth == 0 { "\n" } else { "" };
    format!("{text}{}", parts.join(gap))
}
