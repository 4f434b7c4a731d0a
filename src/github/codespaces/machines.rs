//! Which machines a repository may use, and whether its dev container asks for more than it gets.
//!
//! Knows two read-only routes; must not choose.

use super::wire;
use crate::github::names::{self, encode};
use crate::github::{Act, GitHub, GitHubError, Verb};

/// A machine type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What a codespace is created with.
    pub name: String,
    /// `4 cores, 16 GB RAM, 32 GB storage`.
    pub display_name: Option<String>,
    pub cpus: Option<u32>,
    pub memory_in_bytes: Option<u64>,
    /// A prebuild of this repository stands ready: creating takes seconds, not minutes.
    pub prebuild: bool,
}

impl GitHub {
    /// The machine types this token's user may use for a repository, smallest first. Empty where a policy allows none.
    pub async fn machines(
        &self,
        owner: &str,
        repo: &str,
        ref_: Option<&str>,
    ) -> Result<Vec<Machine>, GitHubError> {
        let act = Act::on(Verb::ReadMachines, owner, repo);
        names::check(owner, repo, &act)?;
        let mut route = format!("/repos/{owner}/{repo}/codespaces/machines");
        if let Some(branch) = ref_ {
            names::check_branch(branch, &act)?;
            route = format!("{route}?ref={}", encode(branch));
        }
        let shown: wire::Machines = self.get(&act, &route).await?.json(&act)?;
        let mut machines: Vec<Machine> = shown.machines.into_iter().filter_map(view).collect();
        machines.sort_by_key(|m| (m.cpus, m.memory_in_bytes));
        Ok(machines)
    }

    /// Whether a codespace with this dev container starts without a person who grants it more permissions.
    pub async fn permissions_accepted(
        &self,
        owner: &str,
        repo: &str,
        ref_: &str,
        devcontainer_path: &str,
    ) -> Result<bool, GitHubError> {
        let act = Act::on(Verb::CheckPermissions, owner, repo);
        names::check(owner, repo, &act)?;
        names::check_branch(ref_, &act)?;
        let (branch, path) = (encode(ref_), encode(devcontainer_path));
        let query = format!("ref={branch}&devcontainer_path={path}");
        let route = format!("/repos/{owner}/{repo}/codespaces/permissions_check?{query}");
        let shown: wire::Permissions = self.get(&act, &route).await?.json(&act)?;
        Ok(shown.accepted)
    }
}

fn view(found: wire::Machine) -> Option<Machine> {
    Some(Machine {
        name: found.name?,
        display_name: found.display_name,
        cpus: found.cpus,
        memory_in_bytes: found.memory_in_bytes,
        prebuild: found.prebuild_availability.as_deref() == Some("ready"),
    })
}
