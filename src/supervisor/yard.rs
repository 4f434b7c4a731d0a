//! The attempt's work on the tree, as [`life`](super::life) asks for it: prepare, secure, check, publish.
//!
//! Puts the workspace, the checks and the cage together and says their failures in a person's words. Must not know
//! the agent or the link.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::report::{Report, Retry};
use crate::wire::run::Run;

use super::checks;
use super::home::Home;
use super::life::{Input, Ready, Trouble, Verdict};
use super::sandbox::Cage;
use super::station::Station;
use super::text::chain;
use super::workspace::{Credentials, Folder, Workspace, WorkspaceError};

/// Securing the work may not keep an attempt from ending: what is not secure keeps its folder.
const FOR_CHECKPOINT: Duration = Duration::from_secs(45);

pub struct Yard {
    run: Run,
    home: Arc<Home>,
    cage: Cage,
    station: Arc<Station>,
    workspace: OnceLock<Workspace>,
}

/// Where reports of running work go.
pub type Tell<'a> = dyn Fn(Report) + Send + Sync + 'a;

impl Yard {
    pub fn new(run: Run, home: Arc<Home>, cage: Cage, station: Arc<Station>) -> Self {
        Self { run, home, cage, station, workspace: OnceLock::new() }
    }

    pub async fn prepare(&self, tell: &Tell<'_>) -> Result<Ready, Trouble> {
        let credentials: Arc<dyn Credentials> = Arc::new(Lender(Arc::clone(&self.station)));
        let workspace =
            Workspace::prepare(&self.run, self.home.dir(), credentials).await.map_err(|e| trouble(&e))?;
        for text in workspace.notes() {
            tell(Report::Note { text: text.clone() });
        }
        self.set_up(&workspace, tell).await?;
        let ready = Ready {
            base: workspace.base().to_owned(),
            base_sha: workspace.base_sha().to_owned(),
            branch: workspace.branch().to_owned(),
        };
        if self.workspace.set(workspace).is_err() {
            tracing::error!("an attempt prepared twice");
        }
        Ok(ready)
    }

    /// Prepares the agent's folder, once per clone, before anything is paid for.
    async fn set_up(&self, workspace: &Workspace, tell: &Tell<'_>) -> Result<(), Trouble> {
        let plan = checks::plan(&self.run, workspace).await.map_err(|e| bad_plan(&e))?;
        let start = |argv: &[String], folder: &Path| self.cage.command_in(folder, argv);
        let never = CancellationToken::new();
        let failed = plan.set_up(workspace, Folder::Work, &start, tell, &never).await;
        match failed.map_err(|e| trouble(&e))? {
            // After a first conversation the agent's own changes may be what broke it, and it is the one to mend it.
            Some(failed) if !self.run.resume => {
                let how = checks::ending(&failed);
                let cause = format!("the set-up `{}` {how}: {}", failed.command, failed.tail.trim_end());
                Err(Trouble { cause, retry: Retry::Later })
            }
            _ => Ok(()),
        }
    }

    fn workspace(&self) -> Result<&Workspace, Trouble> {
        let missing = || Trouble { cause: "the workspace was not prepared".to_owned(), retry: Retry::Later };
        self.workspace.get().ok_or_else(missing)
    }

    /// Secures everything; `None` where there is nothing to secure it in.
    pub async fn checkpoint(&self) -> Result<Option<String>, String> {
        let Some(workspace) = self.workspace.get() else { return Ok(None) };
        let secured = tokio::time::timeout(FOR_CHECKPOINT, async {
            let checkpoint = workspace.checkpoint().await?;
            self.note_saved(workspace).await;
            Ok(checkpoint)
        });
        match secured.await {
            Err(_) => Err(format!("it took longer than {} seconds", FOR_CHECKPOINT.as_secs())),
            Ok(Err(error)) => Err(chain(&error as &WorkspaceError)),
            Ok(Ok(checkpoint)) if checkpoint.missed.is_empty() => Ok(Some(checkpoint.sha.to_string())),
            Ok(Ok(checkpoint)) => Err(format!("these could not be read: {}", checkpoint.missed.join(", "))),
        }
    }

    /// Everything was seen on the remote: the folder may go.
    async fn note_saved(&self, workspace: &Workspace) {
        match workspace.is_safe().await {
            Ok(true) => {
                if let Err(error) = self.home.mark_saved() {
                    tracing::warn!(%error, "the folder could not be marked as saved");
                }
            }
            Ok(false) => tracing::info!("the work is not all on the remote"),
            Err(error) => tracing::warn!(error = chain(&error), "the remote could not be looked at"),
        }
    }

    /// One round: commits what is left, plans, runs.
    pub async fn check(&self, round: u32, tell: &Tell<'_>) -> Result<Verdict, Trouble> {
        let workspace = self.workspace()?;
        let plan = checks::plan(&self.run, workspace).await.map_err(|e| bad_plan(&e))?;
        if plan.policy.auto_commit {
            match workspace.commit_all(&self.run.new.brief.title).await {
                Ok(_) => {}
                Err(error) => return unready(&error),
            }
        } else if workspace.is_dirty().await.map_err(|e| trouble(&e))? {
            let wants =
                "there are changes that are not committed; commit what belongs to the work, drop the rest.";
            return Ok(Verdict::Unready { wants: wants.to_owned() });
        }
        match workspace.changed().await {
            Ok(true) => {}
            Ok(false) => return Ok(Verdict::Nothing),
            Err(error) => return unready(&error),
        }
        for text in &plan.notes {
            tell(Report::Note { text: text.clone() });
        }
        tell(plan.report());
        let cage = self.cage.for_checks(workspace.checks_path());
        let start = move |argv: &[String], folder: &Path| cage.command_in(folder, argv);
        let cancel = CancellationToken::new();
        let outcome =
            plan.run_round(round, workspace, &start, tell, &cancel).await.map_err(|e| trouble(&e))?;
        Ok(Verdict::Round { round: outcome, rounds: plan.max_consecutive_failures })
    }

    /// Pushes the branch and reads it back.
    pub async fn publish(&self) -> Input {
        let workspace = match self.workspace() {
            Ok(workspace) => workspace,
            Err(trouble) => return Input::Published(Err(trouble)),
        };
        match workspace.push().await {
            Ok(pushed) => {
                self.note_saved(workspace).await;
                Input::Published(Ok(pushed))
            }
            Err(error) => match error.wants() {
                Some(wants) => Input::Unpushed { wants },
                None => Input::Published(Err(trouble(&error))),
            },
        }
    }
}

/// Asks over the link.
struct Lender(Arc<Station>);

impl Credentials for Lender {
    fn lend(&self) -> futures_util::future::BoxFuture<'_, Option<secrecy::SecretString>> {
        self.0.desk.lend()
    }
}

fn bad_plan(error: &checks::PlanError) -> Trouble {
    Trouble { cause: format!("the checks could not be planned: {}", chain(error)), retry: Retry::No }
}

/// What the agent can put right goes back to it; the rest ends the attempt.
fn unready(error: &WorkspaceError) -> Result<Verdict, Trouble> {
    error.wants().map(|wants| Verdict::Unready { wants }).ok_or_else(|| trouble(error))
}

fn trouble(error: &WorkspaceError) -> Trouble {
    let hint = error.hint().map(|h| format!(" ({h})")).unwrap_or_default();
    Trouble { cause: format!("{}{hint}", chain(error)), retry: error.retry() }
}
