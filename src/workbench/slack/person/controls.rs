//! Buttons, menus, boxes and inputs, used by a person in a message or a view.
//!
//! Knows which choices a control has. Must not know what they mean to the app.

use serde_json::{Value, json};

use super::{Done, Hands, NotPossible, Place, Receipt, no};
use crate::workbench::slack::model::blocks::{self, Control, Inputs};
use crate::workbench::slack::model::deliveries::Origin;
use crate::workbench::slack::model::views::{View, Which};
use crate::workbench::slack::model::{list_of, text_of};

impl Hands<'_> {
    /// The blocks at a place this person sees.
    fn blocks_at(&self, at: &Place) -> Result<Vec<Value>, NotPossible> {
        match at {
            Place::Message { channel, ts } => Ok(self.message(channel, ts)?.blocks.clone()),
            Place::View { view } => {
                let found = self.model.view(&Which::Id(view)).filter(|v| v.user == self.user.id);
                let found = found.ok_or_else(|| NotPossible(format!("no view {view} is open")))?;
                if found.busy {
                    return no("the modal is being sent");
                }
                Ok(found.blocks().to_vec())
            }
        }
    }

    /// A control outside of inputs is used.
    pub(super) fn click(&mut self, at: &Place, block: &str, action: &str, value: Option<&Value>) -> Done {
        let list = self.blocks_at(at)?;
        let control = found(&list, block, action)?;
        if control.within == "input" {
            return no("that is an input: it is filled, not clicked");
        }
        let element = control.element;
        let mut done = json!({
            "type": control.sort(), "action_id": action, "block_id": block, "action_ts": self.model.ts(self.now),
        });
        match control.sort() {
            "button" => copy(&mut done, element, &["text", "value", "style"]),
            "overflow" => {
                let wanted = value.ok_or_else(|| NotPossible("an option must be chosen".into()))?;
                set(&mut done, "selected_option", blocks::option(element, wanted, &[]).map_err(NotPossible)?);
            }
            _ => {
                let entry = self.choose(at, &control, value.unwrap_or(&Value::Null))?;
                copy(&mut done, &entry, &keys_of(&entry));
                copy(&mut done, element, &["placeholder"]);
            }
        }
        self.block_actions(at, &done)
    }

    /// A control that was there a moment ago, on a screen that has not heard of the change.
    pub(super) fn click_gone(&mut self, at: &Place, block: &str, action: &str, element: &Value) -> Done {
        self.blocks_at(at)?;
        let sort = text_of(element, "type").unwrap_or("button");
        let mut done = json!({
            "type": sort, "action_id": action, "block_id": block, "action_ts": self.model.ts(self.now),
        });
        copy(&mut done, element, &["text", "value", "style", "selected_option", "selected_options"]);
        self.block_actions(at, &done)
    }

    pub(super) fn fill(&mut self, at: &Place, block: &str, action: &str, value: &Value) -> Done {
        let list = self.blocks_at(at)?;
        let control = found(&list, block, action)?;
        if control.within != "input" {
            return no("that is no input");
        }
        let entry = self.choose(at, &control, value)?;
        if !control.dispatches {
            return Ok(Receipt::default());
        }
        let mut done = json!({
            "type": control.sort(), "action_id": action, "block_id": block, "action_ts": self.model.ts(self.now),
        });
        copy(&mut done, &entry, &keys_of(&entry));
        self.block_actions(at, &done)
    }

    /// Keeps a choice; the state's new entry.
    fn choose(&mut self, at: &Place, control: &Control<'_>, value: &Value) -> Result<Value, NotPossible> {
        let place = (control.block.to_owned(), control.action().to_owned());
        let key = (self.user.id.clone(), place.0.clone(), place.1.clone());
        let suggested = self.model.views.suggested.get(&key).cloned().unwrap_or_default();
        let entry = blocks::chosen(control.element, value, &suggested).map_err(NotPossible)?;
        if let Some(inputs) = self.inputs(at) {
            inputs.insert(place, entry.clone());
        }
        self.model.changed();
        Ok(entry)
    }

    fn inputs(&mut self, at: &Place) -> Option<&mut Inputs> {
        match at {
            Place::View { view } => {
                let view = self.model.view_mut(view)?;
                Some(&mut view.inputs)
            }
            Place::Message { channel, ts } => {
                let message = self.model.channels.get_mut(channel)?.messages.get_mut(ts)?;
                Some(message.inputs.entry(self.user.id.clone()).or_default())
            }
        }
    }

    fn block_actions(&mut self, at: &Place, action: &Value) -> Done {
        let payload = self.actions_payload(at, action)?;
        let (channel, thread) = match at {
            Place::Message { channel, ts } => {
                (Some(channel.clone()), self.message(channel, ts)?.thread.clone())
            }
            Place::View { .. } => (None, None),
        };
        let user = self.user.id.clone();
        Ok(self.send(payload, Origin::Click { channel, user, thread }))
    }

    pub(super) fn suggest(&mut self, at: &Place, block: &str, action: &str, typed: &str) -> Done {
        let list = self.blocks_at(at)?;
        let control = found(&list, block, action)?;
        if !control.sort().ends_with("external_select") {
            return no("nothing is suggested there");
        }
        let least = control.element.get("min_query_length").and_then(Value::as_u64).unwrap_or(3);
        if (typed.chars().count() as u64) < least {
            return no(format!("type at least {least} characters"));
        }
        let payload = self.suggestion_payload(at, block, action, typed)?;
        let place = (block.to_owned(), action.to_owned());
        Ok(self.send(payload, Origin::Suggest { user: self.user.id.clone(), place }))
    }
}

fn found<'a>(list: &'a [Value], block: &str, action: &str) -> Result<Control<'a>, NotPossible> {
    blocks::control(list, block, action)
        .ok_or_else(|| NotPossible(format!("there is no control {action} in block {block}")))
}

fn keys_of(entry: &Value) -> Vec<&str> {
    entry.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

fn copy(into: &mut Value, from: &Value, keys: &[&str]) {
    for key in keys {
        if let Some(value) = from.get(key) {
            set(into, key, value.clone());
        }
    }
}

fn set(into: &mut Value, key: &str, value: Value) {
    if let Some(map) = into.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

/// The label of the first input that must be filled and is not.
pub(super) fn unfilled(view: &View) -> Option<String> {
    let state = view.state();
    let empty = |c: &Control<'_>| {
        let entry = state.get(c.block).and_then(|block| block.get(c.action()));
        c.needed && !entry.is_some_and(blocks::is_filled)
    };
    let missing = blocks::controls(view.blocks()).into_iter().find(empty)?;
    let all = list_of(&view.raw, "blocks");
    let block = all.iter().find(|b| text_of(b, "block_id") == Some(missing.block))?;
    let label = block.pointer("/label/text").and_then(Value::as_str);
    Some(label.unwrap_or(missing.block).to_owned())
}
