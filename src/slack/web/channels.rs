//! Channels: what one is, becoming a member, the one we share with a person.
//!
//! Must not know what is said in them.

use serde::Deserialize;
use serde_json::json;

use super::{Web, WebError};

/// A channel as the bot sees it; a private one that it is not in, it does not see at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: String,
    pub name: String,
    pub topic: String,
    pub private: bool,
    pub archived: bool,
    /// Whether the bot is in it.
    pub member: bool,
}

#[derive(Deserialize)]
struct Told {
    channel: ChannelTold,
}

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "Slack's flags, as it sends them")]
struct ChannelTold {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    topic: Topic,
    #[serde(default)]
    is_private: bool,
    #[serde(default)]
    is_im: bool,
    #[serde(default)]
    is_archived: bool,
    #[serde(default)]
    is_member: bool,
}

#[derive(Default, Deserialize)]
struct Topic {
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct Opened {
    channel: OpenedChannel,
}

#[derive(Deserialize)]
struct OpenedChannel {
    id: String,
}

impl Web {
    /// What this channel is. `channel_not_found` where it is private and the bot is not in it.
    pub async fn channel(&self, id: &str) -> Result<Channel, WebError> {
        let told: Told = self.read("conversations.info", vec![("channel", Some(id.to_owned()))]).await?;
        let ChannelTold { id, name, topic, is_private, is_im, is_archived, is_member } = told.channel;
        let (private, member) = (is_private || is_im, is_member || is_im);
        Ok(Channel { id, name, topic: topic.value, private, archived: is_archived, member })
    }

    /// Becomes a member of a public channel; that it is one already is no error.
    pub async fn join(&self, channel: &str) -> Result<(), WebError> {
        self.done("conversations.join", &json!({ "channel": channel })).await
    }

    /// The channel of our direct messages with this person.
    pub async fn dm(&self, user: &str) -> Result<String, WebError> {
        let opened: Opened = self.write("conversations.open", &json!({ "users": user })).await?;
        Ok(opened.channel.id)
    }
}
