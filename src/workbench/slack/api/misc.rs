//! Who is asked with, who is there, sockets, reactions, files: the methods that are one line each.
//!
//! Must not know messages' texts.

use serde_json::{Value, json};

use super::{Answer, Call, page};
use crate::workbench::slack::limits;
use crate::workbench::slack::model::Model;
use crate::workbench::slack::model::people::User;
use crate::workbench::slack::refusal::Refusal;

#[expect(clippy::unnecessary_wraps, reason = "every method has this shape")]
pub(super) fn api_test(_: &mut Call<'_>) -> Answer {
    Ok(json!({}))
}

#[expect(clippy::unnecessary_wraps, reason = "every method has this shape")]
pub(super) fn auth_test(call: &mut Call<'_>) -> Answer {
    let model = &call.model;
    Ok(json!({
        "url": format!("{}/", model.url), "team": model.team_name, "user": model.app.name, "team_id": model.team,
        "user_id": model.app.user, "bot_id": model.app.bot, "is_enterprise_install": false,
    }))
}

/// `auth.test` with an app's token.
pub(super) fn app_test(model: &Model) -> Value {
    json!({ "app_name": model.app.name, "app_id": model.app.id })
}

#[expect(clippy::unnecessary_wraps, reason = "every method has this shape")]
pub(super) fn connections_open(call: &mut Call<'_>) -> Answer {
    let ticket = call.model.ticket(call.now);
    let base = call.model.url.replacen("http", "ws", 1);
    Ok(json!({ "url": format!("{base}/link/?ticket={ticket}&app_id={}", call.model.app.id) }))
}

pub(super) fn blocks_validate(call: &mut Call<'_>) -> Answer {
    let blocks = call.args.blocks()?.ok_or_else(|| Refusal::missing("blocks"))?;
    limits::message(" ", &blocks)?;
    Ok(json!({}))
}

pub(super) fn bots_info(call: &mut Call<'_>) -> Answer {
    let app = &call.model.app;
    let bot = call.args.text("bot")?.unwrap_or(&app.bot);
    if bot != app.bot {
        return Err(Refusal::new("bot_not_found"));
    }
    Ok(json!({ "bot": {
        "id": app.bot, "deleted": false, "name": app.name, "updated": 1_700_000_000, "app_id": app.id,
        "user_id": app.user,
    } }))
}

pub(super) fn users_info(call: &mut Call<'_>) -> Answer {
    let user = call.model.user(call.args.needed("user")?).ok_or_else(|| Refusal::new("user_not_found"))?;
    Ok(json!({ "user": user.json() }))
}

pub(super) fn users_list(call: &mut Call<'_>) -> Answer {
    let all: Vec<Value> = call.model.users.values().map(User::json).collect();
    let (members, next) = page(all, call.args, 1_000)?;
    Ok(json!({
        "members": members, "cache_ts": call.now.timestamp(), "response_metadata": { "next_cursor": next },
    }))
}

pub(super) fn reactions_add(call: &mut Call<'_>) -> Answer {
    let (channel, ts, name) = reaction(call)?;
    let app = call.model.app.user.clone();
    call.model.react(channel, ts, &app, name, call.now)?;
    Ok(json!({}))
}

pub(super) fn reactions_remove(call: &mut Call<'_>) -> Answer {
    let (channel, ts, name) = reaction(call)?;
    let app = call.model.app.user.clone();
    call.model.unreact(channel, ts, &app, name)?;
    Ok(json!({}))
}

fn reaction<'a>(call: &Call<'a>) -> Result<(&'a str, &'a str, &'a str), Refusal> {
    let args = call.args;
    let (Some(channel), Some(ts)) = (args.text("channel")?, args.text("timestamp")?) else {
        return Err(Refusal::new("no_item_specified"));
    };
    call.model.joined(channel)?;
    Ok((channel, ts, args.needed("name")?))
}

pub(super) fn files_info(call: &mut Call<'_>) -> Answer {
    let file = call.model.file_json(call.args.needed("file")?);
    Ok(json!({ "file": file.ok_or_else(|| Refusal::new("file_not_found"))? }))
}
