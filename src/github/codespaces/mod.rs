//! Codespaces as typed verbs: list, look, create, start, stop, delete, the machines to choose from, exports.
//!
//! Knows the routes of GitHub's Codespaces API (octocrab has none) and what their answers mean. Must not know nodes:
//! what a codespace is for, whom it serves, or what to do after an error.
//!
//! Reads are repeated, writes sent once. Creating is the one write that must not be sent again after an unknown
//! outcome: GitHub has no key for it, so [`GitHubError::Ambiguous`] means "list, and adopt by `display_name`".

mod export;
mod lists;
mod machines;
#[cfg(test)]
mod tests;
mod view;
mod wire;

use serde::Serialize;

use super::names;
use super::{Act, GitHub, GitHubError, Verb};

pub use export::{Export, ExportState};
pub use machines::Machine;
pub use view::{Codespace, CodespaceState, GitStatus};

/// GitHub's own limit of a display name, in characters.
pub const LONGEST_DISPLAY_NAME: usize = 48;

/// A codespace to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCodespace {
    pub owner: String,
    pub name: String,
    /// Branch, tag or commit; `None` = the default branch.
    pub ref_: Option<String>,
    /// `None` = the smallest that GitHub finds fit.
    pub machine: Option<String>,
    pub devcontainer_path: Option<String>,
    /// `EuropeWest`, `SoutheastAsia`, `UsEast` or `UsWest`; `None` = near to us.
    pub geo: Option<String>,
    /// Without traffic for so long it stops; 5 to 240.
    pub idle_timeout_minutes: Option<u32>,
    /// Stopped for so long it is deleted; 0 to 43 200.
    pub retention_minutes: Option<u32>,
    /// Our mark; at most [`LONGEST_DISPLAY_NAME`] characters, or it is not sent at all.
    pub display_name: String,
}

/// Absent, not `null`: GitHub's schema knows no null here.
#[derive(Serialize)]
struct Body<'a> {
    display_name: &'a str,
    /// Extra permissions need a person at a page: an agent's codespace does without them.
    multi_repo_permissions_opt_out: bool,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    ref_: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devcontainer_path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    geo: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_timeout_minutes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_period_minutes: Option<u32>,
}

impl GitHub {
    /// `None` where there is none of this name, or none that this token may see.
    pub async fn codespace(&self, name: &str) -> Result<Option<Codespace>, GitHubError> {
        let act = Act::on_codespace(Verb::ReadCodespace, name);
        let route = route(&act, name, "")?;
        match self.get(&act, &route).await {
            Ok(answer) => answer.json::<wire::Codespace>(&act).map(|found| Some(found.into())),
            Err(GitHubError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for one, once. 202 says that a part failed and GitHub goes on trying: it is a codespace like any other.
    ///
    /// # Errors
    /// [`GitHubError::Ambiguous`] and [`GitHubError::Unavailable`] leave open whether there is one now.
    pub async fn create_codespace(&self, new: &NewCodespace) -> Result<Codespace, GitHubError> {
        let act = Act::on(Verb::CreateCodespace, &new.owner, &new.name);
        names::check(&new.owner, &new.name, &act)?;
        if let Some(branch) = &new.ref_ {
            names::check_branch(branch, &act)?;
        }
        if new.display_name.chars().count() > LONGEST_DISPLAY_NAME {
            return Err(GitHubError::BadName { act });
        }
        let body = Body {
            display_name: &new.display_name,
            multi_repo_permissions_opt_out: true,
            ref_: new.ref_.as_deref(),
            machine: new.machine.as_deref(),
            devcontainer_path: new.devcontainer_path.as_deref(),
            geo: new.geo.as_deref(),
            idle_timeout_minutes: new.idle_timeout_minutes,
            retention_period_minutes: new.retention_minutes,
        };
        let route = format!("/repos/{}/{}/codespaces", new.owner, new.name);
        let answer = self.post(&act, &route, Some(&body)).await?;
        let made = Codespace::from(answer.json::<wire::Codespace>(&act)?);
        tracing::info!(github.codespace = %made.name, github.status = answer.status.as_u16(), "codespace created");
        Ok(made)
    }

    /// One that runs already is fine.
    pub async fn start_codespace(&self, name: &str) -> Result<Codespace, GitHubError> {
        self.turn(Act::on_codespace(Verb::StartCodespace, name), name, "/start").await
    }

    /// One that stands already is fine.
    pub async fn stop_codespace(&self, name: &str) -> Result<Codespace, GitHubError> {
        self.turn(Act::on_codespace(Verb::StopCodespace, name), name, "/stop").await
    }

    /// What the answer does not show is read.
    async fn turn(&self, act: Act, name: &str, verb: &str) -> Result<Codespace, GitHubError> {
        let route = route(&act, name, verb)?;
        let answer = self.post(&act, &route, None::<&()>).await?;
        if let Ok(shown) = answer.json::<wire::Codespace>(&act) {
            return Ok(shown.into());
        }
        self.codespace(name).await?.ok_or(GitHubError::NotFound { act })
    }

    /// Asks for its end, which comes a little later. One that is absent is fine.
    pub async fn delete_codespace(&self, name: &str) -> Result<(), GitHubError> {
        let act = Act::on_codespace(Verb::DeleteCodespace, name);
        let route = route(&act, name, "")?;
        match self.delete(&act, &route).await {
            Ok(_) | Err(GitHubError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// `/user/codespaces/NAME` and what follows; a name that is none never becomes part of it.
fn route(act: &Act, name: &str, rest: &str) -> Result<String, GitHubError> {
    names::check_word(name, act)?;
    Ok(format!("/user/codespaces/{name}{rest}"))
}

/// A notice for a person, cleaned; an empty one is none.
fn notice(text: Option<String>) -> Option<String> {
    text.map(|text| names::short(&text)).filter(|text| !text.is_empty())
}
