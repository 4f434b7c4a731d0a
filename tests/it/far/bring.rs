//! Our program comes onto a machine over real ssh: through a cut, not onto a full disk, not onto the wrong machine.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use devtask::node::bootstrap::{Binaries, Needs, bring};
use devtask::node::ssh::SshLink;
use devtask::node::{Link, NodeError};
use devtask::workbench::forge::codespaces::Weather;

use super::world::{BIN, CHECKOUT, HOME, World, exec, said};

/// A folder with the program for this machine: the node binary where it was built, else this one without its symbols.
fn binaries(world: &World) -> Binaries {
    let folder = world.dir.path().join("binaries");
    std::fs::create_dir_all(&folder).unwrap();
    let to = folder.join(format!("devtask-{}", std::env::consts::ARCH));
    match std::env::var_os("DEVTASK_NODE_BIN") {
        Some(built) => drop(std::fs::copy(built, to).unwrap()),
        None => assert!(Command::new("strip").arg("-o").arg(to).arg(BIN).status().unwrap().success()),
    }
    Binaries::new(Some(folder))
}

fn needs() -> Needs {
    Needs { checkout: Some(PathBuf::from(CHECKOUT)) }
}

async fn link(world: &World) -> SshLink {
    let key = world.ssh.key().await.unwrap();
    world.ssh.link(world.target(&world.name, &key, &format!("{HOME}/bin/devtask"))).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_costs_one_part_and_the_program_runs_in_the_end() {
    let Some(world) = World::new("the program over ssh").await else { return };
    let (link, binaries) = (link(&world).await, binaries(&world));
    let bin = world.boxes.disk(&world.name).unwrap().join(".devtask/fox/bin");
    let part = |n: &str| {
        let folders = std::fs::read_dir(&bin).into_iter().flatten().flatten();
        folders.map(|f| f.path().join(format!("p.{n}"))).any(|p| p.exists())
    };
    let cut = async {
        while !part("0001") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        world.codespaces().weather(&world.name, Weather::Refuse);
        world.codespaces().cut(&world.name);
    };
    // Not so fast that all is there before the cut comes.
    world.codespaces().weather(&world.name, Weather::Slow { delay_ms: 5, bytes_per_second: 4_000_000 });
    let needs = needs();
    let (broken, ()) = tokio::join!(bring(&link, &binaries, &needs), cut);
    assert!(matches!(broken, Err(NodeError::Transient { .. })), "{broken:?}");
    assert!(part("0000") && !bin.join("devtask").exists());
    world.codespaces().weather(&world.name, Weather::Clear);
    bring(&link, &binaries, &needs).await.unwrap();
    let version = said(&link, &[link.program().unwrap().to_str().unwrap(), "--version"]).await;
    assert_eq!(version.trim(), format!("devtask {}", env!("CARGO_PKG_VERSION")));
    let made = bin.join("devtask").canonicalize().unwrap().metadata().unwrap().modified().unwrap();
    bring(&link, &binaries, &needs).await.unwrap();
    assert_eq!(bin.join("devtask").canonicalize().unwrap().metadata().unwrap().modified().unwrap(), made);
}

#[tokio::test]
async fn a_disk_without_room_is_told() {
    let Some(world) = World::with("the program over ssh", |i| i.room = Some(2_500_000)).await else { return };
    let full = bring(&link(&world).await, &binaries(&world), &needs()).await;
    assert!(matches!(&full, Err(NodeError::Permanent(why)) if why.contains("disk is full")), "{full:?}");
}

#[tokio::test]
async fn a_machine_of_another_kind_is_refused_before_anything_is_put() {
    let other = |i: &mut devtask::workbench::codespace::Image| i.kind = Some("riscv64".to_owned());
    let Some(world) = World::with("the program over ssh", other).await else { return };
    let link = link(&world).await;
    let refused = bring(&link, &binaries(&world), &needs()).await;
    assert!(matches!(&refused, Err(NodeError::Permanent(why)) if why.contains("`riscv64`")), "{refused:?}");
    assert!(exec(&link, &["test", "-e", "bin"]).await.unwrap().code == Some(1));
}

#[tokio::test]
async fn a_recovery_container_is_seen_through() {
    let Some(world) = World::with("the program over ssh", |i| i.recovery = true).await else { return };
    let refused = bring(&link(&world).await, &binaries(&world), &needs()).await;
    let recovery = matches!(&refused, Err(NodeError::Permanent(why)) if why.contains("recovery container"));
    assert!(recovery, "{refused:?}");
}
