//! The workspace as one person sees it, as JSON for a page to draw.
//!
//! Knows who sees which channel, message and modal. The shapes stand in `face.rs`. Must not know who asks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::Model;
use super::model::channels::{Channel, Sort};
use super::model::messages::Message;
use super::model::people::{SLACKBOT, User};
use super::model::views::View;
use super::settings::Kind;
use crate::clock::Time;

/// Messages shown of a channel: the newest.
const MOST_MESSAGES: usize = 1_000;

/// Everybody, for a page that asks who to be.
pub fn people(model: &Model) -> Value {
    let all = model.users.values().filter(|user| user.id != SLACKBOT);
    json!({
        "team": { "id": model.team, "name": model.team_name },
        "bot": { "user": model.app.user, "name": model.app.name },
        "users": all.map(person).collect::<Vec<Value>>(),
    })
}

fn person(user: &User) -> Value {
    json!({
        "id": user.id, "name": user.name, "realName": user.real_name, "kind": user.kind, "team": user.team,
    })
}

/// `None` = there is no such person.
pub fn state(model: &Model, id: &str, now: Time) -> Option<Value> {
    let user = model.user(id).filter(|user| user.is_person())?;
    let stack = model.views.modals.get(id).map_or(&[][..], Vec::as_slice);
    let top = stack.last().map(|view| shown_modal(model, view, stack.len()));
    let rooms = model.channels.values().filter(|room| room.seen_by(user));
    Some(json!({
        "version": model.version, "now": now, "me": person(user),
        "channels": rooms.map(|room| channel(model, room, user)).collect::<Vec<Value>>(),
        "modal": top, "home": model.views.homes.get(id).map(|view| view.json(model)),
        "commands": model.app.commands, "shortcuts": model.app.shortcuts,
        "connections": model.sockets.open.len(),
    }))
}

fn channel(model: &Model, room: &Channel, user: &User) -> Value {
    let mut replies: BTreeMap<&str, usize> = BTreeMap::new();
    for root in room.messages.values().filter(|m| m.only_for.is_none()).filter_map(|m| m.thread.as_deref()) {
        *replies.entry(root).or_default() += 1;
    }
    let sort = match room.sort {
        Sort::Public => "public",
        Sort::Private => "private",
        Sort::Dm => "dm",
    };
    let sees = |m: &&Message| m.only_for.as_ref().is_none_or(|reader| *reader == user.id);
    let mine: Vec<&Message> = room.messages.values().filter(sees).collect();
    let newest = mine.iter().skip(mine.len().saturating_sub(MOST_MESSAGES));
    json!({
        "id": room.id, "name": room.name, "kind": sort, "with": room.with(&model.app),
        "member": room.members.contains(&user.id), "botIn": room.members.contains(&model.app.user),
        "topic": room.topic, "members": room.members,
        "messages": newest.map(|m| message(model, m, replies.get(m.ts.as_str()), user)).collect::<Vec<Value>>(),
    })
}

fn message(model: &Model, message: &Message, replies: Option<&usize>, user: &User) -> Value {
    let author = model.user(&message.user);
    let reactions = message.reactions.iter();
    let reactions = reactions.map(|(name, users)| json!({ "name": name, "users": users }));
    let files = message.files.iter().filter_map(|id| model.files.get(id));
    let file = |f: &super::model::files::File| json!({ "id": f.id, "name": f.name, "size": f.text.len(), "url": format!("/files/{}", f.id) });
    json!({
        "ts": message.ts, "at": message.at, "user": message.user,
        "name": author.map_or("", |user| &user.name),
        "bot": author.is_some_and(|user| user.kind == Kind::Bot), "text": message.text,
        "blocks": message.blocks, "thread": message.thread,
        "replies": replies.unwrap_or(&0), "edited": message.edited.is_some(),
        "onlyYou": message.only_for.is_some(), "joined": message.subtype == Some("channel_join"),
        "deleted": message.tombstone, "broadcast": message.broadcast,
        "reactions": reactions.collect::<Vec<Value>>(), "files": files.map(file).collect::<Vec<Value>>(),
        "state": message.state_of(&user.id),
    })
}

fn shown_modal(model: &Model, view: &View, depth: usize) -> Value {
    let title = view.raw.pointer("/title/text");
    json!({
        "id": view.id, "title": title, "view": view.json(model), "depth": depth, "busy": view.busy,
        "errors": view.errors, "trouble": view.trouble, "state": view.state(),
    })
}
