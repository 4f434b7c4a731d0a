//! What a person may ask of codespaces, and when it is refused.
//!
//! Pure, like all of the model. Must not know how a request was spelt.

use axum::http::StatusCode;
use chrono::TimeDelta;

use super::super::machines::Work;
use super::super::settings::{IDLE_MINUTES, MachineType, RETENTION_MINUTES, Settings};
use super::{Codespace, Marks, Model, Next, Phase, Power};
use crate::clock::Time;
use crate::workbench::forge::refusal::Refusal;

/// What GitHub takes where nothing is said, in minutes.
const IDLE: i64 = 30;
const RETENTION: i64 = 43_200;
const LONGEST_NAME: usize = 48;
/// A model that outgrows this is being filled by a bug.
const MOST: usize = 10_000;

/// What is asked for, with what was looked up for it.
#[derive(Clone, Debug)]
pub struct New {
    pub owner: String,
    /// The repository's key.
    pub repo: String,
    pub full_name: String,
    pub branch: String,
    pub sha: String,
    pub machine: Option<String>,
    pub display_name: Option<String>,
    pub devcontainer_path: Option<String>,
    pub location: String,
    pub idle_minutes: Option<i64>,
    pub retention_minutes: Option<i64>,
    /// Takes the repository without the permissions its devcontainer asks for.
    pub permissions_opt_out: bool,
    /// Where an engineer would accept them.
    pub permissions_url: String,
    /// Random: two ids and a token are made of it.
    pub random: [String; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    Now,
    /// It is on its way up: nothing is modified.
    Already,
}

impl Model {
    /// A new codespace; `true` where a part of it has failed and is tried again in the background.
    pub fn create(
        &mut self,
        asked: New,
        settings: &Settings,
        now: Time,
    ) -> Result<(Codespace, bool), Refusal> {
        let machine = asked.machine(settings)?.name.clone();
        asked.check()?;
        let permitted = asked.permissions_opt_out || !settings.asks_permissions.contains(&asked.repo);
        if !permitted {
            return Err(Refusal::permissions(&asked.permissions_url));
        }
        self.check_room(&asked.owner, settings)?;
        let next = self.next.pop_front().unwrap_or(Next::Good);
        if next == Next::Unavailable {
            return Err(Refusal::plain(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable"));
        }
        let wait = if next == Next::Retried { settings.queued + settings.retry } else { settings.queued };
        self.last_id += 1;
        let mut made = asked.into_codespace(self.last_id, machine, settings, now);
        made.until = now + wait;
        made.trouble =
            Marks { fails: next == Next::Fails, recovery: next == Next::Recovery, ..Marks::default() };
        self.codespaces.insert(made.name.clone(), made.clone());
        Ok((made, next == Next::Retried))
    }

    /// A request was refused: nothing has changed, but how it was to end is used up.
    pub fn refused(&mut self, tried: Self) {
        self.next = tried.next;
    }

    fn check_room(&self, owner: &str, settings: &Settings) -> Result<(), Refusal> {
        let own = || self.codespaces.values().filter(|c| c.owner == owner && c.phase != Phase::Gone);
        if own().count() >= settings.most || self.codespaces.len() >= MOST {
            let why = "Maximum codespaces reached: you have too many codespaces. Delete some before you create a \
                       new one.";
            return Err(Refusal::plain(StatusCode::FORBIDDEN, why));
        }
        self.check_active(owner, settings)
    }

    fn check_active(&self, owner: &str, settings: &Settings) -> Result<(), Refusal> {
        if settings.spent.contains(owner) {
            return Err(Refusal::plain(StatusCode::PAYMENT_REQUIRED, SPENT));
        }
        let active = self.codespaces.values().filter(|c| c.owner == owner && c.is_active()).count();
        if active >= settings.most_active {
            let why = "Maximum running codespaces reached: you have too many running codespaces. Stop some before \
                       you start a new one.";
            return Err(Refusal::plain(StatusCode::FORBIDDEN, why));
        }
        Ok(())
    }

    pub fn start(
        &mut self,
        owner: &str,
        name: &str,
        settings: &Settings,
        now: Time,
    ) -> Result<Started, Refusal> {
        self.seen(owner, name)?.check_pending()?;
        match self.seen(owner, name)?.phase {
            Phase::Queued | Phase::Provisioning | Phase::Starting => return Ok(Started::Already),
            Phase::Shutdown => {}
            Phase::Available => {
                return Err(Refusal::plain(StatusCode::CONFLICT, "Codespace is already running"));
            }
            Phase::ShuttingDown => {
                return Err(Refusal::plain(StatusCode::CONFLICT, "Codespace is shutting down"));
            }
            Phase::Failed | Phase::Deleted | Phase::Gone => {
                return Err(Refusal::plain(StatusCode::BAD_REQUEST, "Codespace cannot be started"));
            }
        }
        self.check_active(owner, settings)?;
        let codespace = self.seen_mut(owner, name)?;
        codespace.machine = codespace.next_machine.take().unwrap_or_else(|| codespace.machine.clone());
        codespace.stop_notice = None;
        codespace.last_used_at = now;
        codespace.enter(Phase::Starting, now, settings.starting);
        Ok(Started::Now)
    }

    pub fn stop(&mut self, owner: &str, name: &str, settings: &Settings, now: Time) -> Result<(), Refusal> {
        let codespace = self.seen_mut(owner, name)?;
        codespace.check_pending()?;
        if matches!(codespace.phase, Phase::Queued | Phase::Provisioning | Phase::Starting | Phase::Available)
        {
            codespace.begin_stop(None, settings, now);
        }
        Ok(())
    }

    /// Says `false` where it is being deleted already.
    pub fn delete(
        &mut self,
        owner: &str,
        name: &str,
        settings: &Settings,
        now: Time,
    ) -> Result<bool, Refusal> {
        let codespace = self.seen_mut(owner, name)?;
        if codespace.phase == Phase::Deleted {
            return Ok(false);
        }
        codespace.enter(Phase::Deleted, now, settings.deleting);
        Ok(true)
    }

    pub fn change(
        &mut self,
        owner: &str,
        name: &str,
        asked: Change,
        settings: &Settings,
        now: Time,
    ) -> Result<(), Refusal> {
        let codespace = self.seen_mut(owner, name)?;
        codespace.check_pending()?;
        check_display_name(asked.display_name.as_deref())?;
        if let Some(machine) = asked.machine {
            let machine = choose(settings, &codespace.repo, Some(&machine))?.name.clone();
            // A running one keeps what it has until it starts again.
            if codespace.phase == Phase::Shutdown {
                codespace.machine = machine;
            } else {
                codespace.next_machine = Some(machine);
            }
        }
        codespace.display_name = asked.display_name.or(codespace.display_name.take());
        codespace.recent_folders =
            asked.recent_folders.unwrap_or(std::mem::take(&mut codespace.recent_folders));
        codespace.updated_at = now;
        Ok(())
    }
}

/// What may be changed later.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub machine: Option<String>,
    pub display_name: Option<String>,
    pub recent_folders: Option<Vec<String>>,
}

pub(super) const SPENT: &str = "You've used 100% of your spending limit for Codespaces.";

impl Codespace {
    pub(super) fn check_pending(&self) -> Result<(), Refusal> {
        if self.is_pending() {
            let why = "Codespace has a pending operation; try again when it is done";
            return Err(Refusal::plain(StatusCode::UNPROCESSABLE_ENTITY, why));
        }
        Ok(())
    }
}

fn bad(why: impl Into<String>) -> Refusal {
    Refusal::plain(StatusCode::BAD_REQUEST, why)
}

fn check_display_name(name: Option<&str>) -> Result<(), Refusal> {
    match name {
        Some(name) if name.chars().count() > LONGEST_NAME => {
            Err(bad(format!("Display name is too long (maximum is {LONGEST_NAME} characters)")))
        }
        _ => Ok(()),
    }
}

/// The machine type asked for, or the smallest that may be chosen.
fn choose<'a>(settings: &'a Settings, repo: &str, asked: Option<&str>) -> Result<&'a MachineType, Refusal> {
    let off = settings.without_codespaces.contains(repo);
    let why = if off {
        "Codespaces are not enabled for this repository"
    } else {
        "No machine type is allowed for this repository by your organization's policy"
    };
    let choice = settings.choice(repo);
    let first = choice.first().ok_or_else(|| Refusal::plain(StatusCode::FORBIDDEN, why))?;
    let Some(asked) = asked else { return Ok(first) };
    if settings.machine(asked).is_none() {
        return Err(bad(format!("Machine type '{asked}' does not exist")));
    }
    let denied = || {
        let why = format!("Machine type '{asked}' is not allowed by your organization's policy");
        Refusal::plain(StatusCode::FORBIDDEN, why)
    };
    choice.into_iter().find(|m| m.name == asked).ok_or_else(denied)
}

