//! How a codespace ages: what comes by itself when its time has come.
//!
//! Each step happens at the moment it fell due, so that a clock turned by a day passes through all of them. What needs
//! the machine waits for it. Must not know who asked for anything.

use chrono::TimeDelta;

use super::super::settings::{LIFETIME, Settings};
use super::{Codespace, Job, JobKind, Model, Phase, Power, StopWhy};
use crate::clock::Time;

impl Model {
    /// Brings everything to `now`; what is to be done at the machines.
    pub fn advance(&mut self, settings: &Settings, now: Time) -> Vec<Job> {
        let mut jobs = Vec::new();
        for codespace in self.codespaces.values_mut() {
            while codespace.step(settings, now) {}
            jobs.extend(codespace.job());
        }
        self.codespaces.retain(|_, c| c.phase != Phase::Gone || c.since + settings.list_lag > now);
        jobs
    }

    /// A machine has done its job. `at` is when, for one that took its time.
    pub fn done(&mut self, job: &Job, went_well: bool, at: Option<Time>) {
        let Some(codespace) = self.codespaces.get_mut(&job.name) else { return };
        let since = codespace.since;
        if job.what != JobKind::Export {
            codespace.until = at.map_or(codespace.until, |at| codespace.until.max(at));
        }
        match job.what {
            JobKind::Start { .. } if went_well => codespace.power = Power::On,
            JobKind::Start { .. } => {
                codespace.power = Power::Off;
                if matches!(codespace.phase, Phase::Provisioning | Phase::Starting) {
                    codespace.enter(Phase::Failed, at.unwrap_or(since), TimeDelta::zero());
                }
            }
            JobKind::Stop => codespace.power = Power::Off,
            JobKind::Delete => codespace.power = Power::Removed,
            // How that went, `exported` is told.
            JobKind::Export => {}
        }
    }

    /// After a restart no machine runs: what was up has been stopped, and what was being made is made from the start.
    pub fn wake(&mut self, now: Time) {
        for codespace in self.codespaces.values_mut() {
            codespace.power = if codespace.phase == Phase::Gone { Power::Removed } else { Power::Off };
            if matches!(codespace.phase, Phase::Available | Phase::ShuttingDown | Phase::Starting) {
                codespace.stop_notice = Some("The host of your codespace was restarted.".into());
                codespace.enter(Phase::Shutdown, now, TimeDelta::zero());
            } else if codespace.phase == Phase::Provisioning {
                codespace.enter(Phase::Queued, now, TimeDelta::zero());
            }
        }
    }
}

impl Codespace {
    pub(super) fn enter(&mut self, phase: Phase, at: Time, takes: TimeDelta) {
        (self.phase, self.since, self.until, self.updated_at) = (phase, at, at + takes, at);
    }

    pub(super) fn begin_stop(&mut self, why: Option<&StopWhy>, settings: &Settings, at: Time) {
        self.stop_notice = why.map(|why| why.notice(self));
        self.enter(Phase::ShuttingDown, at, settings.shutting_down);
    }

    /// One step that is due; says whether there was one.
    fn step(&mut self, settings: &Settings, now: Time) -> bool {
        let due = self.until;
        if let Some(export) = self.export.as_mut()
            && (export.ended && export.completed_at.is_none() && export.until <= now)
        {
            export.completed_at = Some(export.until);
            return true;
        }
        match self.phase {
            Phase::Queued if due <= now => self.enter(Phase::Provisioning, due, settings.provisioning),
            Phase::Provisioning | Phase::Starting if due <= now && self.power == Power::On => {
                self.arrive(due);
            }
            Phase::Available => match self.ends_by_itself(settings) {
                Some((at, why)) if at <= now => self.begin_stop(Some(&why), settings, at),
                _ => return false,
            },
            Phase::ShuttingDown if due <= now && self.power == Power::Off => {
                self.enter(Phase::Shutdown, due, TimeDelta::zero());
            }
            Phase::Shutdown | Phase::Failed => match self.retention_expires_at() {
                Some(at) if at <= now && !self.is_exporting() => {
                    self.enter(Phase::Deleted, at, settings.deleting);
                }
                _ => return false,
            },
            Phase::Deleted if due <= now && self.power == Power::Removed => {
                self.enter(Phase::Gone, due, TimeDelta::zero());
            }
            _ => return false,
        }
        true
    }

    fn arrive(&mut self, at: Time) {
        if self.trouble.fails {
            self.enter(Phase::Failed, at, TimeDelta::zero());
        } else {
            self.last_used_at = self.last_used_at.max(at);
            self.enter(Phase::Available, at, TimeDelta::zero());
        }
    }

    /// When, at the latest, a running one stops without being told to.
    fn ends_by_itself(&self, settings: &Settings) -> Option<(Time, StopWhy)> {
        if self.trouble.pending {
            return None;
        }
        let idle = self.last_used_at.max(self.since) + TimeDelta::minutes(self.idle_minutes);
        let spent = settings.spent.contains(&self.owner);
        let all = [
            Some((idle, StopWhy::Idle)),
            Some((self.since + LIFETIME, StopWhy::Lifetime)),
            spent.then_some((self.since, StopWhy::SpendingLimit)),
        ];
        all.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// What its machine must do now, if it is not at it already.
    fn job(&mut self) -> Option<Job> {
        use Phase::{Deleted, Failed, Provisioning, Shutdown, ShuttingDown, Starting};
        let what = match (self.phase, self.power) {
            (Provisioning | Starting, Power::Off) => {
                self.power = Power::Rising;
                JobKind::Start { first: self.phase == Provisioning, recovery: self.trouble.recovery }
            }
            (ShuttingDown | Shutdown | Failed, Power::On) => {
                self.power = Power::Falling;
                JobKind::Stop
            }
            (Deleted, Power::Off | Power::On) => {
                self.power = Power::Falling;
                JobKind::Delete
            }
            _ => {
                let export = self.export.as_mut().filter(|e| !e.begun)?;
                export.begun = true;
                JobKind::Export
            }
        };
        Some(Job { name: self.name.clone(), what })
    }
}
