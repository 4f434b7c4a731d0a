//! Slack's limits as a checker: says what a message or a form breaks.

use serde_json::Value;
use slack_morphism::prelude::SlackView;

use crate::slack::button::Button;
use crate::slack::escape::units;
use crate::slack::render::Post;

pub(super) fn post(post: &Post) -> Vec<String> {
    let mut wrong = Wrong::default();
    wrong.text("text", Some(&Value::from(post.text.clone())), 1, 4_000);
    let blocks = serde_json::to_value(&post.blocks).unwrap();
    wrong.blocks(&blocks, 50);
    wrong.unless(units(&blocks.to_string()) <= 12_000, || {
        format!("message of {}", units(&blocks.to_string()))
    });
    #[cfg(feature = "workbench")]
    wrong.unless_refused(crate::workbench::slack::check_message(&post.text, blocks.as_array().unwrap()));
    wrong.0
}

pub(super) fn view(view: &SlackView) -> Vec<String> {
    let mut wrong = Wrong::default();
    let view = serde_json::to_value(view).unwrap();
    for name in ["title", "submit", "close"] {
        if view.get(name).is_some() {
            wrong.text(name, view[name].get("text"), 1, 24);
        }
    }
    wrong.blocks(&view["blocks"], 100);
    wrong.unless(view.to_string().len() <= 250_000, || "view_too_large".to_owned());
    let metadata = view["private_metadata"].as_str().unwrap_or_default();
    wrong.unless(units(metadata) <= 3_000, || "private_metadata".to_owned());
    let inputs = view["blocks"].as_array().unwrap().iter().any(|b| b["type"] == "input");
    wrong.unless(!inputs || view["submit"].is_object(), || "inputs without a submit".to_owned());
    #[cfg(feature = "workbench")]
    wrong.unless_refused(crate::workbench::slack::check_view(&view));
    wrong.0
}

