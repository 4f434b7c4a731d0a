//! Letting go of a codespace, its work first.
//!
//! GitHub can push what is in a stopped codespace to a branch without starting it. Each call does one step and comes
//! back: look, ask for the export, see how it stands, delete. Must not know whose work it is.

use std::time::Duration;

use super::super::{NodeError, NodeRef};
use super::identity::{Identity, Opened};
use super::{Codespaces, name};
use crate::github::GitHubError;
use crate::github::codespaces::{Codespace, CodespaceState, Export, ExportState};

const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Codespaces {
    pub(super) async fn let_go(&self, node: &NodeRef) -> Result<(), NodeError> {
        let (login, codespace) = name::parts(node)?;
        let identity = self.identities.with_login(login).await?;
        let opened = identity.open(self.forge()).await?;
        let sort = |error: GitHubError| identity.sort(error, self.forge());
        let found = opened.github.codespace(codespace).await.map_err(sort)?;
        let Some(found) = found.filter(|c| c.state != CodespaceState::Deleted) else {
            self.memory.set_export(&node.name, None);
            return Ok(());
        };
        if found.git.holds_work() {
            self.save(node, &identity, &opened, &found).await?;
        }
        opened.github.delete_codespace(codespace).await.map_err(sort)?;
        self.reach.forget(codespace);
        self.memory.set_export(&node.name, None);
        Ok(())
    }

    /// `Ok` once its work is on a branch.
    async fn save(
        &self,
        node: &NodeRef,
        identity: &Identity,
        opened: &Opened,
        codespace: &Codespace,
    ) -> Result<(), NodeError> {
        let sort = |error: GitHubError| identity.sort(error, self.forge());
        let Some(id) = self.memory.exporting(&node.name) else {
            let begun = opened.github.export_codespace(&codespace.name).await.map_err(sort)?;
            self.memory.set_export(&node.name, Some(begun.id));
            return Err(saving());
        };
        let export = opened.github.codespace_export(&codespace.name, &id).await.map_err(sort)?;
        let over = |why: &str| {
            self.memory.set_export(&node.name, None);
            NodeError::Permanent(kept(codespace, why))
        };
        match export {
            Some(Export { state: ExportState::Succeeded, branch: Some(branch), .. }) => {
                tracing::info!(github.codespace = %codespace.name, git.branch = %branch, "work saved before deleting");
                Ok(())
            }
            Some(Export { state: ExportState::Succeeded, branch: None, .. }) => {
                Err(over("GitHub does not say to which branch it was saved"))
            }
            Some(Export { state: ExportState::Failed, .. }) => Err(over("saving it as a branch failed")),
            Some(_) => Err(saving()),
            None => Err(over("GitHub knows nothing of its export any more")),
        }
    }
}

fn saving() -> NodeError {
    let why = "its work is being saved as a branch first".to_owned();
    NodeError::Transient { why, retry_after: Some(LOOK_AGAIN) }
}

fn kept(codespace: &Codespace, why: &str) -> String {
    let page = codespace.web_url.as_deref().map_or_else(String::new, |url| format!(" ({url})"));
    format!(
        "the codespace `{}`{page} holds work that is nowhere else, and {why}; it is kept, so look at it on GitHub and \
         delete it yourself when nothing in it is needed",
        codespace.name
    )
}
