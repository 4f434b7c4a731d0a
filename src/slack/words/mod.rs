//! All words said to people in Slack, in one voice.
//!
//! Short sentences that say what is, then what to do; a word beside every sign, so that nothing hangs on a picture or a
//! colour. Texts are `mrkdwn` unless they say otherwise, and foreign text in them is escaped here. Must not know blocks.

pub mod asks;
pub mod desk;
pub mod ends;
pub mod figures;
pub mod forms;
pub mod help;
pub mod status;
pub mod troubles;

use super::escape;
use super::names::User;
use crate::domain::Actor;

/// How people are shown: an actor as a view spells it (`person:slack/U024`) to `<@U024>` or a plain name.
pub type People<'a> = &'a dyn Fn(&str) -> String;

/// The usual [`People`]: who came through Slack is mentioned, all others are named.
pub fn mention(actor: &str) -> String {
    let known = Actor::try_from(actor.to_owned());
    match known.as_ref().map(|a| (a, User::id_of(a))) {
        Ok((_, Some(id))) if is_user(id) => format!("<@{id}>"),
        Ok((actor, _)) => name(actor.name()),
        Err(_) => name(actor.rsplit('/').next().unwrap_or(actor)),
    }
}

/// Whoever is called `<@U024>` at another door is not mentioned for it.
fn name(text: &str) -> String {
    escape::plain(text, 80)
}

/// A person in a sentence. What `people` gives back counts as a mention only where it is exactly one.
pub fn person(people: People<'_>, actor: &str) -> String {
    let shown = people(actor);
    let id = shown.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>'));
    if id.is_some_and(is_user) { shown } else { escape::line(&shown, 80) }
}

fn is_user(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    id.starts_with(['U', 'W']) && (2..=32).contains(&id.len()) && id.bytes().all(plain)
}

/// `1 question`, `3 questions`.
pub fn counted(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// Begins with a capital, ends with a full stop. A name in backticks or an id stays as it is.
pub fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let text = if text.starts_with("dt-") { text.to_owned() } else { first + rest.as_str() };
    if text.ends_with(['.', '?', '!', '…']) { text } else { text + "." }
}