impl New {
    fn machine<'a>(&self, settings: &'a Settings) -> Result<&'a MachineType, Refusal> {
        choose(settings, &self.repo, self.machine.as_deref())
    }

    fn check(&self) -> Result<(), Refusal> {
        check_display_name(self.display_name.as_deref())?;
        let within = |name: &str, asked: Option<i64>, range: std::ops::RangeInclusive<i64>| match asked {
            Some(n) if !range.contains(&n) => {
                Err(bad(format!("{name} must be between {} and {} minutes", range.start(), range.end())))
            }
            _ => Ok(()),
        };
        within("Idle timeout", self.idle_minutes, IDLE_MINUTES)?;
        within("Retention period", self.retention_minutes, RETENTION_MINUTES)
    }

    fn into_codespace(self, id: u64, machine: String, settings: &Settings, now: Time) -> Codespace {
        let [environment_id, connect_token] = self.random;
        let idle = self.idle_minutes.unwrap_or(IDLE);
        let most = settings.longest_idle_minutes.unwrap_or(idle);
        let lowered =
            || format!("Your idle timeout was set to {most} minutes by your organization's policy.");
        let retention = self.retention_minutes.unwrap_or(RETENTION);
        Codespace {
            id,
            name: name_of(self.display_name.as_deref(), &environment_id),
            environment_id,
            connect_token,
            owner: self.owner,
            repo: self.repo,
            full_name: self.full_name,
            branch: self.branch,
            sha: self.sha,
            display_name: self.display_name,
            machine,
            next_machine: None,
            devcontainer_path: self.devcontainer_path,
            location: self.location,
            idle_minutes: idle.min(most),
            idle_notice: (most < idle).then(lowered),
            retention_minutes: settings
                .longest_retention_minutes
                .map_or(retention, |most| retention.min(most)),
            recent_folders: Vec::new(),
            created_at: now,
            updated_at: now,
            last_used_at: now,
            stop_notice: None,
            work: Work::default(),
            export: None,
            phase: Phase::Queued,
            since: now,
            until: now + TimeDelta::zero(),
            power: Power::Off,
            trouble: Marks::default(),
        }
    }
}

/// A name as GitHub gives them: words, and an end that nobody guesses.
fn name_of(display_name: Option<&str>, random: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = display_name.unwrap_or("laughing lamp").chars().take(40).map(kept).collect();
    let words: Vec<&str> = text.split('-').filter(|w| !w.is_empty()).collect();
    let end: String = random.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    if words.is_empty() { format!("codespace-{end}") } else { format!("{}-{end}", words.join("-")) }
}
