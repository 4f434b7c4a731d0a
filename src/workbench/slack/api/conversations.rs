//! `conversations.*`: channels, who is in them, what lies in them.
//!
//! Must not know how messages look.

use serde_json::{Value, json};

use super::{Answer, Call, page};
use crate::workbench::slack::model::channels::{Channel, Sort};
use crate::workbench::slack::model::messages::Message;
use crate::workbench::slack::refusal::Refusal;

pub(super) fn open(call: &mut Call<'_>) -> Answer {
    let users = call.args.words("users");
    let (id, there) = match (call.args.text("channel")?, users.as_slice()) {
        (Some(channel), _) => (call.model.known(channel)?.id.clone(), true),
        (None, [user]) => call.model.dm_with(user, call.now)?,
        (None, []) => return Err(Refusal::new("users_list_not_supplied")),
        (None, _) => return Err(Refusal::new("not_enough_users")),
    };
    let channel = call.model.known(&id)?;
    let shown =
        if call.args.flag("return_im")? { channel.json(&call.model.app) } else { json!({ "id": id }) };
    Ok(json!({ "channel": shown, "already_open": there, "no_op": there }))
}

pub(super) fn join(call: &mut Call<'_>) -> Answer {
    let id = call.args.needed("channel")?;
    if call.model.known(id)?.sort == Sort::Dm {
        return Err(Refusal::new("method_not_supported_for_channel_type"));
    }
    let app = call.model.app.user.clone();
    let already = call.model.enter(id, &app, call.now)?;
    let mut answer = json!({ "channel": call.model.known(id)?.json(&call.model.app) });
    if let Some(map) = answer.as_object_mut().filter(|_| already) {
        map.insert("warning".into(), json!("already_in_channel"));
        map.insert("response_metadata".into(), json!({ "warnings": ["already_in_channel"] }));
    }
    Ok(answer)
}

pub(super) fn info(call: &mut Call<'_>) -> Answer {
    let channel = call.model.known(call.args.needed("channel")?)?;
    Ok(json!({ "channel": channel.json(&call.model.app) }))
}

pub(super) fn members(call: &mut Call<'_>) -> Answer {
    let channel = call.model.known(call.args.needed("channel")?)?;
    let (members, next) = page(channel.members.iter().collect(), call.args, 100)?;
    Ok(json!({ "members": members, "response_metadata": { "next_cursor": next } }))
}

pub(super) fn list(call: &mut Call<'_>) -> Answer {
    let sorts = call.args.words("types");
    let wanted = |channel: &&Channel| {
        let word = match channel.sort {
            Sort::Public => "public_channel",
            Sort::Private => "private_channel",
            Sort::Dm => "im",
        };
        let asked = if sorts.is_empty() { word == "public_channel" } else { sorts.iter().any(|s| s == word) };
        asked && call.model.known(&channel.id).is_ok()
    };
    let found: Vec<Value> =
        call.model.channels.values().filter(wanted).map(|c| c.json(&call.model.app)).collect();
    let (channels, next) = page(found, call.args, 100)?;
    Ok(json!({ "channels": channels, "response_metadata": { "next_cursor": next } }))
}

/// What the channel itself shows, newest first: no replies but those sent to the channel too.
pub(super) fn history(call: &mut Call<'_>) -> Answer {
    let id = call.args.needed("channel")?;
    let shown = |m: &&Message| m.thread.is_none() || m.broadcast;
    let mut found: Vec<&Message> = call.model.joined(id)?.messages.values().filter(shown).collect();
    found.reverse();
    messages(call, id, found, 100)
}

/// A thread, oldest first, with its root; a message without replies alone.
pub(super) fn replies(call: &mut Call<'_>) -> Answer {
    let (id, ts) = (call.args.needed("channel")?, call.args.needed("ts")?);
    let found = call.model.joined(id)?.messages.get(ts).filter(|m| m.only_for.is_none());
    let first = found.ok_or_else(|| Refusal::new("thread_not_found"))?;
    let found = std::iter::once(first).chain(call.model.replies(id, ts)).collect();
    messages(call, id, found, 1_000)
}

fn messages(call: &Call<'_>, id: &str, found: Vec<&Message>, usual: usize) -> Answer {
    let (oldest, latest) = (call.args.text("oldest")?, call.args.text("latest")?);
    let inclusive = call.args.flag("inclusive")?;
    let within = |m: &&Message| {
        let edge = inclusive && (Some(m.ts.as_str()) == oldest || Some(m.ts.as_str()) == latest);
        edge || (oldest.is_none_or(|t| t == "0" || m.ts.as_str() > t)
            && latest.is_none_or(|t| m.ts.as_str() < t))
    };
    let metadata = call.args.flag("include_all_metadata")?;
    let found: Vec<&Message> = found.into_iter().filter(|m| m.only_for.is_none()).filter(within).collect();
    let (found, next) = page(found, call.args, usual)?;
    let shown: Vec<Value> = found.iter().map(|m| call.model.message_json(id, m, metadata)).collect();
    Ok(json!({
        "messages": shown, "has_more": !next.is_empty(), "response_metadata": { "next_cursor": next },
    }))
}
