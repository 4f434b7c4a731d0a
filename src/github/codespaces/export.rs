//! The rescue: GitHub pushes what a codespace holds to a branch, without starting it.
//!
//! Knows the two routes. Must not know when work is worth saving.

use super::{route, wire};
use crate::github::{Act, GitHub, GitHubError, Verb, names};

/// An export as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// For [`GitHub::codespace_export`]; `latest` works as well.
    pub id: String,
    pub state: ExportState,
    /// The branch it went to; a fork's where the repository may not be pushed to.
    pub branch: Option<String>,
    pub sha: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportState {
    InProgress,
    Succeeded,
    Failed,
    /// Not said, or a word GitHub adds later: not saved yet.
    Other(String),
}

impl GitHub {
    /// Asks for an export; it ends a little later.
    pub async fn export_codespace(&self, name: &str) -> Result<Export, GitHubError> {
        let act = Act::on_codespace(Verb::ExportCodespace, name);
        let route = route(&act, name, "/exports")?;
        let shown: wire::Export = self.post(&act, &route, None::<&()>).await?.json(&act)?;
        Ok(view(shown))
    }

    /// How an export stands; `None` where there never was one.
    pub async fn codespace_export(&self, name: &str, id: &str) -> Result<Option<Export>, GitHubError> {
        let act = Act::on_codespace(Verb::ReadExport, name);
        names::check_word(id, &act)?;
        let route = route(&act, name, &format!("/exports/{id}"))?;
        match self.get(&act, &route).await {
            Ok(answer) => answer.json(&act).map(|shown| Some(view(shown))),
            Err(GitHubError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn view(shown: wire::Export) -> Export {
    let state = match shown.state.as_deref().unwrap_or_default() {
        "in_progress" => ExportState::InProgress,
        "succeeded" => ExportState::Succeeded,
        "failed" => ExportState::Failed,
        other => ExportState::Other(names::short(other)),
    };
    Export { id: shown.id, state, branch: shown.branch, sha: shown.sha }
}
