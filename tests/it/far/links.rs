//! exec and put over real ssh: arguments and bytes arrive as they were, codes come back as they are, faults are told.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use devtask::node::{Link, NodeError};

use super::world::{HOME, World, exec, said};

#[tokio::test]
async fn a_command_runs_in_the_nodes_folder_and_its_code_comes_back() {
    let Some(world) = World::new("ssh commands").await else { return };
    let link = world.linked().await;
    assert_eq!(said(&link, &["pwd"]).await, format!("{HOME}\n"));
    assert_eq!(said(&link, &["id", "-un"]).await, "codespace\n");
    let odd = ["printf", "%s|", "it's", "a b", "$HOME", "`id`", "\\n", "", "*", "!!", "ü\n€", "~"];
    assert_eq!(said(&link, &odd).await, "it's|a b|$HOME|`id`|\\n||*|!!|ü\n€|~|");
    for code in [0, 1, 124, 254, 255] {
        let output =
            exec(&link, &["sh", "-c", &format!("echo out; echo err >&2; exit {code}")]).await.unwrap();
        assert_eq!(output.code, Some(code));
        assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    }
    let killed = exec(&link, &["sh", "-c", "kill -9 $$"]).await.unwrap();
    assert_eq!(killed.code, None);
    let absent = exec(&link, &["no-such-program"]).await;
    assert!(
        matches!(&absent, Err(NodeError::Permanent(why)) if why.contains("no-such-program")),
        "{absent:?}"
    );
    let long = ["sleep".to_owned(), "30".to_owned()];
    let slow = link.exec(&long, Duration::from_millis(300)).await;
    assert!(matches!(&slow, Err(NodeError::Transient { why, .. }) if why.contains("longer")), "{slow:?}");
}

#[tokio::test]
async fn who_comes_next_finds_the_connection_of_who_has_just_left() {
    let Some(world) = World::new("shared connections").await else { return };
    let which = ["sh", "-c", "echo \"$SSH_CONNECTION\""];
    let link = world.linked().await;
    let first = said(&link, &which).await;
    assert!(first.trim().contains(' '), "{first}");
    drop(link);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(said(&world.linked().await, &which).await, first);
}

#[tokio::test]
async fn a_file_arrives_whole_with_its_mode_or_not_at_all() {
    let Some(world) = World::new("ssh files").await else { return };
    let link = world.linked().await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    link.put(&bytes, Path::new("deep/er/it's.bin"), 0o640).await.unwrap();
    let there = world.boxes.disk(&world.name).unwrap().join(".devtask/fox/deep/er/it's.bin");
    assert_eq!(std::fs::read(&there).unwrap(), bytes);
    assert_eq!(there.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    link.put(b"", Path::new("deep/er/it's.bin"), 0o600).await.unwrap();
    assert_eq!(std::fs::read(&there).unwrap(), b"");
    assert_eq!(std::fs::read_dir(there.parent().unwrap()).unwrap().count(), 1, "nothing half-made is left");
    for outside in ["../x", "/etc/x", "", "a/../../x"] {
        assert!(
            matches!(link.put(b"x", Path::new(outside), 0o600).await, Err(NodeError::Permanent(_))),
            "{outside}"
        );
    }
    said(&link, &["ln", "-s", "/tmp", "out"]).await;
    let led = link.put(b"x", Path::new("out/x"), 0o600).await;
    assert!(matches!(&led, Err(NodeError::Permanent(why)) if why.contains("out of")), "{led:?}");
    let folder = link.put(b"x", Path::new("deep"), 0o600).await;
    assert!(matches!(&folder, Err(NodeError::Permanent(why)) if why.contains("folder")), "{folder:?}");
}

#[tokio::test]
async fn what_a_shell_prints_first_is_no_part_of_an_answer() {
    let Some(world) = World::with("ssh noise", |image| image.noisy = true).await else { return };
    let link = world.linked().await;
    let output = exec(&link, &["sh", "-c", "printf out; printf err >&2"]).await.unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"out"[..], &b"err"[..]));
    link.put(b"kept", Path::new("file"), 0o600).await.unwrap();
    assert_eq!(said(&link, &["cat", "file"]).await, "kept");
}
