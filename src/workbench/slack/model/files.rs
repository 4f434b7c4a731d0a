//! Files people attach: what is known of them, and their bytes.
//!
//! Must not know messages.

use serde_json::{Value, json};

use super::Model;
use crate::clock::Time;

/// Files kept; the oldest go.
const MOST_FILES: usize = 64;
/// The longest text of one, in bytes.
pub const LONGEST: usize = 1 << 20;

#[derive(Clone, Debug)]
pub struct File {
    pub id: String,
    pub name: String,
    pub user: String,
    pub text: String,
    pub created: Time,
}

impl Model {
    pub fn add_file(&mut self, user: &str, name: &str, text: &str, now: Time) -> String {
        let id = self.id("F");
        let file = File {
            id: id.clone(),
            name: name.chars().take(255).collect(),
            user: user.to_owned(),
            text: text.to_owned(),
            created: now,
        };
        self.files.insert(id.clone(), file);
        while self.files.len() > MOST_FILES {
            self.files.pop_first();
        }
        id
    }

    /// As `files.info` and the message show it; `None` where it is gone.
    pub fn file_json(&self, id: &str) -> Option<Value> {
        let file = self.files.get(id)?;
        let (kind, mime) = kind_of(&file.name);
        let url = format!("{}/files/{}", self.url, file.id);
        Some(json!({
            "id": file.id, "name": file.name, "title": file.name, "mimetype": mime, "filetype": kind,
            "pretty_type": kind, "user": file.user, "size": file.text.len(), "mode": "hosted",
            "created": file.created.timestamp(), "timestamp": file.created.timestamp(),
            "is_external": false, "is_public": false, "url_private": url,
            "url_private_download": format!("{url}/download"),
            "permalink": format!("{}/archives/files/{}", self.url, file.id),
        }))
    }
}

fn kind_of(name: &str) -> (&'static str, &'static str) {
    match name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).as_deref() {
        Some("md") => ("markdown", "text/markdown"),
        Some("json") => ("json", "application/json"),
        _ => ("text", "text/plain"),
    }
}
