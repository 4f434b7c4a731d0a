//! Where a session's work comes from and goes to: is it there, and is it a forge's or a plain folder?
//!
//! Refuses at the door what an attempt would only find out on its node. Must not know how a clone is made.

use std::path::Path;
use std::sync::Arc;

use tokio::io::AsyncReadExt;

use super::Inner;
use super::forge::{Forge, ForgeError};
use crate::domain::Repo;
use crate::wire::api::{Code, Refusal};
use crate::wire::run::Remote;

/// A repository's configuration is small.
const MAX_CONFIG: u64 = 256 * 1024;

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
        let Some(config) = config_of(Path::new(&path)).await else {
            if tokio::fs::metadata(&path).await.is_err() {
                let message =
                    format!("there is no folder `{path}` where DevTask runs, or it may not look into it");
                return Err(Refusal::new(Code::Invalid, message)
                    .hint("give a path on the server's machine, or `owner/name` on the forge"));
            }
            let message = format!("`{path}` is no git repository");
            return Err(Refusal::new(Code::Invalid, message).hint("give the folder that holds `.git`"));
        };
        match origin(&config).and_then(|url| self.recognised(url)) {
            Some(Repo::Forge { owner, name }) => self.on_forge(owner, name).await,
            _ => Ok(Repo::Path(path)),
        }
    }

    /// What git fetches from and pushes to; `None` where the forge is not configured any more.
    pub(super) fn remote(&self, repo: &Repo) -> Option<Remote> {
        match (repo, &self.forge) {
            (Repo::Forge { owner, name }, Some(forge)) => Some(forge.remote(owner, name)),
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

/// The repository's own configuration; `None` where the folder is no repository.
async fn config_of(path: &Path) -> Option<String> {
    let dot = path.join(".git");
    let home = match tokio::fs::metadata(&dot).await {
        Ok(meta) if meta.is_dir() => dot,
        Ok(_) => return Some(worktree_config(path, &dot).await.unwrap_or_default()),
        Err(_) => path.to_owned(),
    };
    if !is_dir(&home.join("objects")).await || !is_file(&home.join("HEAD")).await {
        return None;
    }
    Some(read(&home.join("config")).await.unwrap_or_default())
}

/// A linked worktree's `.git` is a file that names its folder, which names the common one.
async fn worktree_config(path: &Path, dot: &Path) -> Option<String> {
    let text = read(dot).await?;
    let home = path.join(text.strip_prefix("gitdir:")?.trim());
    let common = read(&home.join("commondir")).await?;
    read(&home.join(common.trim()).join("config")).await
}

async fn is_dir(path: &Path) -> bool {
    tokio::fs::metadata(path).await.is_ok_and(|m| m.is_dir())
}

async fn is_file(path: &Path) -> bool {
    tokio::fs::metadata(path).await.is_ok_and(|m| m.is_file())
}

async fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = tokio::fs::File::open(path).await.ok()?;
    file.take(MAX_CONFIG).read_to_string(&mut text).await.ok()?;
    Some(text)
}

/// The address of `origin`, read from git's configuration format.
pub(super) fn origin(config: &str) -> Option<&str> {
    let mut here = false;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            here = line == r#"[remote "origin"]"#;
        } else if here
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("url")
        {
            return Some(value.trim().trim_matches('"'));
        }
    }
    None
}
