//! Killing everything a check started.
//!
//! Test runners start servers, and those put themselves into sessions of their own, where a group kill does not reach
//! them. So every process that descends from the check or carries its mark in the environment is killed, again and
//! again until none is found. Where there is no `/proc`, the process group is all we can kill.
//!
//! Knows processes of this machine; must not know checks.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Looks this often before it gives up on a process that does not die (in the kernel's hands).
const ROUNDS: u32 = 50;

/// Kills the group of `leader` and everything marked or descended. Whether nothing was left at the end.
///
/// `leader` must not be reaped yet when it is `Some`: its number could be somebody else's.
pub async fn sweep(leader: Option<u32>, mark: &str) -> bool {
    if let Some(group) = leader.and_then(pid) {
        kill_process_group(group, Signal::KILL).ok();
    }
    for _ in 0..ROUNDS {
        let found = family(leader, mark);
        if found.is_empty() {
            return true;
        }
        for process in found.into_iter().filter_map(pid) {
            kill_process(process, Signal::KILL).ok();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    false
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().filter(|id| *id > 1).and_then(Pid::from_raw)
}

/// Living processes that carry the mark, and all descendants of them and of the leader.
fn family(leader: Option<u32>, mark: &str) -> BTreeSet<u32> {
    let mut parents = Vec::new();
    let mut found = BTreeSet::new();
    let Ok(entries) = std::fs::read_dir("/proc") else { return found };
    for id in entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok()) {
        let Some((state, parent)) = stat(id) else { continue };
        // A dead one waits to be reaped by whoever adopted it.
        if matches!(state, 'Z' | 'X') || id == std::process::id() {
            continue;
        }
        parents.push((id, parent));
        if carries(id, mark) {
            found.insert(id);
        }
    }
    let mut grown = true;
    while grown {
        let more: Vec<u32> = parents
            .iter()
            .filter(|(id, parent)| !found.contains(id) && (found.contains(parent) || Some(*parent) == leader))
            .map(|(id, _)| *id)
            .collect();
        grown = !more.is_empty();
        found.extend(more);
    }
    found
}

/// State and parent from `/proc/<id>/stat`; the name in between may hold anything.
fn stat(id: u32) -> Option<(char, u32)> {
    let text = std::fs::read(format!("/proc/{id}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let (_, rest) = text.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

fn carries(id: u32, mark: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
    environment.split(|b| *b == 0).any(|entry| entry == mark.as_bytes())
}
