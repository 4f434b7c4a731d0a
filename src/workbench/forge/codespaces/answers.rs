//! Codespaces, machines, exports and secrets as GitHub's JSON.
//!
//! Must not know requests; addresses are made when an answer is.

use serde_json::{Value, json};

use super::model::{Codespace, Export, Secret};
use super::settings::{MachineType, Prebuild, Settings};
use crate::workbench::forge::answers::Answers;

pub(super) struct Shown<'a> {
    pub answers: Answers<'a>,
    pub settings: &'a Settings,
}

impl Shown<'_> {
    fn url(&self, codespace: &Codespace) -> String {
        format!("{}/api/v3/user/codespaces/{}", self.answers.web, codespace.name)
    }

    pub(super) fn codespace(&self, codespace: &Codespace) -> Value {
        let url = self.url(codespace);
        let owner = self.answers.user(&codespace.owner);
        let repo = self.answers.model.repo(&codespace.repo);
        let machine = self.settings.machine(&codespace.machine).map(machine);
        json!({
            "id": codespace.id, "name": codespace.name, "display_name": codespace.display_name,
            "environment_id": codespace.environment_id, "owner": owner, "billable_owner": owner,
            "repository": repo.map(|repo| self.answers.repo(repo, Some(&codespace.owner))), "machine": machine,
            "devcontainer_path": codespace.devcontainer_path, "prebuild": false,
            "created_at": codespace.created_at, "updated_at": codespace.updated_at,
            "last_used_at": codespace.last_used_at, "state": codespace.state(), "url": url,
            "git_status": {
                "ahead": codespace.work.ahead, "behind": codespace.work.behind,
                "has_unpushed_changes": codespace.work.unpushed,
                "has_uncommitted_changes": codespace.work.uncommitted, "ref": codespace.branch,
            },
            "location": codespace.location, "idle_timeout_minutes": codespace.idle_minutes,
            "web_url": format!("{}/codespaces/{}", self.answers.web, codespace.name),
            "machines_url": format!("{url}/machines"), "start_url": format!("{url}/start"),
            "stop_url": format!("{url}/stop"), "publish_url": format!("{url}/publish"), "pulls_url": null,
            "recent_folders": codespace.recent_folders,
            "runtime_constraints": { "allowed_port_privacy_settings": null },
            "pending_operation": codespace.is_pending(),
            "pending_operation_disabled_reason":
                codespace.is_pending().then_some("Codespace has a pending operation"),
            "idle_timeout_notice": codespace.idle_notice,
            "retention_period_minutes": codespace.retention_minutes,
            "retention_expires_at": codespace.retention_expires_at(),
            "last_known_stop_notice": codespace.stop_notice,
        })
    }

    /// As `?internal=true` shows it: with the way to its machine, while there is one.
    pub(super) fn connected(&self, codespace: &Codespace) -> Value {
        let mut answer = self.codespace(codespace);
        if let (Some(map), true) = (answer.as_object_mut(), codespace.is_up()) {
            let tunnel = json!({
                "connectAccessToken": codespace.connect_token, "managePortsAccessToken": "",
                "serviceUri": format!("{}/_tunnel/", self.answers.web), "tunnelId": codespace.name,
                "clusterId": codespace.location, "domain": "",
            });
            map.insert("connection".into(), json!({ "tunnelProperties": tunnel }));
        }
        answer
    }

    pub(super) fn export(&self, codespace: &Codespace, export: &Export) -> Value {
        let page = format!("{}/{}/tree/{}", self.answers.web, codespace.full_name, export.branch);
        let done = export.sha.is_some() && export.completed_at.is_some();
        json!({
            "state": export.state(), "completed_at": export.completed_at, "branch": export.branch,
            "sha": export.sha.as_ref().filter(|_| done), "id": export.id,
            "export_url": format!("{}/exports/{}", self.url(codespace), export.id),
            "html_url": done.then_some(page),
        })
    }

    pub(super) fn secret(&self, secret: &Secret) -> Value {
        let url = format!("{}/api/v3/user/codespaces/secrets/{}", self.answers.web, secret.name);
        json!({
            "name": secret.name, "created_at": secret.created_at, "updated_at": secret.updated_at,
            "visibility": secret.visibility, "selected_repositories_url": format!("{url}/repositories"),
        })
    }
}

pub(super) fn machines<'a>(all: impl Iterator<Item = &'a MachineType>) -> Value {
    let all: Vec<Value> = all.map(machine).collect();
    json!({ "total_count": all.len(), "machines": all })
}

fn machine(machine: &MachineType) -> Value {
    const GIB: u64 = 1 << 30;
    json!({
        "name": machine.name, "display_name": machine.display_name, "operating_system": "linux",
        "storage_in_bytes": machine.storage_gib * GIB, "memory_in_bytes": machine.memory_gib * GIB,
        "cpus": machine.cpus,
        "prebuild_availability": match machine.prebuild {
            Prebuild::None => "none",
            Prebuild::Ready => "ready",
            Prebuild::InProgress => "in_progress",
        },
    })
}
