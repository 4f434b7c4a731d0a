//! Collects complaints with their place, and counts characters.
//!
//! Knows texts, lists and keys. Must not know Block Kit.

use std::collections::BTreeSet;

use serde_json::Value;

/// Complaints kept of one message.
const MOST_SAID: usize = 20;

#[derive(Debug, Default)]
pub struct Check {
    pub said: Vec<String>,
    /// Characters of all that is shown.
    pub chars: usize,
    /// Those in `markdown` blocks.
    pub markdown: usize,
    ids: BTreeSet<String>,
}

impl Check {
    pub fn say(&mut self, at: &str, what: impl AsRef<str>) {
        if self.said.len() < MOST_SAID {
            self.said.push(format!("[ERROR] {} [json-pointer:{at}]", what.as_ref()));
        }
    }

    /// `false` = it was complained about.
    pub fn count(&mut self, at: &str, len: usize, least: usize, most: usize) -> bool {
        if len > most {
            self.say(at, format!("no more than {most} items allowed"));
        }
        if len < least {
            self.say(at, format!("no fewer than {least} items allowed"));
        }
        (least..=most).contains(&len)
    }

    /// Only these keys, and `needed` among them.
    pub fn keys(&mut self, at: &str, value: &Value, needed: &[&str], also: &[&str]) {
        let Some(map) = value.as_object() else {
            self.say(at, "must be an object");
            return;
        };
        for key in map.keys().filter(|k| !needed.contains(&k.as_str()) && !also.contains(&k.as_str())) {
            self.say(at, format!("invalid additional property: {key}"));
        }
        for key in needed.iter().filter(|key| !map.contains_key(**key)) {
            self.say(at, format!("missing required field: {key}"));
        }
    }

    /// A text of `least..=most` characters below `key`, where there is one.
    pub fn string(&mut self, at: &str, value: &Value, key: &str, least: usize, most: usize) -> usize {
        let Some(found) = value.get(key) else { return 0 };
        let at = format!("{at}/{key}");
        let Some(text) = found.as_str() else {
            self.say(&at, "must be a string");
            return 0;
        };
        let length = text.chars().count();
        if length > most {
            self.say(&at, format!("must be less than {} characters", most + 1));
        }
        if length < least {
            self.say(&at, format!("must be more than {} characters", least.saturating_sub(1)));
        }
        length
    }

    /// One of these words below `key`, where there is one.
    pub fn word(&mut self, at: &str, value: &Value, key: &str, words: &[&str]) {
        let Some(found) = value.get(key) else { return };
        if !found.as_str().is_some_and(|word| words.contains(&word)) {
            self.say(&format!("{at}/{key}"), format!("must be one of: {}", words.join(", ")));
        }
    }

    pub fn flag(&mut self, at: &str, value: &Value, key: &str) {
        if value.get(key).is_some_and(|v| !v.is_boolean()) {
            self.say(&format!("{at}/{key}"), "must be a boolean");
        }
    }

    /// An id nothing else has in the same scope.
    pub fn unique(&mut self, at: &str, scope: &str, value: &Value, key: &str) {
        self.string(at, value, key, 1, 255);
        let Some(id) = value.get(key).and_then(Value::as_str) else { return };
        if !self.ids.insert(format!("{scope}/{key}/{id}")) {
            self.say(&format!("{at}/{key}"), format!("`{key}` \"{id}\" already exists"));
        }
    }

    /// An option's value, which no other option of the same list has.
    pub fn unique_value(&mut self, at: &str, list: &str, option: &Value) {
        let Some(id) = option.get("value").and_then(Value::as_str) else { return };
        if !self.ids.insert(format!("{list}/value/{id}")) {
            self.say(at, format!("the value \"{id}\" already exists"));
        }
    }

    /// A list below `key`, where there is one; `None` = there is none, or no list.
    pub fn list<'a>(
        &mut self,
        at: &str,
        value: &'a Value,
        key: &str,
        least: usize,
        most: usize,
    ) -> Option<&'a [Value]> {
        let found = value.get(key)?;
        let at = format!("{at}/{key}");
        let Some(list) = found.as_array() else {
            self.say(&at, "must be an array");
            return None;
        };
        self.count(&at, list.len(), least, most).then_some(list)
    }

    /// A text object below `key`; its characters count as shown.
    pub fn text(&mut self, at: &str, value: &Value, key: &str, most: usize, plain_only: bool) {
        if let Some(text) = value.get(key) {
            self.text_object(&format!("{at}/{key}"), text, most, plain_only);
        }
    }

    pub fn text_object(&mut self, at: &str, text: &Value, most: usize, plain_only: bool) {
        self.keys(at, text, &["type", "text"], &["emoji", "verbatim"]);
        let sorts: &[&str] = if plain_only { &["plain_text"] } else { &["plain_text", "mrkdwn"] };
        self.word(at, text, "type", sorts);
        let plain = text.get("type").and_then(Value::as_str) == Some("plain_text");
        if text.get(if plain { "verbatim" } else { "emoji" }).is_some() {
            self.say(at, "invalid additional property");
        }
        self.chars += self.string(at, text, "text", 1, most);
    }
}
