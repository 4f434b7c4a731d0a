//! Floor 0: finds processes by the mark in their environment or by descent, and ends them.
//!
//! An agent's tools run in sessions of their own, so a group kill misses them; the mark is inherited by whatever they
//! start, and a subreaper keeps orphans below itself. Knows `/proc` and signals; must not know whose processes
//! these are or why they are to go.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid};

/// Longest environment that is looked through.
const MAX_ENVIRON: u64 = 4 * 1024 * 1024;

/// Which processes are meant.
#[derive(Clone, Debug)]
pub struct Target {
    /// `NAME=value-prefix` of a marked process.
    pub mark: Option<String>,
    /// Also everything below this process (not the process itself).
    pub below: Option<u32>,
}

/// Processes that would not go in time.
#[derive(Debug, thiserror::Error)]
#[error("{} processes are still alive after {within:?}", .pids.len())]
pub struct Left {
    pub pids: Vec<u32>,
    pub within: Duration,
}

impl Target {
    /// Every live process that is meant; never this process itself.
    pub fn find(&self) -> BTreeSet<u32> {
        let table = table();
        let mut found: BTreeSet<u32> = table
            .iter()
            .filter(|(_, p)| !p.zombie)
            .map(|(pid, _)| *pid)
            .filter(|p| self.is_marked(*p))
            .collect();
        if let Some(top) = self.below {
            found.extend(descendants(&table, top));
        }
        found.remove(&std::process::id());
        found
    }

    /// Kills until nothing is left, looking again each time: a process may fork while it is looked for.
    pub async fn sweep(&self, within: Duration) -> Result<usize, Left> {
        let step = Duration::from_millis(20);
        let mut rounds = within.as_millis() / step.as_millis();
        let mut killed = BTreeSet::new();
        loop {
            let found = self.find();
            if found.is_empty() {
                return Ok(killed.len());
            }
            for pid in &found {
                self.signal(*pid, Signal::KILL);
            }
            killed.extend(found.iter().copied());
            if self.below == Some(std::process::id()) {
                reap(&BTreeSet::new());
            }
            if rounds == 0 {
                return Err(Left { pids: found.into_iter().collect(), within });
            }
            rounds -= 1;
            tokio::time::sleep(step).await;
        }
    }

    /// Sends one signal to everything that is meant.
    pub fn signal_all(&self, signal: Signal) {
        for pid in self.find() {
            self.signal(pid, signal);
        }
    }

    /// Pins the process first, so that a reused number is not hit.
    fn signal(&self, pid: u32, signal: Signal) {
        let Some(handle) = open(pid) else { return };
        let meant =
            self.is_marked(pid) || self.below.is_some_and(|top| descendants(&table(), top).contains(&pid));
        if meant && let Err(error) = pidfd_send_signal(&handle, signal) {
            tracing::debug!(process.id = pid, %error, "a process was gone before its signal");
        }
    }

    fn is_marked(&self, pid: u32) -> bool {
        let Some(mark) = &self.mark else { return false };
        let Ok(file) = std::fs::File::open(format!("/proc/{pid}/environ")) else { return false };
        let mut environ = Vec::new();
        let read = file.take(MAX_ENVIRON).read_to_end(&mut environ);
        read.is_ok() && environ.split(|b| *b == 0).any(|entry| entry.starts_with(mark.as_bytes()))
    }
}

/// Ends one process that is no child of ours and waits until it is gone.
pub async fn end(pid: u32, signal: Signal, within: Duration) -> bool {
    let Some(handle) = open(pid) else { return true };
    let _ = pidfd_send_signal(&handle, signal);
    let step = Duration::from_millis(20);
    let rounds = within.as_millis() / step.as_millis();
    for _ in 0..=rounds {
        if table().get(&pid).is_none_or(|p| p.zombie) {
            return true;
        }
        tokio::time::sleep(step).await;
    }
    false
}

/// Takes in the exit of orphans that fell to us, but for `known`: those are waited for by their owners.
pub fn reap(known: &BTreeSet<u32>) {
    let me = std::process::id();
    for (pid, process) in table() {
        if process.zombie && process.parent == me && !known.contains(&pid) {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            let _ = waitpid(pid, WaitOptions::NOHANG);
        }
    }
}

fn open(pid: u32) -> Option<std::os::fd::OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

struct Process {
    parent: u32,
    zombie: bool,
}

fn table() -> BTreeMap<u32, Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return BTreeMap::new() };
    let pids = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, process(pid)?))).collect()
}

/// From `/proc/<pid>/stat`: `pid (name) state parent …`; the name may hold anything, also `)`.
fn process(pid: u32) -> Option<Process> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let after = stat.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(stat.get(after + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    Some(Process { parent, zombie: matches!(state, "Z" | "X") })
}

fn descendants(table: &BTreeMap<u32, Process>, top: u32) -> BTreeSet<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (pid, process) in table {
        children.entry(process.parent).or_default().push(*pid);
    }
    let mut found = BTreeSet::new();
    let mut open = vec![top];
    while let Some(pid) = open.pop() {
        for child in children.get(&pid).into_iter().flatten() {
            if found.insert(*child) {
                open.push(*child);
            }
        }
    }
    found.retain(|pid| table.get(pid).is_some_and(|p| !p.zombie));
    found
}

#[cfg(test)]
mod tests;