#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn unless(&mut self, ok: bool, what: impl FnOnce() -> String) {
        if !ok {
            self.0.push(what());
        }
    }

    /// The local Slack takes it, too.
    #[cfg(feature = "workbench")]
    fn unless_refused(&mut self, taken: Result<(), crate::workbench::slack::Refusal>) {
        if let Err(refusal) = taken {
            self.0.push(format!("the local Slack refuses: {refusal}"));
        }
    }

    fn text(&mut self, what: &str, text: Option<&Value>, least: usize, most: usize) {
        let text = text.and_then(Value::as_str).unwrap_or_default();
        let n = units(text);
        self.unless((least..=most).contains(&n), || format!("{what} has {n}: {least}..={most}"));
        self.unless(least == 0 || !text.trim().is_empty(), || format!("{what} is blank"));
    }

    fn blocks(&mut self, blocks: &Value, most: usize) {
        let blocks = blocks.as_array().unwrap();
        self.unless((1..=most).contains(&blocks.len()), || format!("{} blocks", blocks.len()));
        let mut ids = Vec::new();
        let mut actions = Vec::new();
        for b in blocks {
            ids.extend(b["block_id"].as_str());
            self.block(b, &mut actions);
        }
        let markdown = blocks.iter().filter(|b| b["type"] == "markdown");
        let all: usize = markdown.map(|b| units(b["text"].as_str().unwrap())).sum();
        self.unless(all <= 12_000, || format!("{all} of markdown"));
        for (names, what) in [(ids, "block_id"), (actions.iter().map(String::as_str).collect(), "action_id")]
        {
            let mut once = names.clone();
            once.sort_unstable();
            once.dedup();
            self.unless(once.len() == names.len(), || format!("a {what} comes twice: {names:?}"));
            self.unless(names.iter().all(|n| n.len() <= 255), || format!("{what} too long"));
        }
    }

    fn block(&mut self, b: &Value, actions: &mut Vec<String>) {
        match b["type"].as_str().unwrap() {
            "header" => self.text("header", b["text"].get("text"), 1, 150),
            "section" => {
                self.text("section", b["text"].get("text"), 1, 3_000);
                self.unless(b["text"]["verbatim"] == true, || "a section links by itself".to_owned());
            }
            "context" => {
                let elements = b["elements"].as_array().unwrap();
                self.unless((1..=10).contains(&elements.len()), || "context elements".to_owned());
                for e in elements {
                    self.text("context", e.get("text"), 1, 2_000);
                    self.unless(e["verbatim"] == true, || "a context links by itself".to_owned());
                }
            }
            "markdown" => self.text("markdown", b.get("text"), 1, 12_000),
            "rich_text" => self.text("rich text", b.pointer("/elements/0/elements/0/text"), 1, 12_000),
            "actions" => {
                let elements = b["elements"].as_array().unwrap();
                self.unless((1..=25).contains(&elements.len()), || "action elements".to_owned());
                for e in elements {
                    self.button(e, actions);
                }
            }
            "input" => self.input(b),
            other => self.0.push(format!("block {other}")),
        }
    }

    fn button(&mut self, b: &Value, actions: &mut Vec<String>) {
        self.unless(b["type"] == "button", || "not a button".to_owned());
        self.text("button", b["text"].get("text"), 1, 75);
        self.text("accessibility_label", b.get("accessibility_label"), 1, 75);
        self.text("value", b.get("value"), 1, 2_000);
        self.unless(Button::read(b["value"].as_str().unwrap()).is_some(), || {
            "a value nobody reads".to_owned()
        });
        actions.push(b["action_id"].as_str().unwrap().to_owned());
        if b["url"].is_string() {
            self.text("url", b.get("url"), 1, 3_000);
        }
        if b["confirm"].is_object() {
            let c = &b["confirm"];
            self.text("confirm title", c["title"].get("text"), 1, 100);
            self.text("confirm text", c["text"].get("text"), 1, 300);
            self.text("confirm yes", c["confirm"].get("text"), 1, 30);
            self.text("confirm no", c["deny"].get("text"), 1, 30);
        }
    }

    fn input(&mut self, b: &Value) {
        self.text("label", b["label"].get("text"), 1, 2_000);
        if b["hint"].is_object() {
            self.text("hint", b["hint"].get("text"), 1, 2_000);
        }
        let e = &b["element"];
        let most = match e["type"].as_str().unwrap() {
            "plain_text_input" => {
                self.text("initial_value", e.get("initial_value"), 0, 3_000);
                self.unless(e["max_length"].as_u64() <= Some(3_000), || "max_length".to_owned());
                return;
            }
            "checkboxes" | "radio_buttons" => 10,
            "static_select" | "multi_static_select" => 100,
            other => return self.0.push(format!("input {other}")),
        };
        if e["placeholder"].is_object() {
            self.text("placeholder", e["placeholder"].get("text"), 1, 150);
        }
        let options = e["options"].as_array().unwrap();
        self.unless((1..=most).contains(&options.len()), || format!("{} options", options.len()));
        for o in options {
            self.text("option", o["text"].get("text"), 1, 75);
            self.text("option value", o.get("value"), 1, 75);
            if o["description"].is_object() {
                self.text("description", o["description"].get("text"), 1, 75);
            }
        }
    }
}

#[test]
fn the_checker_sees_what_slack_refuses() {
    let long = Post { text: String::new(), blocks: serde_json::from_value(serde_json::json!([
        { "type": "section", "text": { "type": "mrkdwn", "text": "x".repeat(3_001) } },
        { "type": "actions", "elements": [
            { "type": "button", "text": { "type": "plain_text", "text": "y".repeat(76) }, "action_id": "a", "value": "?" }
        ] }
    ])).unwrap() };
    insta::assert_snapshot!(post(&long).join("\n"), @r"
    text has 0: 1..=4000
    text is blank
    section has 3001: 1..=3000
    a section links by itself
    button has 76: 1..=75
    accessibility_label has 0: 1..=75
    accessibility_label is blank
    a value nobody reads
    the local Slack refuses: invalid_blocks; [ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]; [ERROR] must be less than 76 characters [json-pointer:/blocks/1/elements/0/text/text]
    ");
}
