//! What takes time and runs beside the agent: preparing, securing, checks, the push, the sweep.
//!
//! One at a time; its result comes back as an input, unless it was abandoned. Must not know what follows from it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Shell;
use crate::supervisor::life::{Effect, Input};
use crate::supervisor::text;
use crate::sweep::{self, Target};
use crate::wire::run::MARK;

/// Reports that wait for their record: more than any plan of checks has.
const MAX_TOLD: usize = 4096;
const FOR_SWEEP: Duration = Duration::from_secs(5);

impl Shell {
    pub(super) fn abandon(&mut self) {
        self.generation += 1;
        if let Some(work) = self.work.take() {
            work.abort();
        }
    }

    /// Starts what takes time; its result comes back as an input of this generation.
    pub(super) fn work(&mut self, effect: Effect) {
        self.abandon();
        let generation = self.generation;
        let done = self.done.0.clone();
        let yard = Arc::clone(&self.yard);
        let target = self.leftovers();
        self.work = Some(tokio::spawn(async move {
            let (reports, mut told) = mpsc::channel(MAX_TOLD);
            let tell = move |report| {
                if reports.try_send(report).is_err() {
                    tracing::error!("a report of running work found no place");
                }
            };
            let forward = async {
                while let Some(report) = told.recv().await {
                    let _ = done.send((generation, Input::Told(text::fit(report)))).await;
                }
            };
            let result = async move {
                match effect {
                    Effect::Prepare => Input::Prepared(yard.prepare(&tell).await),
                    Effect::Check { round } => Input::Checked(yard.check(round, &tell).await),
                    Effect::Publish => yard.publish().await,
                    Effect::Checkpoint => Input::Checkpointed(yard.checkpoint().await),
                    _ => Input::Swept(swept(&target).await),
                }
            };
            let (result, ()) = tokio::join!(result, forward);
            let _ = done.send((generation, result)).await;
        }));
    }

    /// Whatever an attempt of this session started, and whatever fell to us.
    fn leftovers(&self) -> Target {
        let below = self.alone.then(std::process::id);
        Target { mark: Some(format!("{MARK}={}", self.run.mark())), below }
    }

    pub(super) fn reap(&self) {
        let known = self.agent.iter().filter_map(|a| a.process.id()).collect();
        // Commands of running work are waited for by it; between two of them nothing else is a child of ours.
        if self.alone && self.work.as_ref().is_none_or(JoinHandle::is_finished) {
            sweep::reap(&known);
        }
    }
}

async fn swept(target: &Target) -> bool {
    match target.sweep(FOR_SWEEP).await {
        Ok(0) => true,
        Ok(killed) => {
            tracing::info!(processes = killed, "leftovers were ended");
            true
        }
        Err(left) => {
            tracing::warn!(processes = ?left.pids, "leftovers did not go");
            false
        }
    }
}
