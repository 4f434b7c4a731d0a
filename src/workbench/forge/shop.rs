//! What all faces share: the folder, the model behind its lock, the calls, the faults.
//!
//! Knows that a change is on disk before it is seen. Must not know HTTP.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use super::codespaces::Hub;
use super::device::Desk;
use super::disk;
use super::faults::{Calls, Faults};
use super::git::{self, GitFailed};
use super::model::{Heads, Model, Pull, Repo};
use super::refusal::Refusal;
use crate::clock::{Clock, Time};

/// git processes that serve clones and pushes at the same time.
const GIT_SLOTS: usize = 16;

pub(super) struct Shop {
    pub dir: PathBuf,
    /// `http://127.0.0.1:PORT`, no slash at the end.
    pub url: String,
    pub clock: Clock,
    pub git_slots: Arc<Semaphore>,
    pub codespaces: Arc<Hub>,
    pub devices: Desk,
    /// Held as long as anything may still be written.
    _lock: File,
    model: Mutex<Model>,
    calls: Mutex<Calls>,
    faults: Mutex<Faults>,
}

impl Shop {
    pub(super) fn new(
        dir: PathBuf,
        url: String,
        clock: Clock,
        model: Model,
        codespaces: Arc<Hub>,
        lock: File,
    ) -> Self {
        Self {
            dir,
            url,
            clock,
            git_slots: Arc::new(Semaphore::new(GIT_SLOTS)),
            codespaces,
            devices: Desk::default(),
            _lock: lock,
            model: Mutex::new(model),
            calls: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    pub(super) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn repo_dir(&self, key: &str) -> PathBuf {
        disk::repo_dir(&self.dir, key)
    }

    /// Changes the model: written first, then seen. Goes to its end even if the client has gone.
    pub(super) async fn commit<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Model, Time) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let shop = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let mut model = shop.model();
            let mut next = model.clone();
            let made = change(&mut next, shop.clock.now())?;
            disk::save(&shop.dir, disk::FORGE, &next).map_err(|e| Refusal::internal(&e.to_string()))?;
            *model = next;
            Ok(made)
        });
        done.await.map_err(|e| Refusal::internal(&e.to_string()))?
    }

    pub(super) async fn heads(&self, key: &str) -> Result<Heads, Refusal> {
        git::heads(&self.repo_dir(key)).await.map_err(broken)
    }

    /// The branches as git has them now, with the model's pull requests brought to them.
    pub(super) async fn follow(self: &Arc<Self>, key: &str) -> Result<Heads, Refusal> {
        let heads = self.heads(key).await?;
        let (moved, open) = {
            let model = self.model();
            let Some(repo) = model.repo(key) else { return Err(Refusal::not_found()) };
            moved(repo, &heads)
        };
        if moved {
            let mut merged = Vec::new();
            for pull in open {
                if self.is_merged(key, &pull, &heads).await? {
                    merged.push(pull.number);
                }
            }
            let (key, now_at) = (key.to_owned(), heads.clone());
            self.commit(move |model, now| Ok(model.repo_mut(&key)?.follow(&now_at, &merged, now))).await?;
        }
        Ok(heads)
    }

    async fn is_merged(&self, key: &str, pull: &Pull, heads: &Heads) -> Result<bool, Refusal> {
        let (Some(head), Some(base)) = (heads.get(&pull.head), heads.get(&pull.base)) else {
            return Ok(false);
        };
        if *base == pull.base_sha {
            return Ok(false);
        }
        Ok(!git::is_ahead(&self.repo_dir(key), base, head).await.map_err(broken)?)
    }
}

/// Whether a branch of an open pull request is not where the model has it; and those pull requests.
fn moved(repo: &Repo, heads: &Heads) -> (bool, Vec<Pull>) {
    let open: Vec<Pull> = repo.pulls.values().filter(|p| p.open).cloned().collect();
    let stale = |p: &Pull| {
        heads.get(&p.head) != Some(&p.head_sha) || heads.get(&p.base).is_some_and(|sha| *sha != p.base_sha)
    };
    (open.iter().any(stale), open)
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
pub(super) fn broken(error: GitFailed) -> Refusal {
    Refusal::internal(&error.to_string())
}
