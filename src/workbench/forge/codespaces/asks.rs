//! The bodies and queries that codespace routes take, read strictly.
//!
//! Must not know what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use serde_json::Value;

use super::model::Change;
use crate::workbench::forge::asks::Fields;
use crate::workbench::forge::refusal::Refusal;

/// Where a codespace can be; GitHub's names.
pub(super) const LOCATIONS: [&str; 4] = ["EastUs", "SouthEastAsia", "WestEurope", "WestUs2"];
const LONGEST_TEXT: usize = 256;

/// A codespace to be made, as asked for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Asked {
    pub git_ref: Option<String>,
    pub machine: Option<String>,
    pub display_name: Option<String>,
    pub devcontainer_path: Option<String>,
    pub location: String,
    pub idle_minutes: Option<i64>,
    pub retention_minutes: Option<i64>,
    pub permissions_opt_out: bool,
}

/// Of what it is to be made: ids and numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Of {
    Repository(i64),
    Pull { repository: i64, number: i64 },
}

/// For `/repos/{owner}/{repo}/codespaces`, and with `has_ref` false for a pull request's.
pub(super) fn create(body: &Bytes, has_ref: bool) -> Result<Asked, Refusal> {
    asked(Fields::of_optional(body)?, has_ref)
}

/// For `/user/codespaces`: the body also says of what.
pub(super) fn create_of(body: &Bytes) -> Result<(Of, Asked), Refusal> {
    let mut fields = Fields::of(body)?;
    let (repository, pull) = (fields.number("repository_id")?, fields.inner("pull_request")?);
    match (repository, pull) {
        (Some(id), None) => Ok((Of::Repository(id), asked(fields, true)?)),
        (None, Some(mut pull)) => {
            let missing = |key: &str| Refusal::shape(format!("\"{key}\" wasn't supplied."));
            let number = pull.number("pull_request_number")?.ok_or_else(|| missing("pull_request_number"))?;
            let repository = pull.number("repository_id")?.ok_or_else(|| missing("repository_id"))?;
            pull.end()?;
            Ok((Of::Pull { repository, number }, asked(fields, false)?))
        }
        _ => Err(Refusal::shape("Give either \"repository_id\" or \"pull_request\".")),
    }
}

fn asked(mut fields: Fields, has_ref: bool) -> Result<Asked, Refusal> {
    let asked = Asked {
        git_ref: if has_ref { short(fields.text("ref")?, "ref")? } else { None },
        machine: short(fields.text("machine")?, "machine")?.filter(|m| !m.is_empty()),
        display_name: short(fields.text("display_name")?, "display_name")?.filter(|n| !n.is_empty()),
        devcontainer_path: short(fields.text("devcontainer_path")?, "devcontainer_path")?,
        location: location(fields.text("geo")?.as_deref(), fields.text("location")?.as_deref())?,
        idle_minutes: fields.number("idle_timeout_minutes")?,
        retention_minutes: fields.number("retention_period_minutes")?,
        permissions_opt_out: fields.flag("multi_repo_permissions_opt_out")?.unwrap_or(false),
    };
    short(fields.text("client_ip")?, "client_ip")?;
    short(fields.text("working_directory")?, "working_directory")?;
    fields.end()?;
    Ok(asked)
}

fn short(text: Option<String>, key: &str) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.len() > LONGEST_TEXT => Err(Refusal::shape(format!("\"{key}\" is too long."))),
        text => Ok(text),
    }
}

/// `geo` is the newer word; of the older one, `gh` sends an empty text.
fn location(geo: Option<&str>, location: Option<&str>) -> Result<String, Refusal> {
    let of_geo = match geo {
        None => None,
        Some("EuropeWest") => Some("WestEurope"),
        Some("SoutheastAsia") => Some("SouthEastAsia"),
        Some("UsEast") => Some("EastUs"),
        Some("UsWest") => Some("WestUs2"),
        Some(other) => return Err(Refusal::shape(format!("For 'properties/geo', {other:?} is no place."))),
    };
    match (of_geo, location) {
        (Some(found), _) => Ok(found.to_owned()),
        (None, None | Some("")) => Ok("EastUs".to_owned()),
        (None, Some(name)) if LOCATIONS.contains(&name) => Ok(name.to_owned()),
        (None, Some(other)) => {
            Err(Refusal::shape(format!("For 'properties/location', {other:?} is no place.")))
        }
    }
}

pub(super) fn change(body: &Bytes) -> Result<Change, Refusal> {
    let mut fields = Fields::of(body)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let asked = Change {
        machine: fields.text("machine")?,
        display_name: fields.text("display_name")?,
        recent_folders: fields.list("recent_folders", "a list of strings", text)?,
    };
    fields.end()?;
    let many = asked.recent_folders.as_ref().is_some_and(|all| all.len() > 100);
    if many { Err(Refusal::shape("\"recent_folders\" is too long.")) } else { Ok(asked) }
}

/// A sealed value: the key it was sealed with, and whether there is one.
pub(super) struct PutSecret {
    pub key_id: String,
    pub value: Option<String>,
    pub repositories: Option<BTreeSet<u64>>,
}

pub(super) fn put_secret(body: &Bytes) -> Result<PutSecret, Refusal> {
    let mut fields = Fields::of(body)?;
    let key_id = fields.text("key_id")?.ok_or_else(|| Refusal::shape("\"key_id\" wasn't supplied."))?;
    let asked = PutSecret { key_id, value: fields.text("encrypted_value")?, repositories: ids(&mut fields)? };
    fields.end()?;
    Ok(asked)
}

pub(super) fn set_repositories(body: &Bytes) -> Result<BTreeSet<u64>, Refusal> {
    let mut fields = Fields::of(body)?;
    let all = ids(&mut fields)?;
    fields.end()?;
    all.ok_or_else(|| Refusal::shape("\"selected_repository_ids\" wasn't supplied."))
}

/// Numbers; GitHub also takes them as texts.
fn ids(fields: &mut Fields) -> Result<Option<BTreeSet<u64>>, Refusal> {
    let id = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    Ok(fields.list("selected_repository_ids", "a list of ids", id)?.map(|all| all.into_iter().collect()))
}

/// A query whose keys are all among `known`.
pub(super) fn query(
    asked: Vec<(String, String)>,
    known: &[&str],
) -> Result<BTreeMap<String, String>, Refusal> {
    match asked.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        Some((key, value)) => Err(Refusal::shape(format!("The query {key:?} does not take {value:?}."))),
        None => Ok(asked.into_iter().collect()),
    }
}
