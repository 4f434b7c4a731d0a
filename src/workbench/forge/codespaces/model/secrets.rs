//! A person's secrets for codespaces: names and for which repositories; never a value.
//!
//! Values come sealed and are not kept: nothing here could open them. Must not know keys.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Model;
use crate::clock::Time;
use crate::workbench::forge::refusal::Refusal;

/// GitHub's limit for a person.
const MOST: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    pub name: String,
    pub created_at: Time,
    pub updated_at: Time,
    pub visibility: Visibility,
    /// Ids.
    pub repositories: BTreeSet<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    All,
    Private,
    Selected,
}

impl Model {
    pub fn secrets(&self, owner: &str) -> Vec<&Secret> {
        self.secrets.get(owner).into_iter().flat_map(|own| own.values()).collect()
    }

    pub fn secret(&self, owner: &str, name: &str) -> Result<&Secret, Refusal> {
        let found = self.secrets.get(owner).and_then(|own| own.get(&name.to_ascii_uppercase()));
        found.ok_or_else(Refusal::not_found)
    }

    pub fn secret_mut(&mut self, owner: &str, name: &str) -> Result<&mut Secret, Refusal> {
        let found = self.secrets.get_mut(owner).and_then(|own| own.get_mut(&name.to_ascii_uppercase()));
        found.ok_or_else(Refusal::not_found)
    }

    /// Says whether it is new. `repositories`: `None` leaves those it has.
    pub fn put_secret(
        &mut self,
        owner: &str,
        name: &str,
        repositories: Option<BTreeSet<u64>>,
        now: Time,
    ) -> Result<bool, Refusal> {
        let name = checked(name)?;
        let own = self.secrets.entry(owner.to_owned()).or_default();
        if let Some(secret) = own.get_mut(&name) {
            secret.repositories = repositories.unwrap_or(std::mem::take(&mut secret.repositories));
            secret.updated_at = now;
            return Ok(false);
        }
        if own.len() >= MOST {
            return Err(Refusal::custom("CodespacesSecret", "too many secrets"));
        }
        let secret = Secret {
            name: name.clone(),
            created_at: now,
            updated_at: now,
            visibility: Visibility::Selected,
            repositories: repositories.unwrap_or_default(),
        };
        own.insert(name, secret);
        Ok(true)
    }

    pub fn delete_secret(&mut self, owner: &str, name: &str) -> Result<(), Refusal> {
        let own = self.secrets.get_mut(owner).ok_or_else(Refusal::not_found)?;
        own.remove(&name.to_ascii_uppercase()).map(drop).ok_or_else(Refusal::not_found)
    }
}

/// As GitHub spells names of secrets: letters, digits, underscores; no digit first, no `GITHUB_` first.
fn checked(name: &str) -> Result<String, Refusal> {
    let name = name.to_ascii_uppercase();
    let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.starts_with("GITHUB_")
        && (1..=100).contains(&name.len());
    if fits {
        Ok(name)
    } else {
        Err(Refusal::custom("CodespacesSecret", "the name of the secret is invalid"))
    }
}
