//! A channel and its threads as plain text: what a person sees, with the controls that are there.
//!
//! ```text
//! # dev
//! [ana] ‹@devtask› fix the login
//! [devtask]
//!   dt-1 · Fix the login
//!   [Pause] [Cancel…]
//!     ↳ [ana] and the docs
//! (only ana) [devtask] There is no session dt-9.
//! ```
//! Stable: no times, no ids. What Slack highlights as a mention or link, and so notifies or leads away, stands in `‹ ›`:
//! a text that only looks like one does not. Must not know what is meant.

mod blocks;
pub mod mrkdwn;

use std::collections::BTreeMap;

use super::model::Model;
use super::model::channels::{Channel, Sort};
use super::model::messages::Message;
use super::model::views::View;
use blocks::Page;

/// What is written down.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// As this person sees it; `None` = all that anybody sees, with who alone sees what.
    pub reader: Option<String>,
    /// With each message's time of day.
    pub times: bool,
    /// With each message's `text`, which notifications and screen readers say, where blocks are shown.
    pub spoken: bool,
}

/// The whole channel, oldest first, each thread under its root.
pub fn channel(model: &Model, channel: &Channel, detail: &Detail) -> String {
    let sees = |m: &&Message| match (&m.only_for, &detail.reader) {
        (Some(only), Some(reader)) => only == reader,
        _ => true,
    };
    let shown: Vec<&Message> = channel.messages.values().filter(sees).collect();
    let mut threads: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
    for message in &shown {
        if let Some(root) = &message.thread {
            threads.entry(root).or_default().push(message);
        }
    }
    let mut lines = vec![title(model, channel)];
    for message in shown.iter().filter(|m| m.thread.is_none() || m.broadcast) {
        lines.extend(lines_of(model, message, detail));
        for reply in threads.remove(message.ts.as_str()).unwrap_or_default() {
            lines.extend(as_reply(lines_of(model, reply, detail)));
        }
    }
    // Replies to one reader under a root that is gone.
    for reply in threads.into_values().flatten() {
        lines.extend(as_reply(lines_of(model, reply, detail)));
    }
    lines.join("\n") + "\n"
}

/// One thread, as it is shown when it is open.
pub fn thread(model: &Model, channel: &Channel, root: &str, detail: &Detail) -> String {
    let part = |m: &&Message| m.ts == root || m.thread.as_deref() == Some(root);
    let messages = channel.messages.values().filter(part).cloned();
    let only = Channel { messages: messages.map(|m| (m.ts.clone(), m)).collect(), ..channel.clone() };
    self::channel(model, &only, detail)
}

/// An open modal: its title, its blocks, what is wrong, its buttons.
pub fn modal(model: &Model, view: &View) -> String {
    let page = Page { model, state: view.state(), errors: &view.errors };
    let word = |key: &str, usual: &str| {
        let found = view.raw.get(key).and_then(|t| t.get("text")).and_then(serde_json::Value::as_str);
        found.unwrap_or(usual).to_owned()
    };
    let mut lines = vec![format!("== {} ==", word("title", ""))];
    lines.extend(view.blocks().iter().flat_map(|block| page.block(block)));
    lines.extend(view.trouble.map(|text| format!("! {text}")));
    let send = view.raw.get("submit").map(|_| format!(" [{}]", word("submit", "Submit")));
    lines.push(format!("[{}]{}", word("close", "Cancel"), send.unwrap_or_default()));
    lines.join("\n") + "\n"
}

fn title(model: &Model, channel: &Channel) -> String {
    match channel.sort {
        Sort::Dm => {
            let with = channel.with(&model.app).map_or("", |id| model.name_of(id));
            format!("# {with} and {}", model.app.name)
        }
        Sort::Public | Sort::Private => format!("# {}", channel.name),
    }
}

fn as_reply(lines: Vec<String>) -> Vec<String> {
    let mut first = true;
    let indent = |line: String| {
        let sign = if std::mem::take(&mut first) { "↳ " } else { "  " };
        format!("    {sign}{line}").trim_end().to_owned()
    };
    lines.into_iter().map(indent).collect()
}

fn lines_of(model: &Model, message: &Message, detail: &Detail) -> Vec<String> {
    let text = mrkdwn::seen(model, &message.text);
    if message.subtype == Some("channel_join") {
        return vec![format!("· {} joined", model.name_of(&message.user))];
    }
    if message.subtype == Some("channel_leave") {
        return vec![format!("· {} was removed", model.name_of(&message.user))];
    }
    if message.tombstone {
        return vec![format!("· {text}")];
    }
    let page = Page {
        model,
        state: message.state_of(detail.reader.as_deref().unwrap_or_default()),
        errors: &BTreeMap::new(),
    };
    let mut body: Vec<String> = Vec::new();
    if detail.spoken && !message.blocks.is_empty() && message.user == model.app.user {
        body.push(format!("(says: {text})"));
    }
    let person = model.user(&message.user).is_some_and(super::model::people::User::is_person);
    if message.blocks.is_empty() || person {
        body.extend(text.lines().map(str::to_owned));
    } else {
        body.extend(message.blocks.iter().flat_map(|block| page.block(block)));
    }
    let names = message.files.iter().filter_map(|id| model.files.get(id));
    body.extend(names.map(|file| format!("[file: {}]", file.name)));
    if !message.reactions.is_empty() {
        let all = message.reactions.iter().map(|(name, users)| format!(":{name}: {}", users.len()));
        body.push(all.collect::<Vec<String>>().join("  "));
    }
    headed(model, message, detail, body)
}

/// A one-line message stands beside its author, a longer one below.
fn headed(model: &Model, message: &Message, detail: &Detail, mut body: Vec<String>) -> Vec<String> {
    let mut head = String::new();
    if detail.times {
        head.push_str(&message.at.format("%H:%M:%S ").to_string());
    }
    if let Some(reader) = message.only_for.as_ref().filter(|_| detail.reader.is_none()) {
        head.push_str(&format!("(only {}) ", model.name_of(reader)));
    } else if message.only_for.is_some() {
        head.push_str("(only you) ");
    }
    head.push_str(&format!("[{}]", model.name_of(&message.user)));
    if message.edited.is_some() {
        body.push("(edited)".to_owned());
    }
    match body.as_slice() {
        [line] if message.blocks.is_empty() || line.chars().count() < 60 => vec![format!("{head} {line}")],
        _ => {
            let below = body.into_iter().map(|line| format!("  {line}").trim_end().to_owned());
            std::iter::once(head).chain(below).collect()
        }
    }
}
