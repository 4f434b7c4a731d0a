//! The person's side: what somebody does in Slack's window, and what the app is told of it.
//!
//! Pure: an act changes the model or is refused, as the window would refuse it. Must not know who shows the window.

mod compose;
mod controls;
mod payload;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::Model;
use super::model::channels::Channel;
use super::model::deliveries::{Kind, Origin};
use super::model::messages::{Change, Message};
use super::model::people::User;
use super::refusal::Refusal;
use crate::clock::Time;

/// Somebody does something.
#[derive(Clone, Debug, Deserialize)]
pub struct Deed {
    /// `U0ANA`.
    #[serde(rename = "as")]
    pub who: String,
    #[serde(flatten)]
    pub act: Act,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Act {
    /// As typed: `@name` and `#channel` become mentions, a first `/` makes it a command.
    Say {
        channel: String,
        text: String,
        thread: Option<String>,
        file: Option<Attached>,
    },
    /// A control outside of inputs. `gone`: it is no longer there; this is what it was, on a screen that is not fresh.
    Click {
        at: Place,
        block: String,
        action: String,
        value: Option<Value>,
        gone: Option<Value>,
    },
    /// An input.
    Fill {
        at: Place,
        block: String,
        action: String,
        value: Value,
    },
    /// What is typed into an external select.
    Suggest {
        at: Place,
        block: String,
        action: String,
        value: String,
    },
    /// The modal on top is sent.
    Submit,
    Close,
    Shortcut {
        callback: String,
        channel: Option<String>,
        ts: Option<String>,
    },
    Edit {
        channel: String,
        ts: String,
        text: String,
    },
    Delete {
        channel: String,
        ts: String,
    },
    React {
        channel: String,
        ts: String,
        name: String,
    },
    Invite {
        channel: String,
        user: String,
    },
    Home,
    Dm,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attached {
    pub name: String,
    pub text: String,
}

/// Where a control is.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Place {
    View { view: String },
    Message { channel: String, ts: String },
}

impl Place {
    pub fn message(channel: &str, ts: &str) -> Self {
        Self::Message { channel: channel.into(), ts: ts.into() }
    }
}

/// What came of an act.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Of the message that was said.
    pub ts: Option<String>,
    /// What was sent to the app because of it.
    pub delivery: Option<String>,
}

/// Why an act is not possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotPossible(pub String);

impl From<Refusal> for NotPossible {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.to_string())
    }
}

type Done = Result<Receipt, NotPossible>;

fn no<T>(why: impl Into<String>) -> Result<T, NotPossible> {
    Err(NotPossible(why.into()))
}

/// One person, about to act.
struct Hands<'a> {
    model: &'a mut Model,
    user: User,
    now: Time,
}

/// Does it.
pub fn act(model: &mut Model, deed: Deed, now: Time) -> Done {
    let user = model.user(&deed.who).filter(|user| user.is_person()).cloned();
    let Some(user) = user else { return no(format!("there is no person {}", deed.who)) };
    let mut hands = Hands { model, user, now };
    match deed.act {
        Act::Say { channel, text, thread, file } => hands.say(&channel, &text, thread.as_deref(), file),
        Act::Click { at, block, action, value, gone } => match gone {
            None => hands.click(&at, &block, &action, value.as_ref()),
            Some(element) => hands.click_gone(&at, &block, &action, &element),
        },
        Act::Fill { at, block, action, value } => hands.fill(&at, &block, &action, &value),
        Act::Suggest { at, block, action, value } => hands.suggest(&at, &block, &action, &value),
        Act::Submit => hands.submit(),
        Act::Close => hands.close(),
        Act::Shortcut { callback, channel, ts } => hands.shortcut(&callback, channel.zip(ts)),
        Act::Edit { channel, ts, text } => hands.edit(&channel, &ts, &text),
        Act::Delete { channel, ts } => hands.delete(&channel, &ts),
        Act::React { channel, ts, name } => hands.react(&channel, &ts, &name),
        Act::Invite { channel, user } => hands.invite(&channel, &user),
        Act::Home => Ok(hands.home()),
        Act::Dm => hands.dm(),
    }
}

