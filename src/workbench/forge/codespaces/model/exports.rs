//! Exports: what is in a codespace becomes a branch, without starting it.
//!
//! Knows one export at a time for each codespace. Must not know git.

use serde::{Deserialize, Serialize};

use super::{Codespace, Model};
use crate::clock::Time;
use crate::workbench::forge::refusal::Refusal;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    pub id: String,
    pub branch: String,
    /// The commit, once it is pushed.
    pub sha: Option<String>,
    pub failed: bool,
    pub completed_at: Option<Time>,
    /// Not complete before this.
    pub(super) until: Time,
    pub(super) begun: bool,
    /// The push is over; how it went is known.
    pub(super) ended: bool,
}

impl Export {
    pub fn state(&self) -> &'static str {
        match (self.completed_at, self.failed) {
            (None, _) => "in_progress",
            (Some(_), false) => "succeeded",
            (Some(_), true) => "failed",
        }
    }
}

impl Model {
    pub fn export(
        &mut self,
        owner: &str,
        name: &str,
        id: String,
        takes: chrono::TimeDelta,
        now: Time,
    ) -> Result<Codespace, Refusal> {
        let codespace = self.seen_mut(owner, name)?;
        codespace.check_pending()?;
        let branch = format!("codespace-{}", codespace.name);
        codespace.export = Some(Export {
            id,
            branch,
            sha: None,
            failed: false,
            completed_at: None,
            until: now + takes,
            begun: false,
            ended: false,
        });
        codespace.updated_at = now;
        Ok(codespace.clone())
    }

    /// The push has ended: with a commit, or not at all.
    pub fn exported(&mut self, name: &str, sha: Option<String>, at: Option<Time>) {
        let Some(codespace) = self.codespaces.get_mut(name) else { return };
        let Some(export) = codespace.export.as_mut() else { return };
        (export.failed, export.ended) = (sha.is_none(), true);
        export.until = at.map_or(export.until, |at| export.until.max(at));
        if sha.is_some() {
            codespace.work.unpushed = false;
            codespace.work.uncommitted = false;
        }
        export.sha = sha;
    }
}
