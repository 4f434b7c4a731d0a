//! Slack's markup as it is seen: names instead of ids, links with where they lead.
//!
//! Must not know blocks.

use crate::workbench::slack::model::Model;

/// A text in Slack's markup, as it is seen. Stars and backticks stay.
pub fn seen(model: &Model, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(&unescaped(before));
        if let Some((inside, after)) = after.split_once('>') {
            out.push_str(&special(model, inside));
            rest = after;
        } else {
            out.push('<');
            rest = after;
        }
    }
    out.push_str(&unescaped(rest));
    out
}

/// What lies between `<` and `>`.
fn special(model: &Model, inside: &str) -> String {
    let (target, label) = inside.split_once('|').map_or((inside, None), |(t, l)| (t, Some(l)));
    if let Some(user) = target.strip_prefix('@') {
        return format!("‹@{}›", model.name_of(user));
    }
    if let Some(channel) = target.strip_prefix('#') {
        let name = model.channels.get(channel).map(|room| room.name.as_str());
        return format!("‹#{}›", name.or(label).unwrap_or(channel));
    }
    if let Some(command) = target.strip_prefix('!') {
        // A date shows its fallback here: what it would show depends on the reader's clock.
        return match command.split('^').next() {
            Some("date") => unescaped(label.unwrap_or(command)),
            _ => format!("‹@{}›", command.split('^').next().unwrap_or(command)),
        };
    }
    link(target, label)
}

/// `‹words → address›`.
pub fn link(address: &str, words: Option<&str>) -> String {
    match words.filter(|w| !w.is_empty()) {
        Some(words) => format!("‹{} → {}›", unescaped(words), unescaped(address)),
        None => format!("‹{}›", unescaped(address)),
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
