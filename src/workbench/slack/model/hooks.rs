//! `response_url`s: five posts within half an hour, into a channel the app need not be in.
//!
//! Must not know HTTP.

use serde_json::Value;

use super::Model;
use super::messages::{Change, Draft};
use crate::clock::Time;
use crate::workbench::slack::refusal::Refusal;

const MOST_USES: u32 = 5;
const MINUTES: i64 = 30;
/// Kept at the same time; the oldest go.
const MOST_HOOKS: usize = 4_096;

#[derive(Clone, Debug)]
pub struct Hook {
    pub channel: String,
    pub user: String,
    /// The message whose control was used.
    pub message: Option<String>,
    pub made: Time,
    pub uses: u32,
}

/// What is posted to a `response_url`.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub text: String,
    pub blocks: Vec<Value>,
    pub thread: Option<String>,
    /// For everybody, not only for the one who asked.
    pub in_channel: bool,
    pub replace: bool,
    pub delete: bool,
}

impl Model {
    /// A new address for replies.
    pub fn hook(&mut self, channel: &str, user: &str, message: Option<&str>, now: Time) -> String {
        let id = self.id("R");
        let hook = Hook {
            channel: channel.to_owned(),
            user: user.to_owned(),
            message: message.map(str::to_owned),
            made: now,
            uses: 0,
        };
        let url = format!("{}/response/{}/{id}", self.url, self.team);
        self.hooks.insert(id, hook);
        while self.hooks.len() > MOST_HOOKS {
            self.hooks.pop_first();
        }
        url
    }

    pub fn respond(&mut self, id: &str, reply: Reply, now: Time) -> Result<(), Refusal> {
        let hook = self.hooks.get_mut(id).ok_or_else(|| Refusal::new("invalid_url"))?;
        if (now - hook.made).num_minutes() >= MINUTES {
            return Err(Refusal::new("expired_url"));
        }
        if hook.uses >= MOST_USES {
            return Err(Refusal::new("used_url"));
        }
        hook.uses += 1;
        let hook = hook.clone();
        match &hook.message {
            Some(ts) if reply.delete => self.delete(&hook.channel, ts, now),
            Some(ts) if reply.replace => {
                let blocks = (!reply.blocks.is_empty()).then_some(reply.blocks);
                let change = Change { text: Some(reply.text), blocks, metadata: None };
                self.alter(&hook.channel, ts, change, now)
            }
            _ => self.answer(&hook, reply, now).map(drop),
        }
    }

    fn answer(&mut self, hook: &Hook, reply: Reply, now: Time) -> Result<String, Refusal> {
        self.check_thread(&hook.channel, reply.thread.as_deref())?;
        let draft = Draft {
            text: reply.text,
            blocks: reply.blocks,
            thread: reply.thread,
            only_for: (!reply.in_channel).then(|| hook.user.clone()),
            ..Draft::default()
        };
        let app = self.app.user.clone();
        self.put(&hook.channel, &app, draft, now)
    }
}
