//! What every provider promises, and what a folder of this machine adds: nothing leads out of it, nothing unsaved goes.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::domain::Repo;

const INSTANCE: &str = "0123456789abcdef";

fn local(data: &Path) -> Local {
    Local::new(data, INSTANCE, Settings::default(), true)
}

fn spec() -> Spec {
    Spec { repo: "/repo".parse::<Repo>().unwrap(), base: None, owner: crate::domain::Actor::Control }
}

fn key(session: u32) -> Key {
    Key::new(INSTANCE, SessionId::new(session).unwrap(), 1)
}

async fn node(local: &Local, session: u32) -> NodeRef {
    local.ensure(&key(session), &spec()).await.unwrap()
}

#[tokio::test]
async fn making_a_node_twice_makes_it_once_and_destroying_what_is_absent_is_fine() {
    let data = tempfile::tempdir().unwrap();
    let local = local(data.path());
    let first = node(&local, 7).await;
    std::fs::write(data.path().join("nodes").join(&first.name).join("kept"), "").unwrap();
    assert_eq!(node(&local, 7).await, first);
    assert!(data.path().join("nodes").join(&first.name).join("kept").exists());
    let mode = std::fs::metadata(data.path().join("nodes").join(&first.name)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(local.inspect(&first).await.unwrap(), Condition::Ready);
    local.destroy(&first).await.unwrap();
    assert_eq!(local.inspect(&first).await.unwrap(), Condition::Gone);
    local.destroy(&first).await.unwrap();
    assert!(matches!(local.link(&first).await.map(drop), Err(NodeError::Gone)));
    assert!(matches!(local.start(&first).await, Err(NodeError::Gone)));
}

#[tokio::test]
async fn only_nodes_with_our_mark_are_listed() {
    let data = tempfile::tempdir().unwrap();
    let local = local(data.path());
    assert!(local.list_owned(INSTANCE).await.unwrap().is_empty());
    let (first, second) = (node(&local, 1).await, node(&local, 12).await);
    for other in ["99999999-3-1", ".going-01234567-4-1", "notes", "01234567-5"] {
        std::fs::create_dir(data.path().join("nodes").join(other)).unwrap();
    }
    let mut found: Vec<_> =
        local.list_owned(INSTANCE).await.unwrap().into_iter().map(|o| (o.node, o.key)).collect();
    found.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(found, [(first, key(1)), (second, key(12))]);
}

#[tokio::test]
async fn a_folder_that_may_hold_unsaved_work_is_kept_and_its_processes_are_not() {
    let data = tempfile::tempdir().unwrap();
    let instance = format!("test{}", std::process::id());
    let local = Local::new(data.path(), &instance, Settings::default(), true);
    let key = Key::new(&instance, SessionId::new(9).unwrap(), 1);
    let made = local.ensure(&key, &spec()).await.unwrap();
    let home = data.path().join("nodes").join(&made.name);
    std::fs::write(home.join(file::UNSAVED), "").unwrap();
    let mut left = std::process::Command::new("sleep")
        .arg("300")
        .env(MARK, format!("{instance}/dt-9.4"))
        .spawn()
        .unwrap();
    let kept = local.destroy(&made).await;
    assert!(matches!(kept, Err(NodeError::Permanent(why)) if why.contains("nowhere else")));
    assert!(home.is_dir());
    left.wait().unwrap();
    std::fs::remove_file(home.join(file::UNSAVED)).unwrap();
    local.destroy(&made).await.unwrap();
    assert!(!home.exists());
}

#[tokio::test]
async fn names_and_paths_lead_nowhere_else() {
    let data = tempfile::tempdir().unwrap();
    let local = local(data.path());
    for name in ["..", "../x", "01234567-1-1/..", "", ".going-01234567-1-1"] {
        let node = NodeRef { name: name.to_owned() };
        assert!(matches!(local.destroy(&node).await, Err(NodeError::Permanent(_))), "{name}");
    }
    let made = node(&local, 1).await;
    let link = local.link(&made).await.unwrap();
    std::os::unix::fs::symlink(data.path(), link.home().join("out")).unwrap();
    for path in ["../x", "/etc/x", "", "a/../../x", "out/x"] {
        assert!(
            matches!(link.put(b"x", Path::new(path), 0o600).await, Err(NodeError::Permanent(_))),
            "{path}"
        );
    }
    link.put(b"one", Path::new("a/b.json"), 0o600).await.unwrap();
    link.put(b"two", Path::new("a/b.json"), 0o640).await.unwrap();
    let file = link.home().join("a/b.json");
    assert_eq!(std::fs::read(&file).unwrap(), b"two");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
}

#[tokio::test]
async fn a_command_is_bounded_in_time_and_output_and_sees_only_what_passes() {
    let data = tempfile::tempdir().unwrap();
    let local = local(data.path());
    let made = node(&local, 1).await;
    let link = local.link(&made).await.unwrap();
    let sh = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
    let second = Duration::from_secs(30);
    let output = link.exec(&sh("pwd; echo oops >&2; exit 3"), second).await.unwrap();
    assert_eq!((output.code, output.stderr.as_slice()), (Some(3), b"oops\n".as_slice()));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().trim(),
        link.home().canonicalize().unwrap().to_str().unwrap()
    );
    let output = link.exec(&sh("env | grep -c CARGO_MANIFEST_DIR"), second).await.unwrap();
    assert_eq!(output.stdout, b"0\n");
    let output = link.exec(&sh("head -c 3000000 /dev/zero"), second).await.unwrap();
    assert_eq!((output.code, output.stdout.len()), (Some(0), 1024 * 1024));
    let slow = link.exec(&sh("sleep 300"), Duration::from_millis(50)).await;
    assert!(matches!(slow, Err(NodeError::Transient { .. })));
    let none = link.exec(&["/no/such/program".to_owned()], second).await;
    assert!(matches!(none, Err(NodeError::Permanent(_))));
}

#[tokio::test]
async fn the_socket_is_reached_however_long_the_path_is() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let data = tempfile::tempdir().unwrap();
    let deep = data.path().join("d".repeat(120));
    let local = local(&deep);
    let made = node(&local, 1).await;
    let link = local.link(&made).await.unwrap();
    assert!(matches!(link.open().await.map(drop), Err(NodeError::Transient { .. })));
    let home = std::fs::File::open(link.home()).unwrap();
    let short = format!("/proc/self/fd/{}/{}", std::os::fd::AsRawFd::as_raw_fd(&home), file::SOCKET);
    let listener = tokio::net::UnixListener::bind(short).unwrap();
    let mut stream = link.open().await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    far.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello");
}

#[tokio::test]
async fn without_a_cage_a_person_must_say_so() {
    let bare = |unsandboxed| Local::new(Path::new("/nowhere"), INSTANCE, Settings { unsandboxed }, false);
    let refused = bare(false).preflight(&spec()).await;
    assert!(matches!(refused, Err(NodeError::Permanent(why)) if why.contains("nodes.local.unsandboxed")));
    assert!(bare(true).preflight(&spec()).await.is_ok());
    assert!(serde_json::from_str::<Settings>(r#"{"unsandboxd":true}"#).is_err());
}
