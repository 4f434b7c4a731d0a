//! Blocks as lines of text.
//!
//! Knows Block Kit's shapes. Must not know which message they are in.

use std::collections::BTreeMap;

use serde_json::Value;

use super::mrkdwn;
use crate::workbench::slack::model::{Model, list_of, text_of};

/// What blocks are drawn with.
pub struct Page<'a> {
    pub model: &'a Model,
    /// `state.values`.
    pub state: Value,
    pub errors: &'a BTreeMap<String, String>,
}

impl Page<'_> {
    pub fn block(&self, block: &Value) -> Vec<String> {
        let id = text_of(block, "block_id").unwrap_or_default();
        match text_of(block, "type").unwrap_or_default() {
            "header" => vec![format!("## {}", self.text(block.get("text")))],
            "section" => self.section(block, id),
            "context" => {
                let all = list_of(block, "elements").iter();
                let words = all
                    .map(|e| if text_of(e, "type") == Some("image") { image(e) } else { self.text(Some(e)) });
                lines(&words.collect::<Vec<String>>().join("  "))
            }
            "actions" | "context_actions" => {
                let all = list_of(block, "elements").iter().map(|e| self.control(e, id));
                vec![all.collect::<Vec<String>>().join(" ")]
            }
            "divider" => vec!["───".into()],
            "image" => vec![image(block)],
            "input" => self.input(block, id),
            "rich_text" => list_of(block, "elements").iter().flat_map(|part| self.rich(part)).collect(),
            "markdown" => lines(text_of(block, "text").unwrap_or_default()),
            "table" => list_of(block, "rows").iter().map(|row| self.row(row)).collect(),
            "plan" => {
                let title = text_of(block, "title").unwrap_or_default().to_owned();
                std::iter::once(title).chain(list_of(block, "tasks").iter().map(task)).collect()
            }
            "task_card" => vec![task(block)],
            sort => vec![format!("[{sort}]")],
        }
    }

    fn text(&self, object: Option<&Value>) -> String {
        let text = object.and_then(|o| text_of(o, "text")).unwrap_or_default();
        let plain = object.and_then(|o| text_of(o, "type")) == Some("plain_text");
        if plain { text.to_owned() } else { mrkdwn::seen(self.model, text) }
    }

    fn section(&self, block: &Value, id: &str) -> Vec<String> {
        let mut out = lines(&self.text(block.get("text")));
        out.extend(list_of(block, "fields").iter().flat_map(|field| lines(&self.text(Some(field)))));
        if let Some(element) = block.get("accessory") {
            out.push(if text_of(element, "type") == Some("image") {
                image(element)
            } else {
                self.control(element, id)
            });
        }
        out.retain(|line| !line.is_empty() || block.get("accessory").is_none());
        out
    }

    fn input(&self, block: &Value, id: &str) -> Vec<String> {
        let optional = block.get("optional").and_then(Value::as_bool).unwrap_or(false);
        let label = self.text(block.get("label"));
        let mut out = vec![if optional { format!("{label} (optional)") } else { label }];
        out.extend(block.get("element").map(|element| format!("  {}", self.control(element, id))));
        out.extend(block.get("hint").map(|hint| format!("  ({})", self.text(Some(hint)))));
        out.extend(self.errors.get(id).map(|error| format!("  ! {error}")));
        out
    }

    /// `[Pause]`, `[Cancel…]` with a question first, `[Open ↗]` with a link, `[Choose ▾ a | b]`.
    fn control(&self, element: &Value, block: &str) -> String {
        let action = text_of(element, "action_id").unwrap_or_default();
        let state = self.state.get(block).and_then(|b| b.get(action));
        match text_of(element, "type").unwrap_or_default() {
            "button" => {
                let asks = if element.get("confirm").is_some() { "…" } else { "" };
                let leads = if element.get("url").is_some() { " ↗" } else { "" };
                format!("[{}{asks}{leads}]", self.text(element.get("text")).trim_end_matches('…'))
            }
            "overflow" => format!("[⋯ {}]", self.names(element)),
            "checkboxes" => self.boxes(element, state, "☑", "☐"),
            "radio_buttons" => self.boxes(element, state, "(•)", "( )"),
            "plain_text_input" | "number_input" | "url_text_input" | "email_text_input" => {
                let typed = state.and_then(|s| text_of(s, "value"));
                format!("[{}]", typed.map_or_else(|| "____".to_owned(), |t| t.replace('\n', " ⏎ ")))
            }
            _ => {
                let chosen = state.map(|s| self.chosen(s)).filter(|c| !c.is_empty());
                let shown = chosen.unwrap_or_else(|| self.text(element.get("placeholder")));
                format!("[{} ▾ {}]", if shown.is_empty() { "Choose" } else { &shown }, self.names(element))
                    .replace(" ]", "]")
            }
        }
    }

    fn names(&self, element: &Value) -> String {
        let names = options(element).into_iter().map(|o| self.text(o.get("text")));
        names.collect::<Vec<String>>().join(" | ")
    }

    /// What is chosen in a menu.
    fn chosen(&self, state: &Value) -> String {
        let one = state.get("selected_option").filter(|o| !o.is_null());
        let all = one.into_iter().chain(list_of(state, "selected_options"));
        all.map(|o| self.text(o.get("text"))).collect::<Vec<String>>().join(", ")
    }

    fn boxes(&self, element: &Value, state: Option<&Value>, on: &str, off: &str) -> String {
        let chosen = state.map(|s| {
            let one = s.get("selected_option").filter(|o| !o.is_null());
            one.into_iter().chain(list_of(s, "selected_options")).collect::<Vec<&Value>>()
        });
        let chosen = chosen.unwrap_or_default();
        let is_on = |o: &Value| chosen.iter().any(|c| c.get("value") == o.get("value"));
        let each = options(element).into_iter().map(|o| {
            let more = o.get("description").map(|d| format!(" ({})", self.text(Some(d))));
            let sign = if is_on(o) { on } else { off };
            format!("{sign} {}{}", self.text(o.get("text")), more.unwrap_or_default())
        });
        each.collect::<Vec<String>>().join("  ")
    }

    fn row(&self, row: &Value) -> String {
        let cell = |cell: &Value| match text_of(cell, "text") {
            Some(text) => text.to_owned(),
            None => list_of(cell, "elements")
                .iter()
                .flat_map(|part| self.rich(part))
                .collect::<Vec<String>>()
                .join(" "),
        };
        let cells = row.as_array().into_iter().flatten().map(cell);
        format!("| {} |", cells.collect::<Vec<String>>().join(" | "))
    }

    fn rich(&self, part: &Value) -> Vec<String> {
        match text_of(part, "type").unwrap_or_default() {
            "rich_text_list" => {
                let ordered = text_of(part, "style") == Some("ordered");
                let items = list_of(part, "elements").iter().enumerate();
                let sign = |n: usize| if ordered { format!("{}.", n + 1) } else { "•".to_owned() };
                items.map(|(n, item)| format!("{} {}", sign(n), self.leaves(item))).collect()
            }
            "rich_text_quote" => lines(&self.leaves(part)).into_iter().map(|l| format!("> {l}")).collect(),
            "rich_text_preformatted" => {
                lines(&self.leaves(part)).into_iter().map(|l| format!("    {l}")).collect()
            }
            _ => lines(&self.leaves(part)),
        }
    }

    fn leaves(&self, part: &Value) -> String {
        list_of(part, "elements").iter().map(|leaf| self.leaf(leaf)).collect()
    }

    fn leaf(&self, leaf: &Value) -> String {
        let word = |key: &str| text_of(leaf, key).unwrap_or_default();
        match word("type") {
            "text" => word("text").to_owned(),
            "link" => mrkdwn::link(word("url"), text_of(leaf, "text")),
            "user" => format!("‹@{}›", self.model.name_of(word("user_id"))),
            "channel" => mrkdwn::seen(self.model, &format!("<#{}>", word("channel_id"))),
            "broadcast" => format!("‹@{}›", word("range")),
            "usergroup" => format!("‹@{}›", word("usergroup_id")),
            "emoji" => format!(":{}:", word("name")),
            "date" => word("fallback").to_owned(),
            _ => String::new(),
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    text.trim_end_matches('\n').split('\n').map(|line| line.trim_end().to_owned()).collect()
}

fn image(element: &Value) -> String {
    format!("[image: {}]", text_of(element, "alt_text").unwrap_or_default())
}

fn task(card: &Value) -> String {
    let sign = match text_of(card, "status") {
        Some("complete") => "✔",
        Some("in_progress") => "▶",
        Some("error") => "✘",
        _ => "○",
    };
    format!("{sign} {}", text_of(card, "title").unwrap_or_default())
}

/// All options of a menu, those in groups too.
fn options(element: &Value) -> Vec<&Value> {
    let groups = list_of(element, "option_groups").iter().flat_map(|g| list_of(g, "options"));
    list_of(element, "options").iter().chain(groups).collect()
}
