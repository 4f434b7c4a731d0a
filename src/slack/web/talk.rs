//! What people said in a thread.
//!
//! Machines' words are left out, ours among them. Must not know what the talk is for.

use serde::Deserialize;
use serde_json::Value;

use super::{Web, WebError};

/// What somebody wrote, as Slack sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub user: String,
    pub text: String,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    messages: Vec<Value>,
}

/// Slack gives out no more at once to some apps.
const LINES: &str = "200";

impl Web {
    /// What was said in a thread before the message `before`, the oldest first, from its root on.
    pub async fn talk(&self, channel: &str, thread: &str, before: &str) -> Result<Vec<Line>, WebError> {
        let params = [("channel", channel), ("ts", thread), ("latest", before), ("limit", LINES)];
        let params = params.into_iter().map(|(name, value)| (name, Some(value.to_owned()))).collect();
        let told: Told = self.read("conversations.replies", params).await?;
        Ok(told.messages.iter().filter_map(line).collect())
    }
}

fn line(message: &Value) -> Option<Line> {
    let text = |key: &str| message.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("bot_id").is_some() {
        return None;
    }
    Some(Line { user: text("user")?.to_owned(), text: text("text")?.to_owned() })
}
