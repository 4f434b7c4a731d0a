//! A message as plain text: what a person sees, and which controls there are.

use serde_json::Value;
use slack_morphism::prelude::SlackView;

use crate::slack::render::Post;

pub(super) fn post(post: &Post) -> String {
    format!("text: {}\n{}", post.text, blocks(&serde_json::to_value(&post.blocks).unwrap()))
}

pub(super) fn view(view: &SlackView) -> String {
    let view = serde_json::to_value(view).unwrap();
    let button = |name: &str| view[name]["text"].as_str().map(|t| format!(" [{t}]")).unwrap_or_default();
    let head = format!("{}{}{}", text(&view["title"]), button("submit"), button("close"));
    format!("form: {head} {}\n{}", view["private_metadata"].as_str().unwrap_or("–"), blocks(&view["blocks"]))
}

fn blocks(blocks: &Value) -> String {
    blocks.as_array().unwrap().iter().map(block).collect::<Vec<_>>().join("\n")
}

fn block(b: &Value) -> String {
    match b["type"].as_str().unwrap() {
        "header" => format!("# {}", text(&b["text"])),
        "section" => text(&b["text"]),
        "context" => format!("~ {}", text(&b["elements"][0]).replace('\n', "\n~ ")),
        "markdown" => format!("markdown:\n  {}", b["text"].as_str().unwrap().replace('\n', "\n  ")),
        "rich_text" => {
            let lines = b["elements"][0]["elements"][0]["text"].as_str().unwrap();
            format!("| {}", lines.trim_end().replace('\n', "\n| "))
        }
        "actions" => {
            let all: Vec<String> = b["elements"].as_array().unwrap().iter().map(button).collect();
            all.join(" ")
        }
        "input" => input(b),
        other => panic!("a block nobody knows: {other}"),
    }
}

fn text(t: &Value) -> String {
    t["text"].as_str().unwrap().to_owned()
}

fn button(b: &Value) -> String {
    let mark = match b["style"].as_str() {
        Some("primary") => "*",
        Some("danger") => "!",
        _ => "",
    };
    let ask = if b["confirm"].is_object() { "?" } else { "" };
    let link = b["url"].as_str().map(|u| format!(" → {u}")).unwrap_or_default();
    format!("[{mark}{}{ask}{link}]", text(&b["text"]))
}

fn input(b: &Value) -> String {
    let e = &b["element"];
    let options = |e: &Value| {
        let all = e["options"].as_array().unwrap();
        all.iter()
            .map(|o| format!("{}={}", o["value"].as_str().unwrap(), text(&o["text"])))
            .collect::<Vec<_>>()
            .join(" | ")
    };
    let field = match e["type"].as_str().unwrap() {
        "plain_text_input" => format!("_{}_", e["initial_value"].as_str().unwrap_or("")),
        kind @ "radio_buttons" => {
            format!("{kind}({}) chosen {}", options(e), e["initial_option"]["value"].as_str().unwrap_or("–"))
        }
        kind => format!("{kind}({})", options(e)),
    };
    let must = if b["optional"].as_bool() == Some(true) { "" } else { " *" };
    format!("{} `{}`{must}: {field}", text(&b["label"]), b["block_id"].as_str().unwrap())
}
