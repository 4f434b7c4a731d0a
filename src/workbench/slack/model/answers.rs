//! What the app answers to what people did: a submit that closes, changes or stacks modals, options for a select, a
//! command's own message.
//!
//! Answers come as the app sent them and are believed in nothing. Must not know how they came.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::messages::Draft;
use super::{Model, list_of, text_of};
use crate::clock::Time;
use crate::workbench::slack::limits;

/// What Slack says in a modal whose submit failed.
const TROUBLE: &str = "We had some trouble connecting. Try again?";

impl Model {
    pub(super) fn submit_failed(&mut self, user: &str, view: &str) {
        if let Some(view) = self.view_mut(view).filter(|view| view.user == user) {
            view.busy = false;
            view.trouble = Some(TROUBLE);
        }
    }

    /// What the app answered to a submit: nothing closes the modal; errors, another view, or all closed.
    pub(super) fn submit_answered(&mut self, user: &str, id: &str, answer: Option<Value>, now: Time) {
        let Some(view) = self.view_mut(id) else { return };
        view.busy = false;
        view.errors.clear();
        view.trouble = None;
        let answer = answer.unwrap_or(Value::Null);
        let done = match text_of(&answer, "response_action") {
            Some("errors") => self.show_errors(id, answer.get("errors")),
            Some("update") => checked_view(&answer).map(|raw| drop(self.replace_view(id, raw, now))),
            Some("push") => checked_view(&answer).map(|raw| drop(self.push_onto(user, raw, now))),
            Some("clear") => {
                self.views.modals.remove(user);
                Some(())
            }
            Some(_) => None,
            None => {
                self.pop_view(user, id);
                Some(())
            }
        };
        if done.is_none() {
            self.submit_failed(user, id);
        }
        self.changed();
    }

    /// Errors belong to inputs of the view.
    fn show_errors(&mut self, id: &str, errors: Option<&Value>) -> Option<()> {
        let errors: &Map<String, Value> = errors?.as_object().filter(|map| !map.is_empty())?;
        let view = self.view_mut(id)?;
        let is_input = |id: &str| {
            view.blocks()
                .iter()
                .any(|b| text_of(b, "type") == Some("input") && text_of(b, "block_id") == Some(id))
        };
        if !errors.keys().all(|id| is_input(id)) {
            return None;
        }
        let said: Option<BTreeMap<String, String>> =
            errors.iter().map(|(id, text)| Some((id.clone(), text.as_str()?.to_owned()))).collect();
        view.errors = said?;
        Some(())
    }

    pub(super) fn suggested(&mut self, user: &str, place: (String, String), answer: Option<Value>) {
        let answer = answer.unwrap_or(Value::Null);
        let groups = list_of(&answer, "option_groups").iter().flat_map(|g| list_of(g, "options"));
        let options: Vec<Value> = list_of(&answer, "options").iter().chain(groups).cloned().collect();
        self.views.suggested.insert((user.to_owned(), place.0, place.1), options);
    }

    /// A command's acknowledgement may carry a message for the one who typed it, or for all.
    pub(super) fn command_answered(&mut self, channel: &str, user: &str, answer: Option<Value>, now: Time) {
        let Some(answer) = answer else { return };
        let text = text_of(&answer, "text").unwrap_or_default().to_owned();
        let blocks = list_of(&answer, "blocks").to_vec();
        if text.is_empty() && blocks.is_empty() {
            return;
        }
        if limits::message(&text, &blocks).is_err() {
            self.whisper(
                channel,
                user,
                None,
                "The command failed with the error \"invalid_blocks\"".into(),
                now,
            );
            return;
        }
        let for_all = text_of(&answer, "response_type") == Some("in_channel");
        let only_for = (!for_all).then(|| user.to_owned());
        let draft = Draft { text, blocks, only_for, ..Draft::default() };
        let app = self.app.user.clone();
        if let Err(gone) = self.put(channel, &app, draft, now) {
            tracing::debug!(slack.channel = channel, error = %gone, "nobody is there to be answered");
        }
    }
}

/// A view in an answer, where it is one that Slack would show.
fn checked_view(answer: &Value) -> Option<Value> {
    let raw = answer.get("view")?;
    limits::view(raw).ok().map(|()| raw.clone())
}