impl Hands<'_> {
    fn channel(&self, id: &str) -> Result<&Channel, NotPossible> {
        let channel = self.model.channels.get(id).filter(|channel| channel.seen_by(&self.user));
        channel.ok_or_else(|| NotPossible(format!("{} sees no channel {id}", self.user.name)))
    }

    /// A message this person sees.
    fn message(&self, channel: &str, ts: &str) -> Result<&Message, NotPossible> {
        let found = self.channel(channel)?.messages.get(ts);
        let own = |m: &&Message| m.only_for.as_ref().is_none_or(|reader| *reader == self.user.id);
        let found = found.filter(own).filter(|m| !m.tombstone);
        found.ok_or_else(|| NotPossible(format!("{} sees no message {ts}", self.user.name)))
    }

    fn submit(&mut self) -> Done {
        let top = self.model.views.modals.get(&self.user.id).and_then(|stack| stack.last());
        let Some(view) = top else { return no("no modal is open") };
        if view.busy {
            return no("the modal is being sent");
        }
        if view.raw.get("submit").is_none() {
            return no("the modal has nothing to send");
        }
        if let Some(label) = controls::unfilled(view) {
            return no(format!("please complete this required field: {label}"));
        }
        let id = view.id.clone();
        let payload = self.view_payload("view_submission", &id);
        if let Some(view) = self.model.view_mut(&id) {
            view.busy = true;
            view.errors.clear();
            view.trouble = None;
        }
        let origin = Origin::Submit { user: self.user.id.clone(), view: id };
        Ok(self.send(payload, origin))
    }

    fn close(&mut self) -> Done {
        let top = self.model.views.modals.get(&self.user.id).and_then(|stack| stack.last());
        let Some(view) = top else { return no("no modal is open") };
        let told = view.raw.get("notify_on_close").and_then(Value::as_bool).unwrap_or(false);
        let id = view.id.clone();
        let payload = told.then(|| self.view_payload("view_closed", &id));
        self.model.pop_view(&self.user.id.clone(), &id);
        Ok(payload.map_or_else(Receipt::default, |payload| self.send(payload, Origin::Closed)))
    }

    fn shortcut(&mut self, callback: &str, message: Option<(String, String)>) -> Done {
        if !self.model.app.shortcuts.iter().any(|s| s.callback_id == callback) {
            return no(format!("there is no shortcut {callback}"));
        }
        let channel = message.as_ref().map(|(channel, _)| channel.clone());
        let payload = match message {
            Some((channel, ts)) => {
                self.message(&channel, &ts)?;
                self.message_shortcut(callback, &channel, &ts)
            }
            None => self.global_shortcut(callback),
        };
        let user = self.user.id.clone();
        Ok(self.send(payload, Origin::Click { channel, user, thread: None }))
    }

    fn edit(&mut self, channel: &str, ts: &str, text: &str) -> Done {
        if self.message(channel, ts)?.user != self.user.id {
            return no("that is somebody else's message");
        }
        let text = self.composed(text);
        self.model.alter(channel, ts, Change { text: Some(text), ..Change::default() }, self.now)?;
        Ok(Receipt::default())
    }

    fn delete(&mut self, channel: &str, ts: &str) -> Done {
        self.message(channel, ts)?;
        self.model.may_delete(&self.user.id, channel, ts)?;
        self.model.delete(channel, ts, self.now)?;
        Ok(Receipt::default())
    }

    fn react(&mut self, channel: &str, ts: &str, name: &str) -> Done {
        self.message(channel, ts)?;
        let user = self.user.id.clone();
        self.model.react(channel, ts, &user, name, self.now)?;
        Ok(Receipt::default())
    }

    fn invite(&mut self, channel: &str, user: &str) -> Done {
        if !self.channel(channel)?.members.contains(&self.user.id) {
            return no("you are not in that channel");
        }
        if self.model.user(user).is_none() {
            return no(format!("there is nobody {user}"));
        }
        if self.model.enter(channel, user, self.now)? {
            return no("they are in the channel already");
        }
        Ok(Receipt::default())
    }

    fn home(&mut self) -> Receipt {
        let user = self.user.id.clone();
        self.model.tell_home(&user, self.now);
        Receipt::default()
    }

    fn dm(&mut self) -> Done {
        let (id, _) = self.model.dm_with(&self.user.id.clone(), self.now)?;
        Ok(Receipt { ts: Some(id), delivery: None })
    }

    /// Sends an interaction.
    fn send(&mut self, payload: Value, origin: Origin) -> Receipt {
        let id = self.model.deliver(Kind::Interactive, payload, origin, self.now);
        self.model.changed();
        Receipt { ts: None, delivery: Some(id) }
    }
}
