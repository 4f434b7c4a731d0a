//! Where a session's work comes from and goes to: is it there, and is it a forge's or a plain folder?
//!
//! Refuses at the door what an attempt would only find out on its node. Must not know how a clone is made.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Inner;
use super::forge::{Forge, ForgeError};
use crate::domain::Repo;
use crate::git::{Failure, Git, GitError};
use crate::wire::api::{About, Code, Refusal};
use crate::wire::run::Remote;

/// Somebody waits for the answer.
const FOR_A_LOOK: Duration = Duration::from_secs(10);

impl Inner {
    /// The repository that `text` names, if it exists.
    pub(super) async fn find_repo(&self, text: &str) -> Result<Repo, Refusal> {
        let repo: Repo = match self.recognised(text.trim()) {
            Some(repo) => repo,
            None => text.trim().parse().map_err(|e| Refusal::new(Code::Invalid, format!("{e}")))?,
        };
        match repo {
            Repo::Forge { owner, name } => self.on_forge(owner, name).await,
            Repo::Path(path) => self.in_folder(path).await,
        }
    }

    fn recognised(&self, url: &str) -> Option<Repo> {
        self.forge.as_ref().and_then(|forge| forge.recognise(url))
    }

    async fn on_forge(&self, owner: String, name: String) -> Result<Repo, Refusal> {
        let Some(forge) = &self.forge else {
            let message = format!("`{owner}/{name}` is on a forge, and none is configured");
            return Err(Refusal::new(Code::Invalid, message)
                .hint("set `github.token`, or give the absolute path of a repository on this machine"));
        };
        exists(forge, &owner, &name).await?;
        Ok(Repo::Forge { owner, name })
    }

    /// A folder whose `origin` is the forge's counts as that repository.
    async fn in_folder(&self, path: String) -> Result<Repo, Refusal> {
        if !tokio::fs::metadata(&path).await.is_ok_and(|found| found.is_dir()) {
            let message =
                format!("there is no folder `{path}` where DevTask runs, or it may not look into it");
            return Err(Refusal::new(Code::Invalid, message)
                .hint("give a path on the server's machine, or `owner/name` on the forge"));
        }
        let origin = origin(Path::new(&path)).await.map_err(|error| match error.failure() {
            Some(Failure::NotARepository | Failure::NoRepository) => {
                let message = format!("`{path}` is no git repository");
                Refusal::new(Code::Invalid, message).hint("give the folder that holds `.git`")
            }
            _ => Refusal::new(Code::Unreachable, format!("`{path}` could not be looked at: {error}"))
                .about(About::Machine),
        })?;
        match origin.and_then(|url| self.recognised(&url)) {
            Some(Repo::Forge { owner, name }) => self.on_forge(owner, name).await,
            _ => Ok(Repo::Path(path)),
        }
    }

    /// What git fetches from and pushes to; `None` where the forge is not configured any more.
    pub(super) fn remote(&self, repo: &Repo) -> Option<Remote> {
        match (repo, &self.forge) {
            (Repo::Forge { owner, name }, Some(forge)) => forge.remote(owner, name),
            (Repo::Forge { .. }, None) => None,
            (Repo::Path(_), _) => super::run::remote_of_path(repo),
        }
    }
}

async fn exists(forge: &Arc<dyn Forge>, owner: &str, name: &str) -> Result<(), Refusal> {
    forge.exists(owner, name).await.map_err(|error| {
        let (code, hint) = match &error {
            ForgeError::Unknown(_) => {
                (Code::Invalid, "check the spelling, and that DevTask's token may see the repository")
            }
            ForgeError::Transient { .. } => (Code::Unreachable, "try again in a moment"),
            _ => (Code::Invalid, "check DevTask's access to the forge"),
        };
        Refusal::new(code, error.to_string()).hint(hint)
    })
}

/// The address of `origin`, where the folder is a repository that has one.
async fn origin(path: &Path) -> Result<Option<String>, GitError> {
    // Asks a local repository only, so git needs no home of ours.
    let git = Git::new("/dev/null").with_limit(FOR_A_LOOK);
    let with_files = tokio::fs::try_exists(path.join(".git")).await.unwrap_or(false);
    let place = if with_files { git.clone_at(path) } else { git.bare(path) };
    place.remote("origin").await
}
