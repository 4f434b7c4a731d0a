//! Laws of the workspace, with the real git on real folders.

mod odd;
mod way;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use uuid::Uuid;

use super::{Credentials, Workspace, WorkspaceError};
use crate::domain::limits::{Limits, Policy};
use crate::domain::session::NewSession;
use crate::domain::{Actor, Attempt, SessionId, brief::Brief};
use crate::git::fixture::{Yard, commit, everything, run, write};
use crate::wire::run::{AgentRun, Person, Remote, Run, Sandbox};

/// For remotes that ask nobody.
#[derive(Clone, Copy, Debug)]
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn lend(&self) -> BoxFuture<'_, Option<SecretString>> {
        Box::pin(std::future::ready(None))
    }
}

/// An attempt on session 142 of a repository.
pub(crate) fn attempt(repo: &Path, number: u32) -> Run {
    let new = NewSession {
        id: SessionId::new(142).unwrap(),
        mark: Uuid::from_u128(7),
        owner: Actor::Person("local/ana".into()),
        brief: Brief { title: "Fix login".into(), goal: "Fix login".into(), ..Brief::default() },
        repo: repo.to_str().unwrap().parse().unwrap(),
        base: None,
        provider: "local".into(),
        agent: "claude".into(),
        model: None,
        effort: None,
        plan: false,
        priority: 0,
        labels: Vec::new(),
        requester: None,
        branch_pattern: "devtask/{task_id}-{task_slug}".into(),
        require_approval_for: Vec::new(),
        limits: Limits::default(),
        policy: Policy::default(),
    };
    Run {
        conversation: new.conversation(),
        new,
        attempt: Attempt(number),
        instance: "test".into(),
        remote: Remote { url: repo.to_str().unwrap().into(), needs_credential: false },
        mirrors: None,
        branch: None,
        base_sha: None,
        resume: false,
        agent: AgentRun { command: Vec::new(), env: std::collections::BTreeMap::new() },
        sandbox: Sandbox { bubblewrap: None, hide: Vec::new() },
        author: Person { name: "Ana".into(), email: "ana@example.com".into() },
    }
}

async fn prepare(run: &Run, home: &Path) -> Result<Workspace, WorkspaceError> {
    std::fs::create_dir_all(home).unwrap();
    Workspace::prepare(run, home, Arc::new(NoCredentials)).await
}

async fn prepared(run: &Run, home: &Path) -> Workspace {
    prepare(run, home).await.unwrap_or_else(|e| panic!("{e}: {:?}", std::error::Error::source(&e)))
}

fn sha(repo: &Path, name: &str) -> String {
    run(repo, &["rev-parse", name])
}

/// What a person would notice: files, index, `HEAD`, their own branches, configuration.
fn checkout(repo: &Path) -> std::collections::BTreeMap<PathBuf, String> {
    let ours =
        [".git/objects", ".git/refs/devtask", ".git/refs/heads/devtask", ".git/logs/refs/heads/devtask"]
            .map(|p| repo.join(p));
    let mut all = everything(repo);
    all.retain(|path, _| !ours.iter().any(|o| path.starts_with(o)));
    all
}
