//! As much of JSON Schema as Slack's schema of manifests uses.
//!
//! A keyword it does not know is reported as wrong, so that none is passed over in silence.

use serde_json::{Map, Value};

/// Everything about `value` that does not fit, in order, each with its place.
pub fn wrong(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Look { root: schema, found: &mut found }.at(schema, value, "");
    found.sort();
    found
}

struct Look<'a> {
    root: &'a Value,
    found: &'a mut Vec<String>,
}

/// Keywords that say nothing about a value.
const WORDS: &[&str] = &[
    "$schema",
    "$id",
    "title",
    "description",
    "definitions",
    "default",
    "_note",
    "examples",
    "regex",
    "format",
];

impl Look<'_> {
    fn at(&mut self, schema: &Value, value: &Value, place: &str) {
        let Some(rules) = schema.as_object() else { return };
        for (word, rule) in rules {
            match word.as_str() {
                "$ref" => self.reference(rule, value, place),
                "type" => self.check(is(value, rule), place, &format!("is not {rule}")),
                "enum" => self.check(rule.as_array().unwrap().contains(value), place, "is none of the list"),
                "required" => self.required(rule, value, place),
                "properties" => self.properties(rule, value, place),
                "additionalProperties" | "patternProperties" => {}
                "items" => self.items(rule, value, place),
                "minLength" => self.bound(value.as_str().map(length), rule, place, "shorter", |a, b| a >= b),
                "maxLength" => self.bound(value.as_str().map(length), rule, place, "longer", |a, b| a <= b),
                "minItems" => {
                    self.bound(value.as_array().map(Vec::len), rule, place, "shorter", |a, b| a >= b);
                }
                "maxItems" => {
                    self.bound(value.as_array().map(Vec::len), rule, place, "longer", |a, b| a <= b);
                }
                "minProperties" => {
                    self.bound(value.as_object().map(Map::len), rule, place, "smaller", |a, b| a >= b);
                }
                "maxProperties" => {
                    self.bound(value.as_object().map(Map::len), rule, place, "larger", |a, b| a <= b);
                }
                "uniqueItems" => self.unique(value, place),
                "pattern" => self.pattern(rule, value, place),
                word if WORDS.contains(&word) => {}
                word => self.found.push(format!("{place}: the schema's `{word}` is not known here")),
            }
        }
        self.strict(rules, value, place);
    }

    fn check(&mut self, fits: bool, place: &str, what: &str) {
        if !fits {
            self.found.push(format!("{place}: {what}"));
        }
    }

    fn reference(&mut self, rule: &Value, value: &Value, place: &str) {
        let name = rule.as_str().unwrap().strip_prefix('#').unwrap();
        let root = self.root;
        let schema = root.pointer(name).unwrap_or_else(|| panic!("the schema has no {name}"));
        self.at(schema, value, place);
    }

    fn required(&mut self, rule: &Value, value: &Value, place: &str) {
        let Some(object) = value.as_object() else { return };
        for name in rule.as_array().unwrap().iter().filter_map(Value::as_str) {
            self.check(object.contains_key(name), place, &format!("`{name}` is missing"));
        }
    }

    fn properties(&mut self, rule: &Value, value: &Value, place: &str) {
        let Some(object) = value.as_object() else { return };
        for (name, inner) in object {
            if let Some(schema) = rule.get(name) {
                self.at(schema, inner, &format!("{place}/{name}"));
            }
        }
    }

    /// Keys that the schema does not name, where it says that there are no others.
    fn strict(&mut self, rules: &Map<String, Value>, value: &Value, place: &str) {
        let closed = rules.get("additionalProperties") == Some(&Value::Bool(false));
        let Some(object) = value.as_object().filter(|_| closed && !rules.contains_key("patternProperties"))
        else {
            return;
        };
        for name in object.keys() {
            let known = rules.get("properties").is_some_and(|p| p.get(name).is_some());
            self.check(known, &format!("{place}/{name}"), "no such key");
        }
    }

    fn items(&mut self, rule: &Value, value: &Value, place: &str) {
        for (i, inner) in value.as_array().into_iter().flatten().enumerate() {
            self.at(rule, inner, &format!("{place}/{i}"));
        }
    }

    fn bound(
        &mut self,
        found: Option<usize>,
        rule: &Value,
        place: &str,
        what: &str,
        fits: fn(u64, u64) -> bool,
    ) {
        let (Some(found), Some(limit)) = (found, rule.as_u64()) else { return };
        self.check(fits(found as u64, limit), place, &format!("{what} than {limit}"));
    }

    fn unique(&mut self, value: &Value, place: &str) {
        let Some(list) = value.as_array() else { return };
        let twice = list.iter().enumerate().any(|(i, v)| list[..i].contains(v));
        self.check(!twice, place, "says something twice");
    }

    /// Two patterns matter for us; any other one on a text of ours is to be added here.
    fn pattern(&mut self, rule: &Value, value: &Value, place: &str) {
        let (Some(text), Some(pattern)) = (value.as_str(), rule.as_str()) else { return };
        let fits = match pattern {
            "^\\/" => text.starts_with('/'),
            "^https?:\\/\\/" => text.starts_with("https://") || text.starts_with("http://"),
            other => panic!("the pattern {other} at {place} is not known here"),
        };
        self.check(fits, place, &format!("does not fit {pattern}"));
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn is(value: &Value, rule: &Value) -> bool {
    match rule.as_str().unwrap_or_default() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => false,
    }
}
