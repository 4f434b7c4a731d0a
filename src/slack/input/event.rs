//! Messages, as events bring them.
//!
//! A mention in a channel comes twice, as `message` and as `app_mention` with the same `ts`; both are read alike. Must
//! not know whose thread a message is in.

use serde_json::Value;

use super::text::{plain, without_mention};
use super::{Me, Said, What, Words, first_of, text_at};
use crate::slack::names::{Place, User};

/// Kinds of message that are a person's words; all others are edits, deletions, joins and machines.
const SPOKEN: [&str; 3] = ["file_share", "thread_broadcast", "me_message"];
/// Words that begin so are for the people in the thread.
const ASIDE: [&str; 2] = ["!aside", "(aside)"];

pub(super) fn read(payload: &Value, me: &Me) -> Option<Said> {
    let event = payload.get("event")?;
    let kind = text_at(event, "/type").filter(|kind| matches!(*kind, "message" | "app_mention"))?;
    if is_machine(event, me) || is_change(event) {
        return None;
    }
    let (channel, ts) = (text_at(event, "/channel")?, text_at(event, "/ts")?);
    let sent = text_at(event, "/text").unwrap_or_default();
    let direct = text_at(event, "/channel_type") == Some("im");
    let addressed = without_mention(sent, &me.user);
    let mentioned = addressed.is_some() || kind == "app_mention";
    let text = plain(addressed.as_deref().unwrap_or(sent)).trim().to_owned();
    if ASIDE.iter().any(|aside| starts_with_word(&text, aside)) {
        return None;
    }
    let team = first_of(event, &["/user_team", "/team"]).or_else(|| first_of(payload, &["/team_id"]));
    Some(Said {
        user: User { team, id: text_at(event, "/user")?.to_owned() },
        place: Some(Place {
            channel: channel.to_owned(),
            thread: text_at(event, "/thread_ts").filter(|thread| *thread != ts).map(str::to_owned),
        }),
        what: What::Words(Words { ts: ts.to_owned(), text, mentioned, direct }),
        response_url: None,
        trigger: None,
    })
}

/// Other bots, and ourselves.
fn is_machine(event: &Value, me: &Me) -> bool {
    let user = text_at(event, "/user");
    text_at(event, "/bot_id").is_some()
        || event.get("bot_profile").is_some_and(Value::is_object)
        || user.is_none_or(|user| user == me.user || user == "USLACKBOT")
}

fn is_change(event: &Value) -> bool {
    let subtype = text_at(event, "/subtype");
    subtype.is_some_and(|kind| !SPOKEN.contains(&kind))
        || event.get("hidden").and_then(Value::as_bool) == Some(true)
        || event.get("edited").is_some_and(Value::is_object)
}

fn starts_with_word(text: &str, word: &str) -> bool {
    let head = text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    head && text.get(word.len()..).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}
