//! A codespace in a box is what GitHub's is to us: its processes end with a stop and its disk does not, its network is
//! its own, and what lies in its clone can be brought out.

use std::path::Path;

use devtask::node::{Link, NodeError};
use devtask::workbench::codespace::processes_in;
use devtask::workbench::forge::codespaces::Machines;

use super::world::{CHECKOUT, World, exec, git, said};

#[tokio::test]
async fn stopping_ends_every_process_and_keeps_the_disk() {
    let Some(world) = World::new("boxes").await else { return };
    let (link, name) = (world.linked().await, world.name.as_str());
    link.put(b"kept", Path::new("file"), 0o600).await.unwrap();
    said(&link, &["sh", "-c", "setsid sleep 300 >/dev/null 2>&1 &"]).await;
    let namespace = world.boxes.namespace(name).await.unwrap();
    assert!(processes_in(&namespace) >= 4, "bubblewrap, the helper, sshd and what was left there");
    world.boxes.stop(name).await;
    assert_eq!(processes_in(&namespace), 0);
    assert!(matches!(exec(&link, &["true"]).await, Err(NodeError::Transient { .. })));
    world.boxes.start(name).await.unwrap();
    assert_eq!(said(&link, &["cat", "file"]).await, "kept");
    world.boxes.delete(name).await;
    assert!(!world.boxes.disk(name).unwrap().exists());
}

#[tokio::test]
async fn the_repository_and_the_forge_are_where_they_are_at_github() {
    let Some(world) = World::new("boxes").await else { return };
    let link = world.linked().await;
    let origin = said(&link, &["git", "-C", CHECKOUT, "remote", "get-url", "origin"]).await;
    assert_eq!(origin.trim(), format!("{}/acme/app.git", world.forge.url()));
    said(&link, &["git", "-C", CHECKOUT, "fetch", "--quiet", "origin"]).await;
    assert_eq!(said(&link, &["cat", &format!("{CHECKOUT}/README.md")]).await, "# app\n");
}

#[tokio::test]
async fn work_in_the_clone_is_seen_and_exported_without_starting() {
    let Some(world) = World::new("boxes").await else { return };
    let name = world.name.as_str();
    assert_eq!(world.boxes.work(name).await.unwrap().ahead, 0);
    assert_eq!(
        world.boxes.export(name, "saved").await.unwrap(),
        None,
        "nothing is there that was not before"
    );
    let link = world.linked().await;
    said(&link, &["sh", "-c", &format!("echo new > {CHECKOUT}/new.txt")]).await;
    let work = world.boxes.work(name).await.unwrap();
    assert!(work.uncommitted && !work.unpushed, "{work:?}");
    world.boxes.stop(name).await;
    let sha = world.boxes.export(name, "saved").await.unwrap().unwrap();
    let repo = world.forge.repo_dir("acme", "app").unwrap();
    assert_eq!(git(&repo, &["rev-parse", "saved"]), sha);
    assert_eq!(git(&repo, &["show", "saved:new.txt"]), "new");
}

#[tokio::test]
async fn without_an_ssh_server_the_cure_is_named() {
    let Some(world) = World::with("boxes", |image| image.sshd = false).await else { return };
    let refused = exec(&world.linked().await, &["true"]).await;
    assert!(matches!(&refused, Err(NodeError::Permanent(why)) if why.contains("sshd:1")), "{refused:?}");
}

#[tokio::test]
async fn another_host_key_is_refused_until_the_old_one_is_forgotten() {
    let Some(world) = World::new("boxes").await else { return };
    let (link, name) = (world.linked().await, world.name.as_str());
    said(&link, &["true"]).await;
    world.boxes.stop(name).await;
    world.boxes.new_host_key(name).unwrap();
    world.boxes.start(name).await.unwrap();
    let refused = exec(&link, &["true"]).await;
    assert!(
        matches!(&refused, Err(NodeError::Permanent(why)) if why.contains("another host key")),
        "{refused:?}"
    );
    world.ssh.forget(name);
    said(&link, &["true"]).await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_keeps_nothing_half_made() {
    let Some(world) = World::with("boxes", |image| image.room = Some(256 * 1024)).await else { return };
    let link = world.linked().await;
    let full = link.put(&vec![7; 1024 * 1024], Path::new("large"), 0o600).await;
    assert!(matches!(&full, Err(NodeError::Permanent(why)) if why.contains("disk is full")), "{full:?}");
    assert_eq!(said(&link, &["ls", "-A"]).await, "");
    link.put(b"small", Path::new("small"), 0o600).await.unwrap();
}
