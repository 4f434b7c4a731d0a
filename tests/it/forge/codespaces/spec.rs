//! GitHub's own description of its API, held against what the forge is asked and says.
//!
//! `openapi.json` is the part of npm's `@octokit/openapi` 23.0.2 (`generated/api.github.com.json`; MIT, see
//! `openapi.LICENSE`) that the forge plays: the paths with `/codespaces` in them but those of a repository's secrets and
//! `publish`, `GET /user` and `GET /repos/{owner}/{repo}`, with every component they reach. Left out: descriptions,
//! summaries, tags, headers, examples, discriminators and `x-` keys; the rest is as GitHub wrote it, minified.
//!
//! Two things are made stricter than the document: where it lists properties, others are refused (a misspelt one would
//! pass), and what it would refuse, the forge must refuse too. Must not know what the requests mean.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::forge::world::Answer;

const DOCUMENT: &str = include_str!("openapi.json");

/// Answers that GitHub gives and its document does not list.
const UNLISTED: [(&str, &str, u16); 6] = [
    // A body of the wrong shape is 422 everywhere.
    ("post", "/user/codespaces", 422),
    ("post", "/repos/{owner}/{repo}/codespaces", 422),
    ("patch", "/user/codespaces/{codespace_name}", 422),
    // Whatever wants to change a codespace in the middle of an operation.
    ("post", "/user/codespaces/{codespace_name}/start", 422),
    ("post", "/user/codespaces/{codespace_name}/stop", 422),
    // The document has it for the start alone.
    ("post", "/repos/{owner}/{repo}/codespaces", 402),
];

pub(super) struct Spec {
    document: Value,
    /// `method template status` of what was asked.
    seen: Mutex<BTreeSet<String>>,
}

impl Spec {
    pub(super) fn load() -> Self {
        Self { document: serde_json::from_str(DOCUMENT).unwrap(), seen: Mutex::default() }
    }

    /// Everything of the document that was asked and answered with success.
    pub(super) fn missing(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut missing = Vec::new();
        for (path, operations) in self.document["paths"].as_object().unwrap() {
            for method in operations.as_object().unwrap().keys() {
                let key = format!("{method} {path} 2");
                if !seen.iter().any(|seen| seen.starts_with(&key)) {
                    missing.push(format!("{method} {path}"));
                }
            }
        }
        missing
    }

    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Holds one request and its answer against the document.
    pub(super) fn check(&self, method: &str, target: &str, body: &str, answer: &Answer) {
        let method = method.to_lowercase();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let template = self.template(path.strip_prefix("/api/v3").unwrap_or(path));
        let operation = self.document["paths"][&template][&method].clone();
        let what = format!("{method} {template} → {}", answer.status);
        assert!(operation.is_object(), "{what}: no such operation");
        if answer.status < 400 {
            self.check_query(&what, &operation, query);
        }
        self.check_request(&what, &operation, body, answer.status);
        self.check_answer(&what, (&method, &template), &operation, answer);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(format!("{method} {template} {}", answer.status));
    }

    /// The path of the document that fits; the one that says most where several do.
    fn template(&self, path: &str) -> String {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &&String| {
            let all: Vec<&str> = template.split('/').collect();
            all.len() == parts.len() && all.iter().zip(&parts).all(|(t, p)| t.starts_with('{') || t == p)
        };
        let all = self.document["paths"].as_object().unwrap();
        let found = all.keys().filter(fits).min_by_key(|template| template.matches('{').count());
        found.unwrap_or_else(|| panic!("{path} is no path of the document")).clone()
    }

