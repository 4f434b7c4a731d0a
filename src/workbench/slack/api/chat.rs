//! `chat.*`: messages of the app.
//!
//! Must not know who reads them.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::workbench::slack::limits;
use crate::workbench::slack::model::messages::{Change, Draft};
use crate::workbench::slack::refusal::Refusal;

pub(super) fn post_message(call: &mut Call<'_>) -> Answer {
    let draft = draft(call)?;
    let channel = place(call)?;
    let ts = call.model.post(&channel, draft, call.now)?;
    Ok(json!({ "channel": channel, "ts": ts, "message": shown(call, &channel, &ts) }))
}

/// A channel, or a person: then the talk with them.
fn place(call: &mut Call<'_>) -> Result<String, Refusal> {
    let channel = call.args.needed("channel")?;
    if call.model.user(channel).is_some() {
        return call.model.dm_with(channel, call.now).map(|(id, _)| id);
    }
    Ok(channel.to_owned())
}

pub(super) fn post_ephemeral(call: &mut Call<'_>) -> Answer {
    let draft = draft(call)?;
    let (channel, user) = (call.args.needed("channel")?, call.args.needed("user")?.to_owned());
    let ts = call.model.post(channel, Draft { only_for: Some(user), ..draft }, call.now)?;
    Ok(json!({ "message_ts": ts }))
}

pub(super) fn update(call: &mut Call<'_>) -> Answer {
    let (channel, ts) = (call.args.needed("channel")?, call.args.needed("ts")?);
    let (text, blocks) = content(call)?;
    let change = Change { text: Some(text.clone()), blocks, metadata: metadata(call)? };
    call.model.update(channel, ts, change, call.now)?;
    Ok(json!({ "channel": channel, "ts": ts, "text": text, "message": shown(call, channel, ts) }))
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let (channel, ts) = (call.args.needed("channel")?, call.args.needed("ts")?);
    call.model.delete_own(channel, ts, call.now)?;
    Ok(json!({ "channel": channel, "ts": ts }))
}

pub(super) fn permalink(call: &mut Call<'_>) -> Answer {
    let (channel, ts) = (call.args.needed("channel")?, call.args.needed("message_ts")?);
    let room = call.model.known(channel)?;
    let message = room.messages.get(ts).ok_or_else(|| Refusal::new("message_not_found"))?;
    Ok(json!({ "channel": channel, "permalink": call.model.permalink(channel, message) }))
}

fn draft(call: &Call<'_>) -> Result<Draft, Refusal> {
    let (text, blocks) = content(call)?;
    Ok(Draft {
        text,
        blocks: blocks.unwrap_or_default(),
        thread: call.args.text("thread_ts")?.filter(|ts| !ts.is_empty()).map(str::to_owned),
        metadata: metadata(call)?,
        broadcast: call.args.flag("reply_broadcast")?,
        ..Draft::default()
    })
}

/// Text and blocks, checked. `markdown_text` stands alone and is a block of its own.
fn content(call: &Call<'_>) -> Result<(String, Option<Vec<Value>>), Refusal> {
    let text = call.args.text("text")?.unwrap_or_default().to_owned();
    let mut blocks = call.args.blocks()?;
    if let Some(markdown) = call.args.text("markdown_text")? {
        if !text.is_empty() || blocks.is_some() {
            return Err(Refusal::new("markdown_text_conflict"));
        }
        blocks = Some(vec![json!({ "type": "markdown", "text": markdown })]);
    }
    limits::message(&text, blocks.as_deref().unwrap_or_default())?;
    Ok((text, blocks))
}

fn metadata(call: &Call<'_>) -> Result<Option<Value>, Refusal> {
    let Some(metadata) = call.args.json("metadata") else { return Ok(None) };
    limits::metadata(metadata)?;
    Ok(Some(metadata.clone()))
}

fn shown(call: &Call<'_>, channel: &str, ts: &str) -> Value {
    let room = call.model.channels.get(channel);
    let message = room.and_then(|room| room.messages.get(ts));
    message.map_or(Value::Null, |message| call.model.message_json(channel, message, true))
}
