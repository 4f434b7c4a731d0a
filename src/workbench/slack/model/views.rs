//! Modals and home tabs: triggers that open them once and soon, the stack of at most three.
//!
//! Views come in checked by `limits`. Must not know how they look, or what an app answers to what people do in them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::blocks::{self, Inputs};
use super::{Model, list_of, text_of};
use crate::clock::Time;
use crate::workbench::slack::refusal::Refusal;

/// A trigger's life.
const TRIGGER_SECONDS: i64 = 3;
const DEEPEST: usize = 3;
/// Used ones are remembered, to say that they were.
const MOST_TRIGGERS: usize = 4_096;

#[derive(Clone, Debug)]
pub struct Trigger {
    pub user: String,
    pub made: Time,
    pub used: bool,
    /// From a control or a submit within a modal: only then another one can be pushed.
    pub from_modal: bool,
}

#[derive(Clone, Debug)]
pub struct View {
    pub id: String,
    pub user: String,
    /// As the app sent it, with every block named.
    pub raw: Value,
    pub hash: String,
    pub root: String,
    pub previous: Option<String>,
    pub inputs: Inputs,
    /// Under which inputs the app wrote what is wrong.
    pub errors: BTreeMap<String, String>,
    pub trouble: Option<&'static str>,
    /// Submitted; not answered yet.
    pub busy: bool,
}

#[derive(Debug, Default)]
pub struct Views {
    /// By person; the last one is on top.
    pub modals: BTreeMap<String, Vec<View>>,
    pub homes: BTreeMap<String, View>,
    /// Options the app suggested, by person and control.
    pub suggested: BTreeMap<(String, String, String), Vec<Value>>,
}

