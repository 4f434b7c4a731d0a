//! `views.*`: modals and home tabs.
//!
//! Must not know what is in them beyond what `limits` checks.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::workbench::slack::limits;
use crate::workbench::slack::model::text_of;
use crate::workbench::slack::model::views::Which;
use crate::workbench::slack::refusal::Refusal;

pub(super) fn open(call: &mut Call<'_>) -> Answer {
    let (trigger, view) = (call.args.needed("trigger_id")?, modal(call)?);
    Ok(json!({ "view": call.model.open_view(trigger, view, call.now)? }))
}

pub(super) fn push(call: &mut Call<'_>) -> Answer {
    let (trigger, view) = (call.args.needed("trigger_id")?, modal(call)?);
    Ok(json!({ "view": call.model.push_view(trigger, view, call.now)? }))
}

pub(super) fn update(call: &mut Call<'_>) -> Answer {
    let view = view(call)?;
    let which = match (call.args.text("view_id")?, call.args.text("external_id")?) {
        (Some(id), None) => Which::Id(id),
        (None, Some(id)) => Which::External(id),
        _ => return Err(Refusal::arguments("[ERROR] needs either view_id or external_id")),
    };
    let hash = call.args.text("hash")?;
    Ok(json!({ "view": call.model.update_view(&which, hash, view, call.now)? }))
}

pub(super) fn publish(call: &mut Call<'_>) -> Answer {
    let view = view(call)?;
    if text_of(&view, "type") != Some("home") {
        return Err(Refusal::arguments("[ERROR] must be a home tab [json-pointer:/view/type]"));
    }
    let (user, hash) = (call.args.needed("user_id")?, call.args.text("hash")?);
    Ok(json!({ "view": call.model.publish_view(user, hash, view, call.now)? }))
}

fn view(call: &Call<'_>) -> Result<Value, Refusal> {
    let view = call.args.json("view").ok_or_else(|| Refusal::missing("view"))?;
    limits::view(view)?;
    Ok(view.clone())
}

fn modal(call: &Call<'_>) -> Result<Value, Refusal> {
    let view = view(call)?;
    if text_of(&view, "type") == Some("modal") {
        return Ok(view);
    }
    Err(Refusal::arguments("[ERROR] must be a modal [json-pointer:/view/type]"))
}
