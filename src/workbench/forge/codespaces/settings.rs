//! How this GitHub is set up: how long things take, what is allowed, how much of it.
//!
//! Plain values that a test turns; must not know how they are enforced.

use std::collections::BTreeSet;

use chrono::TimeDelta;

/// GitHub stops every codespace after this long, used or not.
pub const LIFETIME: TimeDelta = TimeDelta::hours(12);
/// What GitHub takes as an idle time-out, in minutes.
pub const IDLE_MINUTES: std::ops::RangeInclusive<i64> = 5..=240;
/// What GitHub takes as a time to keep a stopped codespace, in minutes.
pub const RETENTION_MINUTES: std::ops::RangeInclusive<i64> = 0..=43_200;

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How long a new codespace waits for its turn.
    pub queued: TimeDelta,
    /// How long it is being set up; more where its machine takes longer.
    pub provisioning: TimeDelta,
    /// How long a stopped one takes to be there again.
    pub starting: TimeDelta,
    pub shutting_down: TimeDelta,
    /// How long a deleted one can still be read.
    pub deleting: TimeDelta,
    pub exporting: TimeDelta,
    /// What the background retry behind a 202 adds to a creation.
    pub retry: TimeDelta,
    /// A list learns of a codespace that was made or is gone only after this.
    pub list_lag: TimeDelta,
    /// Codespaces of one person, stopped ones among them.
    pub most: usize,
    /// Of these, not stopped.
    pub most_active: usize,
    /// All machine types there are, smallest first.
    pub machines: Vec<MachineType>,
    /// The policy's machine types; `None` = all.
    pub allowed_machines: Option<BTreeSet<String>>,
    /// The policy's longest idle time-out; a longer one asked for is lowered, with a notice.
    pub longest_idle_minutes: Option<i64>,
    /// The policy's longest retention; as above, without a notice.
    pub longest_retention_minutes: Option<i64>,
    /// Logins whose spending limit is used up.
    pub spent: BTreeSet<String>,
    /// Repositories (`owner/name`, lower case) that codespaces are switched off for.
    pub without_codespaces: BTreeSet<String>,
    /// Repositories (as above) whose devcontainer asks for permissions that nobody has accepted.
    pub asks_permissions: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineType {
    pub name: String,
    pub display_name: String,
    pub cpus: u64,
    pub memory_gib: u64,
    pub storage_gib: u64,
    pub prebuild: Prebuild,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prebuild {
    None,
    Ready,
    InProgress,
}

impl MachineType {
    fn new(name: &str, cpus: u64, memory_gib: u64, storage_gib: u64) -> Self {
        let display_name = format!("{cpus} cores, {memory_gib} GB RAM, {storage_gib} GB storage");
        Self { name: name.into(), display_name, cpus, memory_gib, storage_gib, prebuild: Prebuild::None }
    }
}

impl Default for Settings {
    /// GitHub's laws, at a pace that a person in front of a demo has patience for.
    fn default() -> Self {
        Self {
            queued: TimeDelta::milliseconds(200),
            provisioning: TimeDelta::milliseconds(800),
            starting: TimeDelta::milliseconds(500),
            shutting_down: TimeDelta::milliseconds(300),
            deleting: TimeDelta::milliseconds(200),
            exporting: TimeDelta::milliseconds(300),
            retry: TimeDelta::seconds(1),
            list_lag: TimeDelta::milliseconds(300),
            most: 10,
            most_active: 5,
            machines: vec![
                MachineType::new("basicLinux32gb", 2, 8, 32),
                MachineType::new("standardLinux32gb", 4, 16, 32),
                MachineType::new("premiumLinux", 8, 32, 64),
                MachineType::new("largePremiumLinux", 16, 64, 128),
            ],
            allowed_machines: None,
            longest_idle_minutes: None,
            longest_retention_minutes: None,
            spent: BTreeSet::new(),
            without_codespaces: BTreeSet::new(),
            asks_permissions: BTreeSet::new(),
        }
    }
}

impl Settings {
    /// The types that a person may choose from in a repository.
    pub fn choice(&self, repo: &str) -> Vec<&MachineType> {
        let off = self.without_codespaces.contains(repo);
        let allowed = |m: &&MachineType| self.allowed_machines.as_ref().is_none_or(|a| a.contains(&m.name));
        self.machines.iter().filter(|_| !off).filter(allowed).collect()
    }

    pub fn machine(&self, name: &str) -> Option<&MachineType> {
        self.machines.iter().find(|m| m.name == name)
    }
}
