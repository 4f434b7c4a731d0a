//! The model behind its lock, the machines behind the model, and the hand between them.
//!
//! Knows that a change is on disk before it is seen, and that time passes without anybody asking. Must not know HTTP.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::machines::{Machines, Made, NoMachines};
use super::model::{Codespace, Job, JobKind, Model};
use super::settings::Settings;
use super::weather::Skies;
use crate::clock::{Clock, Time};
use crate::workbench::forge::refusal::Refusal;
use crate::workbench::forge::{disk, git};

/// How often the clock is looked at, which may be one that a test turns.
const LOOK: Duration = Duration::from_millis(20);

pub struct Hub {
    dir: PathBuf,
    /// The forge's address.
    url: String,
    pub(super) clock: Clock,
    pub(super) skies: Skies,
    state: Mutex<State>,
    machines: Mutex<Arc<dyn Machines>>,
    /// Counts what was seen to change.
    version: watch::Sender<u64>,
    /// The forge has ended; so does what works for it.
    pub(super) ended: CancellationToken,
}

pub(super) struct State {
    pub model: Model,
    pub settings: Settings,
    /// What a watcher would find on the disk.
    kept: Shown,
}

/// Every codespace with its state.
type Shown = Vec<(u64, String)>;

impl Hub {
    /// Takes up what `dir` keeps.
    pub fn new(dir: PathBuf, url: String, clock: Clock, mut model: Model) -> Self {
        model.wake(clock.now());
        Self {
            dir,
            url,
            clock,
            skies: Skies::default(),
            state: Mutex::new(State { model, settings: Settings::default(), kept: Shown::new() }),
            machines: Mutex::new(Arc::new(NoMachines)),
            version: watch::Sender::new(0),
            ended: CancellationToken::new(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn machines(&self) -> Arc<dyn Machines> {
        Arc::clone(&self.machines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_machines(&self, machines: Arc<dyn Machines>) {
        *self.machines.lock().unwrap_or_else(PoisonError::into_inner) = machines;
    }

    pub(super) fn versions(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Changes the model: written first, then seen. Goes to its end even if the client has gone.
    pub(super) async fn commit<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Model, &Settings, Time) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.settle();
        let hub = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let mut state = hub.state();
            let mut next = state.model.clone();
            let made = match change(&mut next, &state.settings, hub.clock.now()) {
                Ok(made) => made,
                Err(refusal) => {
                    state.model.refused(next);
                    return Err(refusal);
                }
            };
            disk::save(&hub.dir, disk::CODESPACES, &next).map_err(|e| Refusal::internal(&e.to_string()))?;
            (state.kept, state.model) = (shown(&next), next);
            Ok(made)
        });
        let made = done.await.map_err(|e| Refusal::internal(&e.to_string()))??;
        self.settle();
        Ok(made)
    }

    /// Brings everything to the clock's now, as far as no machine has to be waited for.
    pub(super) fn settle(self: &Arc<Self>) {
        loop {
            let now = self.clock.now();
            let jobs = {
                let state = &mut *self.state();
                let jobs = state.model.advance(&state.settings, now);
                self.keep(state);
                jobs
            };
            let worked = jobs.into_iter().filter(|job| self.begin(job.clone())).count();
            if worked == 0 {
                break;
            }
        }
    }

    /// What time alone has changed outlives us too. A disk that takes no more is told of, and time goes on.
    fn keep(&self, state: &mut State) {
        let now = shown(&state.model);
        if now != state.kept {
            if let Err(error) = disk::save(&self.dir, disk::CODESPACES, &state.model) {
                tracing::error!(%error, "the codespaces could not be written down");
            }
            state.kept = now;
        }
    }

    /// Sets a job going; says whether it is over already, as it is where the machine needs no time.
    fn begin(self: &Arc<Self>, job: Job) -> bool {
        let hub = Arc::clone(self);
        let for_work = job.clone();
        let mut work = async move { hub.work(&for_work).await }.boxed();
        if let Some(ended) = (&mut work).now_or_never() {
            self.end(&job, &ended, None);
            return true;
        }
        let (hub, over) = (Arc::clone(self), self.ended.clone());
        tokio::spawn(async move {
            if let Some(ended) = over.run_until_cancelled(work).await {
                let at = hub.clock.now();
                hub.end(&job, &ended, Some(at));
                hub.settle();
            }
        });
        false
    }

    fn end(&self, job: &Job, ended: &Ended, at: Option<Time>) {
        let model = &mut self.state().model;
        if let Ended::Exported(sha) = ended {
            model.exported(&job.name, sha.clone(), at);
        }
        model.done(job, !matches!(ended, Ended::Badly), at);
        self.version.send_modify(|n| *n += 1);
    }

    async fn work(&self, job: &Job) -> Ended {
        let machines = self.machines();
        let name = &job.name;
        let done = match job.what {
            JobKind::Start { first, recovery } => {
                let made = first.then(|| self.state().model.get(name).map(|c| self.made(c))).flatten();
                start(&*machines, name, made.as_ref(), recovery).await
            }
            JobKind::Stop => {
                machines.stop(name).await;
                Ok(())
            }
            JobKind::Delete => {
                machines.delete(name).await;
                Ok(())
            }
            JobKind::Export => return Ended::Exported(self.export(&*machines, name).await),
        };
        if let Err(error) = &done {
            tracing::warn!(codespace.name = name, %error, "a codespace's machine did not start");
        }
        if done.is_ok() { Ended::Well } else { Ended::Badly }
    }

    async fn export(&self, machines: &dyn Machines, name: &str) -> Option<String> {
        let (branch, made) = {
            let state = self.state();
            let codespace = state.model.get(name)?;
            (codespace.export.as_ref()?.branch.clone(), self.made(codespace))
        };
        let pushed = machines.export(name, &branch).await;
        match pushed {
            Ok(Some(sha)) => Some(sha),
            Ok(None) => {
                git::set_branch(&made.repository_dir, &branch, &made.sha).await.ok()?;
                Some(made.sha)
            }
            Err(error) => {
                tracing::warn!(codespace.name = name, %error, "a codespace's work could not be exported");
                None
            }
        }
    }

    fn made(&self, codespace: &Codespace) -> Made {
        Made {
            name: codespace.name.clone(),
            owner: codespace.owner.clone(),
            repository: codespace.full_name.clone(),
            repository_dir: disk::repo_dir(&self.dir, &codespace.repo),
            clone_url: format!("{}/{}.git", self.url, codespace.full_name),
            branch: codespace.branch.clone(),
            sha: codespace.sha.clone(),
        }
    }

    /// Lets time pass, until the forge ends.
    pub async fn live(self: Arc<Self>) {
        let _end = self.ended.clone().drop_guard();
        let mut seen = Shown::new();
        loop {
            tokio::time::sleep(LOOK).await;
            self.settle();
            let now = shown(&self.state().model);
            if now != seen {
                self.version.send_modify(|n| *n += 1);
                seen = now;
            }
        }
    }

    pub(super) fn touch(&self, name: &str) {
        let now = self.clock.now();
        if let Some(codespace) = self.state().model.get_mut(name) {
            codespace.last_used_at = codespace.last_used_at.max(now);
        }
    }
}

/// What a watcher would notice.
fn shown(model: &Model) -> Shown {
    model.all().into_iter().map(|c| (c.id, c.state().to_owned())).collect()
}

/// How a job ended.
enum Ended {
    Well,
    Badly,
    Exported(Option<String>),
}

async fn start(
    machines: &dyn Machines,
    name: &str,
    made: Option<&Made>,
    recovery: bool,
) -> std::io::Result<()> {
    if let Some(made) = made {
        machines.create(made).await?;
    }
    if recovery { machines.start_in_recovery(name).await } else { machines.start(name).await }
}
