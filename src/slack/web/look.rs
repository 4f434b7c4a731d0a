//! Looks for a message of ours by the key in its metadata.
//!
//! Knows how a channel and a thread are read back. Must not know why somebody doubts. Foreign messages are passed over
//! without being understood: any app may put anything into its metadata.

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::Value;

use super::say::{EVENT_TYPE, KEY};
use super::{Web, WebError};
use crate::clock::Time;
use crate::slack::names::Place;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    messages: Vec<Value>,
    #[serde(default)]
    response_metadata: Option<Next>,
}

#[derive(Default, Deserialize)]
struct Next {
    #[serde(default)]
    next_cursor: String,
}

const PAGE: &str = "200";
/// A channel in which more is said meanwhile is not read to its end.
const MAX_PAGES: usize = 10;
/// Slack's clock and ours may differ.
const SKEW: TimeDelta = TimeDelta::minutes(2);

impl Web {
    /// The `ts` of every message with this key that was posted there since then, the oldest first.
    pub async fn find(&self, place: &Place, key: &str, since: Time) -> Result<Vec<String>, WebError> {
        let mut found = Vec::new();
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let page = self.page(place, since, cursor.take()).await?;
            found.extend(page.messages.iter().filter_map(|message| ts_of(message, key)));
            cursor = page.response_metadata.map(|next| next.next_cursor).filter(|next| !next.is_empty());
            if cursor.is_none() {
                break;
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    async fn page(&self, place: &Place, since: Time, cursor: Option<String>) -> Result<Page, WebError> {
        let oldest = (since - SKEW).timestamp_micros();
        let oldest = format!("{}.{:06}", oldest.div_euclid(1_000_000), oldest.rem_euclid(1_000_000));
        let mut params = vec![
            ("channel", Some(place.channel.clone())),
            ("oldest", Some(oldest)),
            ("limit", Some(PAGE.to_owned())),
            ("include_all_metadata", Some("true".to_owned())),
            ("cursor", cursor),
        ];
        let method = match &place.thread {
            None => "conversations.history",
            Some(thread) => {
                params.push(("ts", Some(thread.clone())));
                "conversations.replies"
            }
        };
        self.read(method, params).await
    }
}

fn ts_of(message: &Value, key: &str) -> Option<String> {
    let metadata = message.get("metadata")?;
    let ours = metadata.get("event_type")?.as_str()? == EVENT_TYPE;
    let same = metadata.get("event_payload")?.get(KEY)?.as_str()? == key;
    let ts = message.get("ts")?.as_str()?;
    (ours && same).then(|| ts.to_owned())
}