/// Which view an update means.
pub enum Which<'a> {
    Id(&'a str),
    External(&'a str),
}

impl View {
    pub fn blocks(&self) -> &[Value] {
        list_of(&self.raw, "blocks")
    }

    pub fn state(&self) -> Value {
        blocks::state(self.blocks(), &self.inputs)
    }

    /// As the API and the interactions show it.
    pub fn json(&self, model: &Model) -> Value {
        let raw = |key: &str| self.raw.get(key).cloned().unwrap_or(Value::Null);
        let word = |key: &str| raw(key).as_str().unwrap_or_default().to_owned();
        let flag = |key: &str| raw(key).as_bool().unwrap_or(false);
        json!({
            "id": self.id, "team_id": model.team, "type": raw("type"), "blocks": self.blocks(),
            "private_metadata": word("private_metadata"), "callback_id": word("callback_id"),
            "external_id": word("external_id"), "state": { "values": self.state() }, "hash": self.hash,
            "title": raw("title"), "close": raw("close"), "submit": raw("submit"),
            "clear_on_close": flag("clear_on_close"), "notify_on_close": flag("notify_on_close"),
            "previous_view_id": self.previous, "root_view_id": self.root, "app_id": model.app.id,
            "app_installed_team_id": model.team, "bot_id": model.app.bot,
        })
    }
}

impl Model {
    pub fn trigger(&mut self, user: &str, from_modal: bool, now: Time) -> String {
        let id = self.id("1.2.");
        let trigger = Trigger { user: user.to_owned(), made: now, used: false, from_modal };
        self.triggers.insert(id.clone(), trigger);
        while self.triggers.len() > MOST_TRIGGERS {
            self.triggers.pop_first();
        }
        id
    }

    /// Uses a trigger up.
    fn exchange(&mut self, id: &str, now: Time) -> Result<Trigger, Refusal> {
        let trigger = self.triggers.get_mut(id).ok_or_else(|| Refusal::new("invalid_trigger_id"))?;
        if trigger.used {
            return Err(Refusal::new("exchanged_trigger_id"));
        }
        if (now - trigger.made).num_milliseconds() > TRIGGER_SECONDS * 1_000 {
            return Err(Refusal::new("expired_trigger_id"));
        }
        trigger.used = true;
        Ok(trigger.clone())
    }

    fn new_view(&mut self, user: &str, mut raw: Value, below: Option<&View>, now: Time) -> View {
        self.name_view(&mut raw);
        let id = self.id("V");
        View {
            hash: self.ts(now),
            user: user.to_owned(),
            raw,
            root: below.map_or_else(|| id.clone(), |view| view.root.clone()),
            previous: below.map(|view| view.id.clone()),
            id,
            inputs: Inputs::new(),
            errors: BTreeMap::new(),
            trouble: None,
            busy: false,
        }
    }

    fn name_view(&mut self, raw: &mut Value) {
        if let Some(Value::Array(blocks)) = raw.get_mut("blocks") {
            let mut taken = std::mem::take(blocks);
            self.name_blocks(&mut taken);
            if let Some(map) = raw.as_object_mut() {
                map.insert("blocks".into(), Value::Array(taken));
            }
        }
    }

    fn check_external(&self, raw: &Value) -> Result<(), Refusal> {
        let Some(id) = text_of(raw, "external_id").filter(|id| !id.is_empty()) else { return Ok(()) };
        let mut all = self.views.modals.values().flatten();
        if all.any(|view| text_of(&view.raw, "external_id") == Some(id)) {
            return Err(Refusal::new("duplicate_external_id"));
        }
        Ok(())
    }

    /// `views.open`: a new modal; what was open is gone.
    pub fn open_view(&mut self, trigger: &str, raw: Value, now: Time) -> Result<Value, Refusal> {
        self.check_external(&raw)?;
        let trigger = self.exchange(trigger, now)?;
        let view = self.new_view(&trigger.user, raw, None, now);
        let shown = view.json(self);
        self.views.modals.insert(trigger.user, vec![view]);
        self.changed();
        Ok(shown)
    }

    /// `views.push`: on top of the modal the trigger came from.
    pub fn push_view(&mut self, trigger: &str, raw: Value, now: Time) -> Result<Value, Refusal> {
        self.check_external(&raw)?;
        let trigger = self.exchange(trigger, now)?;
        let stack = self.views.modals.get(&trigger.user).map_or(0, Vec::len);
        if !trigger.from_modal || stack == 0 {
            return Err(Refusal::new("not_found"));
        }
        if stack >= DEEPEST {
            return Err(Refusal::new("push_limit_reached"));
        }
        Ok(self.push_onto(&trigger.user, raw, now))
    }

    pub(super) fn push_onto(&mut self, user: &str, raw: Value, now: Time) -> Value {
        let below = self.views.modals.get(user).and_then(|stack| stack.last()).cloned();
        let view = self.new_view(user, raw, below.as_ref(), now);
        let shown = view.json(self);
        self.views.modals.entry(user.to_owned()).or_default().push(view);
        self.changed();
        shown
    }

    pub fn view(&self, which: &Which<'_>) -> Option<&View> {
        let mut all = self.views.modals.values().flatten().chain(self.views.homes.values());
        all.find(|view| match which {
            Which::Id(id) => view.id == *id,
            Which::External(id) => text_of(&view.raw, "external_id") == Some(id),
        })
    }

    pub fn view_mut(&mut self, id: &str) -> Option<&mut View> {
        let all = self.views.modals.values_mut().flatten().chain(self.views.homes.values_mut());
        all.into_iter().find(|view| view.id == id)
    }

    /// `views.update`: what was typed into blocks that stay, stays.
    pub fn update_view(
        &mut self,
        which: &Which<'_>,
        hash: Option<&str>,
        raw: Value,
        now: Time,
    ) -> Result<Value, Refusal> {
        let view = self.view(which).ok_or_else(|| Refusal::new("not_found"))?;
        if hash.is_some_and(|hash| hash != view.hash) {
            return Err(Refusal::new("hash_conflict"));
        }
        if text_of(&view.raw, "type") != text_of(&raw, "type") {
            return Err(Refusal::arguments("[ERROR] a view keeps its type [json-pointer:/view/type]"));
        }
        let id = view.id.clone();
        Ok(self.replace_view(&id, raw, now))
    }

    pub(super) fn replace_view(&mut self, id: &str, mut raw: Value, now: Time) -> Value {
        self.name_view(&mut raw);
        let hash = self.ts(now);
        if let Some(view) = self.view_mut(id) {
            view.raw = raw;
            view.hash = hash;
            view.errors.clear();
            view.trouble = None;
            let there = blocks::controls(list_of(&view.raw, "blocks"));
            let there: Vec<(String, String)> =
                there.iter().map(|c| (c.block.to_owned(), c.action().to_owned())).collect();
            view.inputs.retain(|place, _| there.contains(place));
        }
        self.changed();
        self.view(&Which::Id(id)).map_or(Value::Null, |view| view.json(self))
    }

    /// `views.publish`: somebody's home tab.
    pub fn publish_view(
        &mut self,
        user: &str,
        hash: Option<&str>,
        raw: Value,
        now: Time,
    ) -> Result<Value, Refusal> {
        if !self.user(user).is_some_and(super::people::User::is_person) {
            return Err(Refusal::new("user_not_found"));
        }
        if let Some(home) = self.views.homes.get(user) {
            if hash.is_some_and(|hash| hash != home.hash) {
                return Err(Refusal::new("hash_conflict"));
            }
            let id = home.id.clone();
            return Ok(self.replace_view(&id, raw, now));
        }
        let view = self.new_view(user, raw, None, now);
        let shown = view.json(self);
        self.views.homes.insert(user.to_owned(), view);
        self.changed();
        Ok(shown)
    }

    /// Takes this view and all above it away.
    pub fn pop_view(&mut self, user: &str, id: &str) {
        if let Some(stack) = self.views.modals.get_mut(user) {
            if let Some(at) = stack.iter().position(|view| view.id == id) {
                stack.truncate(at);
            }
            if stack.is_empty() {
                self.views.modals.remove(user);
            }
        }
        self.changed();
    }
}
