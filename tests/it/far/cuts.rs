//! What a bad network does to a link: it is noticed, told as something to try again, and over once the network is well.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use devtask::node::{Link, NodeError};
use devtask::workbench::forge::codespaces::Weather;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::Instant;

use super::world::{HOME, INSIDE, LIMIT, World, exec, said, ssh, target};

const HOLD: &str = "DEVTASK_TEST_HOLD";

#[tokio::test]
async fn a_cut_link_is_told_and_made_again() {
    let Some(world) = World::new("cuts").await else { return };
    let link = world.linked().await;
    said(&link, &["true"]).await;
    let cut = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.codespaces().cut(&world.name);
    };
    let (broken, ()) = tokio::join!(exec(&link, &["sleep", "20"]), cut);
    assert!(matches!(broken, Err(NodeError::Transient { .. })), "{broken:?}");
    said(&link, &["true"]).await;
    world.codespaces().weather(&world.name, Weather::Refuse);
    world.codespaces().cut(&world.name);
    let again = world.linked().await;
    drop(link);
    assert!(matches!(exec(&again, &["true"]).await, Err(NodeError::Transient { .. })));
    world.codespaces().weather(&world.name, Weather::Clear);
    said(&again, &["true"]).await;
}

#[tokio::test]
async fn a_link_into_a_black_hole_is_given_up() {
    let Some(world) = World::new("cuts").await else { return };
    let link = world.linked().await;
    said(&link, &["true"]).await;
    let begun = Instant::now();
    world.codespaces().weather(&world.name, Weather::BlackHole);
    let lost = exec(&link, &["true"]).await;
    assert!(matches!(lost, Err(NodeError::Transient { .. })), "{lost:?}");
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(12), "asked every second, three times in vain: {waited:?}");
    world.codespaces().weather(&world.name, Weather::Clear);
    said(&link, &["true"]).await;
}

#[tokio::test]
async fn a_slow_link_is_slow_and_nothing_else() {
    let Some(world) = World::new("cuts").await else { return };
    let slow = Weather::Slow { delay_ms: 30, bytes_per_second: 2_000_000 };
    world.codespaces().weather(&world.name, slow);
    let link = world.linked().await;
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    link.put(&bytes, Path::new("file"), 0o600).await.unwrap();
    assert_eq!(said(&link, &["wc", "-c", "file"]).await.trim(), "100000 file");
}

/// Also when that is killed: run by itself, with a word in its environment, this test is the one that is killed.
#[tokio::test]
async fn ssh_ends_with_whoever_started_it() {
    if let Ok(told) = std::env::var(HOLD) {
        return hold(&told).await;
    }
    let Some(world) = World::new("cuts").await else { return };
    let folder = world.dir.path().join("held");
    let before = world.boxes.processes(&world.name).await;
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "far::cuts::ssh_ends_with_whoever_started_it", "--nocapture"]);
    command
        .env(HOLD, format!("{} {}", folder.display(), world.told()))
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next_line().await.unwrap().expect("it holds a link") != "held" {}
    assert!(!ssh_below(&folder).is_empty());
    assert!(world.boxes.processes(&world.name).await > before);
    child.kill().await.unwrap();
    let begun = Instant::now();
    while !ssh_below(&folder).is_empty() || world.boxes.processes(&world.name).await > before {
        assert!(begun.elapsed() < LIMIT, "left: {:?}", ssh_below(&folder));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn hold(told: &str) {
    let words: Vec<&str> = told.split(' ').collect();
    let [folder, api, token, name] = words[..] else { panic!("{}", words.len()) };
    let ssh = ssh(Path::new(folder));
    let key = ssh.key().await.unwrap();
    let link = ssh.link(target(api.to_owned(), token.into(), name, name, &key, INSIDE)).unwrap();
    // Something that stays: the far end of an attach waits for its input.
    said(&link, &["mkdir", "-p", HOME]).await;
    let _stream = link.open().await.unwrap();
    let long = ["sleep".to_owned(), "5".to_owned()];
    println!("\nheld");
    let _ = link.exec(&long, LIMIT).await;
    std::future::pending::<()>().await;
}

/// Processes of this machine whose arguments name the folder.
fn ssh_below(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|e| std::fs::read(e.path().join("cmdline")).ok());
    let lines = lines.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    lines.filter(|line| line.starts_with("ssh ") && line.contains(folder)).collect()
}
