//! Clicks, forms and shortcuts.
//!
//! Only controls of ours are understood (see [`button`](crate::slack::button)); a changed select or checkbox decides
//! nothing and is nobody's click. Must not know what a control leads to.

use serde_json::Value;

use super::fields::Fields;
use super::text::plain;
use super::{Click, Said, What, first_of, owned, text_at};
use crate::slack::button::{Button, Form};
use crate::slack::manifest::SHORTCUT;
use crate::slack::names::{Place, User};

pub(super) fn read(payload: &Value) -> Option<Said> {
    let what = match text_at(payload, "/type")? {
        "block_actions" => click(payload)?,
        "view_submission" => submit(payload)?,
        "message_action" => shortcut(payload)?,
        _ => return None,
    };
    Some(Said {
        user: User {
            team: first_of(payload, &["/user/team_id", "/team/id"]),
            id: text_at(payload, "/user/id")?.to_owned(),
        },
        place: place(payload),
        what,
        response_url: owned(payload, "/response_url"),
        trigger: owned(payload, "/trigger_id"),
    })
}

fn click(payload: &Value) -> Option<What> {
    let actions = payload.get("actions").and_then(Value::as_array)?;
    let button = actions.iter().filter_map(|a| text_at(a, "/value")).find_map(Button::read)?;
    let message = first_of(payload, &["/message/ts", "/container/message_ts"]);
    Some(What::Click(Click { button, message, fields: Fields::read(payload.get("state")) }))
}

fn submit(payload: &Value) -> Option<What> {
    let form = Form::read(text_at(payload, "/view/private_metadata")?)?;
    let ours = text_at(payload, "/view/callback_id") == Some(form.name());
    let fields = Fields::read(payload.pointer("/view/state"));
    ours.then_some(What::Submit { form, fields })
}

fn shortcut(payload: &Value) -> Option<What> {
    if text_at(payload, "/callback_id") != Some(SHORTCUT.1) {
        return None;
    }
    let text = plain(text_at(payload, "/message/text").unwrap_or_default());
    Some(What::Shortcut { text, ts: owned(payload, "/message/ts")? })
}

/// Where the message with the control lies; `None` for a form.
fn place(payload: &Value) -> Option<Place> {
    let channel = first_of(payload, &["/channel/id", "/container/channel_id"])?;
    let message = first_of(payload, &["/message/ts", "/container/message_ts"]);
    let thread = first_of(payload, &["/message/thread_ts", "/container/thread_ts"]);
    Some(Place { channel, thread: thread.filter(|thread| message.as_ref() != Some(thread)) })
}
