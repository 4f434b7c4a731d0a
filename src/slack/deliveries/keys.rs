//! What came over a socket or over HTTP as a delivery: its kind, and the key that makes a repeat known.
//!
//! Reads of a payload only what makes a key. Must not know what a delivery means.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::ACK_WITHIN;
use crate::domain::Time;
use crate::store::slack::Delivery;

pub const EVENT: &str = "event";
pub const COMMAND: &str = "command";
pub const INTERACTION: &str = "interaction";

/// Slack sends an event again so often.
const RETRIES: u32 = 3;
/// Longer ones are hashed.
const NAME_MAX: usize = 200;
/// Of the name of a kind nobody told us of.
const KIND_MAX: usize = 40;

/// A delivery, and whether Slack will send it again where it is not acked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub delivery: Delivery,
    pub comes_again: bool,
}

/// What an envelope's `type` is called in a delivery. Those nobody told us of keep their name.
pub fn kind_of(envelope: &str) -> String {
    match envelope {
        "events_api" => EVENT.to_owned(),
        "slash_commands" => COMMAND.to_owned(),
        "interactive" => INTERACTION.to_owned(),
        other => other.chars().take(KIND_MAX).collect(),
    }
}

impl Arrival {
    /// `own_name`: the name Slack or we gave to this one sending, for what has no name of its own. `retry`: how often
    /// it was sent before.
    pub fn new(kind: String, own_name: &str, payload: String, retry: u32, at: Time) -> Self {
        let key = match kind.as_str() {
            EVENT => event_key(&payload).unwrap_or_else(|| key(&kind, own_name)),
            _ => key(&kind, own_name),
        };
        let comes_again = kind == EVENT && retry < RETRIES;
        let delivery = Delivery { key, kind, payload, received_at: at, deadline: at + ACK_WITHIN };
        Self { delivery, comes_again }
    }
}

fn key(kind: &str, name: &str) -> String {
    if name.len() > NAME_MAX { format!("{kind}:{}", sha256(&[name])) } else { format!("{kind}:{name}") }
}

/// An event's name stays when it is sent again. A message is also one with all that name its place in its channel: the
/// `message` and the `app_mention` of one line are two deliveries, and each is taken in once.
fn event_key(payload: &str) -> Option<String> {
    let payload: Value = serde_json::from_str(payload).ok()?;
    let text = |path: &str| payload.pointer(path).and_then(Value::as_str);
    if let (Some(kind @ ("message" | "app_mention")), Some(channel), Some(ts)) =
        (text("/event/type"), text("/event/channel"), text("/event/ts"))
    {
        let subtype = text("/event/subtype").unwrap_or_default();
        return Some(key(EVENT, &[kind, subtype, channel, ts].join(":")));
    }
    text("/event_id").map(|id| key(EVENT, id))
}

/// Hexadecimal; the parts are told apart by a NUL, which none of them has.
pub fn sha256(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing into a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
