//! Other processes: this program again in another role, and what the kernel knows of any of them.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::relay::far::Plan;

/// The program that is measured as a supervisor: the node binary where one is given, else the one built beside us.
pub fn node_binary() -> String {
    std::env::var("DEVTASK_NODE_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_devtask").to_owned())
}

/// This program in the role these words name.
pub fn own(words: &[&str]) -> Child {
    Command::new(std::env::current_exe().unwrap()).args(words).spawn().unwrap()
}

/// The far sides, in a process of their own; told over its standard input, heard over its output.
pub fn far(plan: &Plan) -> Child {
    let plan = serde_json::to_string(plan).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["far", &plan]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

pub fn wait(mut child: Child) {
    assert!(child.wait().unwrap().success(), "a group broke off");
}

/// Microseconds of user and system time of a process, its ended threads included. The kernel counts hundredths of a
/// second.
pub fn cpu_us(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    [fields[11], fields[12]].iter().map(|ticks| ticks.parse::<f64>().unwrap() * 10_000.0).sum()
}

/// Megabytes a process holds, shared pages and all.
pub fn rss_mb(pid: u32) -> f64 {
    megabytes(pid, "status", "VmRSS:").unwrap()
}

/// Megabytes a process holds, shared pages divided among those who share them; where that may not be read, all.
pub fn pss_mb(pid: u32) -> f64 {
    megabytes(pid, "smaps_rollup", "Pss:").unwrap_or_else(|| rss_mb(pid))
}

fn megabytes(pid: u32, file: &str, name: &str) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

/// A repository with one commit, made where nothing is.
pub fn repository(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    for args in [&["init", "-q"][..], &["commit", "-q", "--allow-empty", "-m", "first"]] {
        let named = ["user.name=Ana", "user.email=ana@example.org", "init.defaultBranch=main"];
        let named = named.into_iter().flat_map(|setting| ["-c", setting]);
        let done = Command::new("git").args(named).args(args).current_dir(dir).status().unwrap();
        assert!(done.success(), "git {args:?}");
    }
}
