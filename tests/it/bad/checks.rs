//! Checks that hang, and checks that print without end.

use std::path::Path;

use devtask::domain::session::Status;
use devtask::wire::api::Control;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::house::{House, processes_of};

fn brief(checks: &[&str]) -> Value {
    json!({ "brief": { "goal": "Make the greeting polite", "checks": checks } })
}

#[tokio::test]
async fn a_check_that_hangs_is_ended_and_said() {
    let house = House::open().await;
    let id = house.made(brief(&["sleep 3600"])).await;
    insta::assert_snapshot!(house.failure(id, 1).await, @"the checks fail and the agent changes nothing any more: `sleep 3600` (no end after 2 s)");
    let view = house.settled(id).await;
    assert!(
        !view.evidence.is_empty() && view.evidence.iter().all(|e| e.timed_out && e.exit_code.is_none()),
        "{view:#?}"
    );
    assert!(processes_of(&house.path(""), "3600").is_empty());
    house.still_works().await;
}

#[tokio::test]
async fn a_check_that_prints_100_mb_passes_and_costs_no_memory() {
    let house = House::open().await;
    let flood = r"sh -c 'head -c 100000000 /dev/zero | tr \0 x'";
    let id = house.made(brief(&[flood, "sleep 1.5"])).await;
    let mut events = house.remote.events(id, 0).await.unwrap();
    while let Some(event) = events.next().await {
        if event.unwrap().kind == "check.ended" {
            break;
        }
    }
    let supervisor = processes_of(&house.path(""), "supervise")[0];
    let peak = peak_kib(supervisor);
    println!("figure check.flood_peak {} MB", peak / 1024);
    assert!(peak < 64 * 1024, "the supervisor's peak is {peak} KiB");
    let view = house.settled(id).await;
    assert_eq!(view.status, Status::Done, "{view:#?}");
    assert!(view.evidence[0].tail.len() <= 8 * 1024);
    house.still_works().await;
}

fn peak_kib(pid: i32) -> u64 {
    let text = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
