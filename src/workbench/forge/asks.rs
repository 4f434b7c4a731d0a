//! The bodies and queries a client may send, read strictly: wrong types, unknown keys and missing ones are refused
//! in GitHub's words.
//!
//! Must not know what becomes of them.

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// GitHub's limits, in characters.
const LONGEST_TITLE: usize = 256;
const LONGEST_BODY: usize = 65_536;

#[derive(Debug)]
pub struct NewPull {
    pub title: String,
    pub head: String,
    pub base: String,
    pub body: Option<String>,
    pub draft: bool,
    pub maintainer_can_modify: bool,
}

#[derive(Debug)]
pub struct ChangePull {
    pub title: Option<String>,
    pub body: Nullable,
    pub open: Option<bool>,
    pub base: Option<String>,
}

/// A text that may be left out, or taken away by an explicit null.
#[derive(Debug, PartialEq, Eq)]
pub enum Nullable {
    Absent,
    Null,
    Text(String),
}

impl Nullable {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Null => None,
        }
    }

    /// What stands after the change.
    pub fn or(self, before: Option<String>) -> Option<String> {
        match self {
            Self::Absent => before,
            Self::Null => None,
            Self::Text(text) => Some(text),
        }
    }
}

/// One list's page and filter.
#[derive(Debug, PartialEq, Eq)]
pub struct ListPulls {
    /// `None` = any state.
    pub open: Option<bool>,
    pub head: Option<(String, String)>,
    pub base: Option<String>,
    pub oldest_first: bool,
    pub page: Page,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub number: usize,
    pub size: usize,
}

pub(super) fn new_pull(body: &Bytes, repo_name: &str) -> Result<NewPull, Refusal> {
    let mut fields = Fields::of(body)?;
    let asked = NewPull {
        title: fields.needed("title")?,
        head: fields.needed("head")?,
        base: fields.needed("base")?,
        body: fields.text_or_null("body")?.or(None),
        draft: fields.flag("draft")?.unwrap_or(false),
        maintainer_can_modify: fields.flag("maintainer_can_modify")?.unwrap_or(false),
    };
    if fields.text("head_repo")?.is_some_and(|repo| repo != repo_name) {
        return Err(Refusal::field("PullRequest", "head_repo", "invalid"));
    }
    fields.end()?;
    check_texts(Some(&asked.title), asked.body.as_deref())?;
    Ok(asked)
}

pub(super) fn change_pull(body: &Bytes, number: u64) -> Result<ChangePull, Refusal> {
    let mut fields = Fields::of(body)?;
    // octocrab repeats the number of the path in the body.
    if fields.0.remove("pull_number").is_some_and(|repeated| repeated != number) {
        return Err(Refusal::shape("\"pull_number\" is not the path's."));
    }
    let open = match fields.text("state")?.as_deref() {
        None => None,
        Some("open") => Some(true),
        Some("closed") => Some(false),
        Some(_) => return Err(Refusal::field("PullRequest", "state", "invalid")),
    };
    let asked = ChangePull {
        title: fields.text("title")?,
        body: fields.text_or_null("body")?,
        open,
        base: fields.text("base")?,
    };
    fields.flag("maintainer_can_modify")?;
    fields.end()?;
    check_texts(asked.title.as_deref(), asked.body.text())?;
    Ok(asked)
}

pub(super) fn comment(body: &Bytes) -> Result<String, Refusal> {
    let mut fields = Fields::of(body)?;
    let text = fields.needed("body")?;
    fields.end()?;
    if text.trim().is_empty() {
        return Err(Refusal::field("IssueComment", "body", "missing_field"));
    }
    check_texts(None, Some(&text))?;
    Ok(text)
}

fn check_texts(title: Option<&str>, body: Option<&str>) -> Result<(), Refusal> {
    if title.is_some_and(|t| t.trim().is_empty()) {
        return Err(Refusal::field("PullRequest", "title", "missing_field"));
    }
    let too_long = |text: Option<&str>, most| text.is_some_and(|t| t.chars().count() > most);
    if too_long(title, LONGEST_TITLE) {
        return Err(Refusal::custom(
            "PullRequest",
            format!("title is too long (maximum is {LONGEST_TITLE} characters)"),
        ));
    }
    if too_long(body, LONGEST_BODY) {
        return Err(Refusal::custom(
            "Issue",
            format!("body is too long (maximum is {LONGEST_BODY} characters)"),
        ));
    }
    Ok(())
}

