//! A call's arguments, from JSON, a form or the query, read strictly.
//!
//! Must not know what they are for.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::workbench::slack::refusal::Refusal;

/// Arguments whose value is JSON, which a form carries as text.
const JSON_FIELDS: &[&str] = &["blocks", "view", "metadata", "attachments"];

#[derive(Debug, Default)]
pub struct Args {
    map: Map<String, Value>,
    /// The query's, which stay when a JSON body is not taken.
    pub token: Option<String>,
}

/// What a request brings.
pub struct Raw<'a> {
    pub query: &'a str,
    pub content_type: &'a str,
    pub body: &'a [u8],
    /// Whether this method reads a JSON body; those that only read do not, and see no arguments then.
    pub takes_json: bool,
}

impl Args {
    pub fn read(raw: &Raw<'_>) -> Result<Self, Refusal> {
        let mut args = Self::default();
        for (key, value) in pairs(raw.query) {
            args.map.insert(key, Value::String(value));
        }
        let sort = raw.content_type.split(';').next().unwrap_or_default().trim();
        match sort {
            _ if raw.body.is_empty() => {}
            "application/json" => args.take_json(raw)?,
            "application/x-www-form-urlencoded" => {
                let text = std::str::from_utf8(raw.body).map_err(|_| Refusal::new("invalid_form_data"))?;
                args.map.extend(pairs(text).into_iter().map(|(key, value)| (key, Value::String(value))));
            }
            "" => return Err(Refusal::new("missing_post_type")),
            _ => return Err(Refusal::new("invalid_post_type")),
        }
        args.token = match args.map.remove("token") {
            Some(Value::String(token)) => Some(token),
            _ => None,
        };
        args.open_json_fields()?;
        Ok(args)
    }

    fn take_json(&mut self, raw: &Raw<'_>) -> Result<(), Refusal> {
        let body: Value = serde_json::from_slice(raw.body).map_err(|_| Refusal::new("invalid_json"))?;
        let Value::Object(map) = body else { return Err(Refusal::new("json_not_object")) };
        if raw.takes_json {
            self.map.extend(map);
        }
        Ok(())
    }

    fn open_json_fields(&mut self) -> Result<(), Refusal> {
        for key in JSON_FIELDS {
            let Some(Value::String(text)) = self.map.get(*key) else { continue };
            if text.is_empty() {
                self.map.remove(*key);
                continue;
            }
            let wrong = match *key {
                "blocks" => Refusal::new("invalid_blocks_format"),
                "metadata" => Refusal::new("invalid_metadata_format"),
                _ => Refusal::arguments(format!("[ERROR] invalid JSON [json-pointer:/{key}]")),
            };
            let value: Value = serde_json::from_str(text).map_err(|_| wrong)?;
            self.map.insert((*key).to_owned(), value);
        }
        Ok(())
    }

    /// A text, where it is given.
    pub fn text(&self, key: &str) -> Result<Option<&str>, Refusal> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::arguments(format!("[ERROR] must be a string [json-pointer:/{key}]"))),
        }
    }

    pub fn needed(&self, key: &str) -> Result<&str, Refusal> {
        self.text(key)?.filter(|text| !text.is_empty()).ok_or_else(|| Refusal::missing(key))
    }

    pub fn flag(&self, key: &str) -> Result<bool, Refusal> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(word)) => match word.as_str() {
                "true" | "1" => Ok(true),
                "false" | "0" | "" => Ok(false),
                _ => Err(Refusal::arguments(format!("[ERROR] must be a boolean [json-pointer:/{key}]"))),
            },
            Some(Value::Number(n)) => Ok(n.as_u64() != Some(0)),
            Some(_) => Err(Refusal::arguments(format!("[ERROR] must be a boolean [json-pointer:/{key}]"))),
        }
    }

    pub fn number(&self, key: &str) -> Result<Option<usize>, Refusal> {
        let wrong = || Refusal::arguments(format!("[ERROR] must be an integer [json-pointer:/{key}]"));
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(n)) => {
                Ok(Some(n.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(wrong)?))
            }
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.parse().map_err(|_| wrong())?)),
            Some(_) => Err(wrong()),
        }
    }

    pub fn json(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Blocks, where they are given.
    pub fn blocks(&self) -> Result<Option<Vec<Value>>, Refusal> {
        match self.json("blocks") {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list.clone())),
            Some(_) => Err(Refusal::new("invalid_blocks_format")),
        }
    }

    /// `U1,U2`, or a list in JSON.
    pub fn words(&self, key: &str) -> Vec<String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match self.map.get(key) {
            Some(Value::Array(list)) => list.iter().filter_map(text).collect(),
            Some(Value::String(words)) => {
                words.split(',').map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Above what is read of a body.
pub fn too_large() -> Refusal {
    Refusal::new("request_too_large").with_status(StatusCode::PAYLOAD_TOO_LARGE)
}

/// `a=1&b=2`, decoded.
pub fn pairs(text: &str) -> Vec<(String, String)> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(key), decoded(value))
        })
        .collect()
}

fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut ahead = bytes.clone();
                let hex = [ahead.next(), ahead.next()].map(|b| b.and_then(|b| char::from(b).to_digit(16)));
                if let [Some(high), Some(low)] = hex {
                    out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                    bytes = ahead;
                } else {
                    out.push(byte);
                }
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
