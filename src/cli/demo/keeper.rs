//! The stage in two hands: the command line sets it up and ends it, the page looks at it and kills its control plane.
//!
//! A control plane that is gone, whoever ended it, is started again after a moment. What is lost is counted from
//! outside, in the event streams. Must not know what sessions do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::said;
use super::stage::Stage;
use super::watch::Seen;
use crate::client::Remote;
use crate::clock::Clock;
use crate::workbench::demo::stories;
use crate::workbench::page::{ControlPlane, Hint, Look, NotNow, Outage, Stage as Shown};
use crate::workbench::script::Markers;

/// Long enough to be seen dead.
const MOMENT: Duration = Duration::from_secs(2);
const GLANCE: Duration = Duration::from_millis(200);

pub struct Keeper {
    stage: tokio::sync::Mutex<Stage>,
    remote: Remote,
    clock: Clock,
    seen: Seen,
    /// What the demo's agents count.
    series: Vec<Markers>,
    hints: Vec<Hint>,
    told: Mutex<Told>,
    over: CancellationToken,
}

#[derive(Default)]
struct Told {
    up: bool,
    kills: u32,
    outage: Option<Outage>,
}

impl Keeper {
    /// Takes a stage whose control plane answers.
    pub fn new(stage: Stage, hints: Vec<Hint>) -> Arc<Self> {
        Arc::new(Self {
            remote: stage.remote(),
            stage: tokio::sync::Mutex::new(stage),
            clock: Clock::system(),
            seen: Seen::default(),
            series: stories().into_iter().map(|story| story.markers).collect(),
            hints,
            told: Mutex::new(Told { up: true, ..Told::default() }),
            over: CancellationToken::new(),
        })
    }

    /// The stage, once nobody else uses it: a control plane that starts is waited for.
    pub async fn stage(&self) -> tokio::sync::MutexGuard<'_, Stage> {
        self.stage.lock().await
    }

    /// Keeps the control plane alive and counts, until [`Keeper::end`].
    pub fn keep(self: &Arc<Self>) -> JoinHandle<()> {
        let keeper = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = keeper.over.cancelled() => {}
                () = keeper.revive() => {}
                () = keeper.seen.follow_all(&keeper.remote) => {}
            }
        })
    }

    /// Ends everything; `keeping` is what [`Keeper::keep`] gave.
    pub async fn end(&self, keeping: JoinHandle<()>) {
        self.over.cancel();
        // It was cancelled between two steps; there is nothing to learn from it.
        drop(keeping.await);
        self.stage().await.stop().await;
    }

    async fn revive(&self) {
        loop {
            tokio::time::sleep(GLANCE).await;
            if !self.stage().await.is_dead() {
                continue;
            }
            self.is_down();
            tokio::time::sleep(MOMENT).await;
            match self.stage().await.start().await {
                Ok(()) => self.is_up(),
                Err(error) => said(&format!("the control plane does not come back, tried again: {error:#}")),
            }
        }
    }

    fn is_down(&self) {
        let now = self.clock.now();
        let mut told = self.told();
        if std::mem::take(&mut told.up) {
            told.outage = Some(Outage { killed_at: now, back_at: None });
        }
    }

    fn is_up(&self) {
        let now = self.clock.now();
        let mut told = self.told();
        told.up = true;
        if let Some(outage) = &mut told.outage {
            outage.back_at = Some(now);
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Shown for Keeper {
    async fn look(&self) -> Look {
        let (events_lost, sessions) = (self.seen.lost_in_all(&self.series), self.seen.sessions());
        let told = self.told();
        Look {
            control_plane: ControlPlane {
                up: told.up,
                kills: told.kills,
                events_lost,
                sessions,
                outage: told.outage,
            },
            hints: self.hints.clone(),
        }
    }

    async fn kill(&self) -> Result<(), NotNow> {
        let dead = || NotNow("The control plane is dead already; it is being started again.".to_owned());
        if !self.told().up {
            return Err(dead());
        }
        let mut stage = self.stage().await;
        if !self.told().up || stage.is_dead() {
            return Err(dead());
        }
        stage.kill().await.map_err(|error| NotNow(format!("{error:#}")))?;
        self.is_down();
        self.told().kills += 1;
        Ok(())
    }
}