pub(super) fn list_pulls(query: Vec<(String, String)>) -> Result<ListPulls, Refusal> {
    let mut asked = ListPulls {
        open: Some(true),
        head: None,
        base: None,
        oldest_first: false,
        page: Page { number: 1, size: 30 },
    };
    for (key, value) in query {
        match (key.as_str(), value.as_str()) {
            ("state", "open") => asked.open = Some(true),
            ("state", "closed") => asked.open = Some(false),
            ("state", "all") => asked.open = None,
            // GitHub ignores a head without its owner and lists everything; so do we, to catch who forgets it.
            ("head", _) => asked.head = value.split_once(':').map(|(o, b)| (o.to_owned(), b.to_owned())),
            ("base", _) => asked.base = Some(value),
            ("direction", "asc") => asked.oldest_first = true,
            ("direction", "desc") | ("sort", "created") => {}
            _ => asked.page.take(&key, &value)?,
        }
    }
    Ok(asked)
}

pub(super) fn page(query: Vec<(String, String)>) -> Result<Page, Refusal> {
    let mut page = Page { number: 1, size: 30 };
    query.into_iter().try_for_each(|(key, value)| page.take(&key, &value))?;
    Ok(page)
}

impl Page {
    fn take(&mut self, key: &str, value: &str) -> Result<(), Refusal> {
        let number = value.parse::<usize>().ok().filter(|n| *n >= 1);
        match (key, number) {
            ("page", Some(n)) => self.number = n,
            ("per_page", Some(n)) => self.size = n.min(100),
            _ => return Err(Refusal::shape(format!("The query {key:?} does not take {value:?}."))),
        }
        Ok(())
    }

    pub(super) fn cut<T>(self, all: impl Iterator<Item = T>) -> Vec<T> {
        all.skip((self.number - 1).saturating_mul(self.size)).take(self.size).collect()
    }
}

/// A JSON object whose keys are taken one by one; what is left at the end was not permitted.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn of(body: &Bytes) -> Result<Self, Refusal> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(_) => Err(Refusal::plain(StatusCode::BAD_REQUEST, "Body should be a JSON object")),
            Err(_) => Err(Refusal::plain(StatusCode::BAD_REQUEST, "Problems parsing JSON")),
        }
    }

    fn needed(&mut self, key: &str) -> Result<String, Refusal> {
        self.text(key)?.ok_or_else(|| Refusal::shape(format!("\"{key}\" wasn't supplied.")))
    }

    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, Refusal> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(key, &other, "a string")),
        }
    }

    fn text_or_null(&mut self, key: &str) -> Result<Nullable, Refusal> {
        if self.0.get(key).is_some_and(Value::is_null) {
            self.0.remove(key);
            return Ok(Nullable::Null);
        }
        Ok(self.text(key)?.map_or(Nullable::Absent, Nullable::Text))
    }

    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, Refusal> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_type(key, &other, "a boolean")),
        }
    }

    pub(super) fn number(&mut self, key: &str) -> Result<Option<i64>, Refusal> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) => Ok(Some(number)),
                None => Err(wrong_type(key, &value, "an integer")),
            },
        }
    }

    /// A list, each of whose items `read` understands.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        wanted: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<Vec<T>>, Refusal> {
        let Some(value) = self.0.remove(key) else { return Ok(None) };
        let all = value.as_array().and_then(|all| all.iter().map(read).collect());
        all.map(Some).ok_or_else(|| wrong_type(key, &value, wanted))
    }

    /// The object under a key, its fields to be taken in turn.
    pub(super) fn inner(&mut self, key: &str) -> Result<Option<Self>, Refusal> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Self(map))),
            Some(other) => Err(wrong_type(key, &other, "an object")),
        }
    }

    /// As `of`, where the whole body may be left out.
    pub(super) fn of_optional(body: &Bytes) -> Result<Self, Refusal> {
        match body.trim_ascii() {
            b"" | b"null" => Ok(Self(Map::new())),
            _ => Self::of(body),
        }
    }

    pub(super) fn end(self) -> Result<(), Refusal> {
        match self.0.keys().next() {
            Some(key) => Err(Refusal::shape(format!("{key:?} is not a permitted key."))),
            None => Ok(()),
        }
    }
}

fn wrong_type(key: &str, value: &Value, wanted: &str) -> Refusal {
    let shown: String = value.to_string().chars().take(80).collect();
    Refusal::shape(format!("For 'properties/{key}', {shown} is not {wanted}."))
}
