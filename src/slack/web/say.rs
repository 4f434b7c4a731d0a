//! Messages: posted, changed, whispered, taken away.
//!
//! Knows what travels with each of ours (no unfurled links, the key it is found by). Must not know what it says.

use serde::{Deserialize, Serialize};
use slack_morphism::prelude::{
    SlackApiChatDeleteRequest, SlackApiChatPostEphemeralRequest, SlackApiChatPostMessageRequest,
    SlackApiChatUpdateRequest, SlackApiPostWebhookMessageRequest, SlackApiPostWebhookMessageResponse,
    SlackApiReactionsAddRequest, SlackChannelId, SlackMessageContent, SlackMessageMetadata,
    SlackReactionName, SlackResponseUrl, SlackTs, SlackUserId,
};

use super::error::Effect;
use super::{Web, WebError};
use crate::slack::names::Place;
use crate::slack::render::Post;

/// `event_type` of the metadata on every message of ours.
pub(super) const EVENT_TYPE: &str = "devtask";
/// The field of its payload under which the message's key stands.
pub(super) const KEY: &str = "key";

#[derive(Deserialize)]
struct Posted {
    ts: String,
}

/// An answer of which only `ok` counts.
#[derive(Deserialize)]
struct Done {}

impl Web {
    /// Posts, and says the message's `ts`. `key` travels as metadata: [`Web::find`] finds the message by it.
    pub async fn post(&self, place: &Place, post: &Post, key: &str) -> Result<String, WebError> {
        let payload = [(KEY.to_owned(), key.to_owned())].into();
        let metadata = SlackMessageMetadata::new(EVENT_TYPE.to_owned()).with_event_payload(payload);
        let content = content(post).with_metadata(metadata);
        let request = SlackApiChatPostMessageRequest::new(channel(&place.channel), content)
            .opt_thread_ts(thread(place))
            .with_unfurl_links(false)
            .with_unfurl_media(false);
        let posted: Posted = self.write("chat.postMessage", &request).await?;
        Ok(posted.ts)
    }

    /// Puts this in place of what a message of ours says. Its metadata stays.
    pub async fn update(&self, channel_id: &str, ts: &str, post: &Post) -> Result<(), WebError> {
        let at = SlackTs(ts.to_owned());
        let request = SlackApiChatUpdateRequest::new(channel(channel_id), content(post), at);
        self.done("chat.update", &request).await
    }

    /// Takes a message of ours away.
    pub async fn delete(&self, channel_id: &str, ts: &str) -> Result<(), WebError> {
        let request = SlackApiChatDeleteRequest::new(channel(channel_id), SlackTs(ts.to_owned()));
        self.done("chat.delete", &request).await
    }

    /// A message that only `user` sees, until they reload; it cannot be changed afterwards.
    pub async fn ephemeral(&self, place: &Place, user: &str, post: &Post) -> Result<(), WebError> {
        let user = SlackUserId(user.to_owned());
        let request = SlackApiChatPostEphemeralRequest::new(channel(&place.channel), user, content(post))
            .opt_thread_ts(thread(place));
        self.done("chat.postEphemeral", &request).await
    }

    /// Answers a command or a click at its `response_url`, seen by that person alone. Needs no membership; works five
    /// times within 30 minutes.
    pub async fn respond(&self, response_url: &str, post: &Post) -> Result<(), WebError> {
        let bad = |_| WebError::Down { why: "the response address cannot be used".to_owned() };
        let url = SlackResponseUrl(response_url.parse().map_err(bad)?);
        let request = SlackApiPostWebhookMessageRequest::new(content(post)).with_replace_original(false);
        let call = self.0.client.respond_to_event(&url, &request);
        let _: SlackApiPostWebhookMessageResponse = self.limited(Effect::Possible, call).await?;
        Ok(())
    }

    /// Puts an emoji (`eyes`) under a message; that it is there already is no error.
    pub async fn react(&self, channel_id: &str, ts: &str, emoji: &str) -> Result<(), WebError> {
        let (name, ts) = (SlackReactionName(emoji.to_owned()), SlackTs(ts.to_owned()));
        let request = SlackApiReactionsAddRequest::new(channel(channel_id), name, ts);
        match self.done("reactions.add", &request).await {
            Err(WebError::Refused { code }) if code == "already_reacted" => Ok(()),
            other => other,
        }
    }

    pub(super) async fn done<B: Serialize + Send + Sync>(
        &self,
        method: &str,
        body: &B,
    ) -> Result<(), WebError> {
        let _: Done = self.write(method, body).await?;
        Ok(())
    }
}

fn channel(id: &str) -> SlackChannelId {
    SlackChannelId(id.to_owned())
}

fn thread(place: &Place) -> Option<SlackTs> {
    place.thread.clone().map(SlackTs)
}

fn content(post: &Post) -> SlackMessageContent {
    let content = SlackMessageContent::new().with_text(post.text.clone());
    if post.blocks.is_empty() { content } else { content.with_blocks(post.blocks.clone()) }
}
