//! A codespace as GitHub spells it.
//!
//! Knows that of all the fields only name, id and state can be counted on: GitHub's own examples leave out what its
//! schema demands, so anything else that is absent, null or of another shape is simply not known.

use serde::{Deserialize, Deserializer};

use crate::clock::Time;

#[derive(Deserialize)]
pub(super) struct Page {
    pub codespaces: Vec<Codespace>,
    #[serde(default, deserialize_with = "lenient")]
    pub total_count: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct Codespace {
    pub name: String,
    pub id: u64,
    pub state: String,
    #[serde(default, deserialize_with = "lenient")]
    pub display_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub created_at: Option<Time>,
    #[serde(default, deserialize_with = "lenient")]
    pub last_used_at: Option<Time>,
    #[serde(default, deserialize_with = "lenient")]
    pub owner: Option<Owner>,
    #[serde(default, deserialize_with = "lenient")]
    pub repository: Option<Repository>,
    #[serde(default, deserialize_with = "lenient")]
    pub machine: Option<Machine>,
    #[serde(default, deserialize_with = "lenient")]
    pub git_status: Option<GitStatus>,
    #[serde(default, deserialize_with = "lenient")]
    pub pending_operation: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub pending_operation_disabled_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub last_known_stop_notice: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub idle_timeout_notice: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub idle_timeout_minutes: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    pub retention_expires_at: Option<Time>,
    #[serde(default, deserialize_with = "lenient")]
    pub web_url: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Owner {
    #[serde(default, deserialize_with = "lenient")]
    pub login: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    #[serde(default, deserialize_with = "lenient")]
    pub full_name: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct GitStatus {
    #[serde(default, deserialize_with = "lenient")]
    pub ahead: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub behind: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub has_unpushed_changes: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub has_uncommitted_changes: Option<bool>,
    #[serde(default, rename = "ref", deserialize_with = "lenient")]
    pub ref_: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Machines {
    pub machines: Vec<Machine>,
}

#[derive(Default, Deserialize)]
pub(super) struct Machine {
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub display_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub cpus: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    pub memory_in_bytes: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub storage_in_bytes: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub prebuild_availability: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Permissions {
    pub accepted: bool,
}

#[derive(Deserialize)]
pub(super) struct Export {
    pub id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub state: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub branch: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub sha: Option<String>,
}

/// What is not of the shape we know is not known, rather than an error.
fn lenient<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(serde_json::from_value(value).ok())
}
