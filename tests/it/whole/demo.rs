//! The demo as anybody runs it first.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use super::house::DEVTASK;

#[tokio::test]
async fn the_headless_demo_plays_its_story_within_a_minute() {
    let home = tempfile::tempdir().unwrap();
    let mut demo = Command::new(DEVTASK);
    demo.args(["demo", "--headless", "--json"]).env("TMPDIR", home.path()).kill_on_drop(true);
    demo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let begun = Instant::now();
    let limit = Duration::from_mins(1);
    let ended =
        tokio::time::timeout(limit, demo.output()).await.expect("it takes less than a minute").unwrap();
    let (out, talk) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{}\n{out}\n{talk}", ended.status);
    let last: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(last["ok"], true, "{last}");
    assert_eq!(
        (&last["sessions"], &last["pullRequests"], &last["eventsLost"]),
        (&4.into(), &3.into(), &0.into())
    );
    assert_eq!(
        (&last["asksAnswered"], &last["queuedSeen"], &last["killed"]),
        (&2.into(), &true.into(), &1.into())
    );
    println!("the demo took {:.1} s", begun.elapsed().as_secs_f64());
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().flatten().map(|e| e.path()).collect();
    assert!(left.is_empty(), "the demo left {left:?}");
}