    fn check_query(&self, what: &str, operation: &Value, query: &str) {
        let all = operation["parameters"].as_array().cloned().unwrap_or_default();
        let known: Vec<Value> = all.iter().map(|p| self.resolved(p)).filter(|p| p["in"] == "query").collect();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let key = pair.split('=').next().unwrap();
            assert!(
                known.iter().any(|p| p["name"] == key),
                "{what}: the query {key:?} is not in the document"
            );
        }
        for needed in known.iter().filter(|p| p["required"] == true) {
            let name = needed["name"].as_str().unwrap();
            assert!(
                query.split('&').any(|pair| pair.starts_with(&format!("{name}="))),
                "{what}: without {name}"
            );
        }
    }

    fn check_request(&self, what: &str, operation: &Value, body: &str, status: u16) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let Ok(body) = serde_json::from_str::<Value>(body) else { return };
        let faults = if schema.is_object() { self.faults(schema, &body, true) } else { Vec::new() };
        if status < 400 {
            assert!(faults.is_empty(), "{what}: taken, but not of the document: {faults:#?}");
        }
    }

    fn check_answer(&self, what: &str, key: (&str, &str), operation: &Value, answer: &Answer) {
        let listed = &operation["responses"][answer.status.to_string()];
        if listed.is_null() {
            let known = UNLISTED.iter().any(|(m, t, s)| (*m, *t, *s) == (key.0, key.1, answer.status));
            assert!(known, "{what}: the document has no such answer: {}", answer.body);
            let error = json!({ "$ref": "#/components/schemas/basic-error" });
            let faults = self.faults(&error, &answer.body, false);
            return assert!(faults.is_empty(), "{what}: {faults:#?}");
        }
        let schema = self.resolved(listed)["content"]["application/json"]["schema"].clone();
        if schema.is_null() {
            return assert!(answer.body.is_null(), "{what}: there is a body: {}", answer.body);
        }
        let faults = self.faults(&schema, &answer.body, answer.status < 400);
        assert!(faults.is_empty(), "{what}: {faults:#?}");
    }

    fn resolved(&self, value: &Value) -> Value {
        let Some(at) = value["$ref"].as_str() else { return value.clone() };
        self.document.pointer(at.trim_start_matches('#')).unwrap().clone()
    }

    /// What is wrong with an instance; `closed`: properties that are not listed are.
    fn faults(&self, schema: &Value, instance: &Value, closed: bool) -> Vec<String> {
        let whole = json!({ "allOf": [schema], "components": self.document["components"] });
        let options = jsonschema::options().should_validate_formats(true);
        let validator = options.build(&plain(whole, closed)).unwrap();
        let all = validator.iter_errors(instance);
        all.map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

/// From the dialect of `OpenAPI` 3.0 to JSON Schema: `nullable` becomes a type.
fn plain(value: Value, closed: bool) -> Value {
    match value {
        Value::Array(all) => all.into_iter().map(|v| plain(v, closed)).collect(),
        Value::Object(map) => {
            let map = map.into_iter().map(|(key, v)| (key, plain(v, closed))).collect();
            Value::Object(plain_schema(map, closed))
        }
        other => other,
    }
}

fn plain_schema(mut map: Map<String, Value>, closed: bool) -> Map<String, Value> {
    if map.get("nullable") == Some(&Value::Bool(true)) {
        map.remove("nullable");
        if let Some(one) = map.remove("type") {
            map.insert("type".into(), json!([one, "null"]));
        }
        if let Some(all) = map.get_mut("enum").and_then(Value::as_array_mut) {
            all.push(Value::Null);
        }
    }
    let is_schema = map.get("type").is_some_and(|t| t == "object" || *t == json!(["object", "null"]));
    if closed && is_schema && map.get("properties").is_some_and(Value::is_object) {
        map.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    map
}

#[test]
fn the_document_is_read_as_it_is_meant() {
    let spec = Spec::load();
    let codespace = json!({ "$ref": "#/components/schemas/codespace" });
    let faults = spec.faults(&codespace, &json!({ "id": "7", "display_name": null, "displayname": 1 }), true);
    let all = faults.join("\n");
    for wanted in ["\"7\" is not of type \"integer\"", "displayname", "\"name\" is a required property"] {
        assert!(all.contains(wanted), "{wanted} in {all}");
    }
    assert!(!all.contains("display_name"), "it is nullable: {all}");
    assert_eq!(spec.missing().len(), 28);
}
