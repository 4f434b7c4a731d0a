//! Sweeping real processes: what an agent's tools do to get away.

use std::process::{Command, Stdio};

use super::*;

fn target(mark: &str) -> Target {
    Target { mark: Some(format!("DEVTASK_RUN={mark}")), below: None }
}

#[expect(clippy::zombie_processes, reason = "the test that started it waits for it")]
/// Starts a shell that marks its children, and waits until `count` processes carry the mark.
async fn started(mark: &str, script: &str, wrap: &[&str], count: usize) -> std::process::Child {
    let mut words = wrap.iter().copied().chain(["sh", "-c", script]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).env("DEVTASK_RUN", format!("{mark}1")).stdin(Stdio::null()).stdout(Stdio::null());
    let child = command.spawn().unwrap();
    for _ in 0..500 {
        if target(mark).find().len() >= count {
            return child;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?} of {count} processes came up", target(mark).find());
}

#[tokio::test]
async fn a_tool_in_a_session_of_its_own_and_an_orphan_are_found() {
    let mark = format!("test{}/dt-1.", std::process::id());
    let script = "setsid sleep 300 & (setsid sh -c 'sleep 301 & exit' &) ; sleep 302";
    let mut child = started(&mark, script, &[], 4).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(target(&mark).find().len() >= 2, "killing the leader leaves its tools");
    target(&mark).sweep(Duration::from_secs(5)).await.unwrap();
    assert!(target(&mark).find().is_empty());
}

#[tokio::test]
async fn another_sessions_processes_are_left_alone() {
    let (mine, other) =
        (format!("test{}/dt-2.", std::process::id()), format!("test{}/dt-22.", std::process::id()));
    let mut spared = started(&other, "sleep 300", &[], 1).await;
    let mut child = started(&mine, "sleep 300", &[], 1).await;
    target(&mine).sweep(Duration::from_secs(5)).await.unwrap();
    child.wait().unwrap();
    assert!(spared.try_wait().unwrap().is_none());
    target(&other).sweep(Duration::from_secs(5)).await.unwrap();
    spared.wait().unwrap();
}

#[tokio::test]
async fn descendants_that_cleared_their_environment_are_found_below() {
    let mut child = Command::new("sh").args(["-c", "env -i sleep 300 & env -i sleep 301"]).spawn().unwrap();
    let below = Target { mark: None, below: Some(child.id()) };
    for _ in 0..500 {
        if below.find().len() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(below.sweep(Duration::from_secs(5)).await.unwrap(), 2);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn a_process_namespace_goes_with_its_first_process() {
    let wrap = [
        "bwrap",
        "--die-with-parent",
        "--unshare-pid",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
    ];
    let works = Command::new("bwrap").args(&wrap[1..]).arg("true").status().is_ok_and(|s| s.success());
    if !works {
        eprintln!("skipped: bubblewrap does not work here");
        return;
    }
    let mark = format!("test{}/dt-3.", std::process::id());
    let mut child = started(&mark, "env -i setsid sleep 300 & sleep 302", &wrap, 3).await;
    child.kill().unwrap();
    child.wait().unwrap();
    for _ in 0..500 {
        if target(&mark).find().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("left: {:?}", target(&mark).find());
}
