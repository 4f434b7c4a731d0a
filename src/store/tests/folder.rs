//! The data folder: one server, nobody else's eyes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn widen(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let bench = Bench::new().await;
    assert!(matches!(open(bench.path(), &bench.clock).await, Err(StoreError::Locked)));
    bench.create("ana").await;
    bench.store.close().await;
    open(bench.path(), &bench.clock).await.unwrap();
}

#[tokio::test]
async fn only_the_owner_can_read_what_is_kept() {
    let (dir, clock) = (TempDir::new().unwrap(), Clock::by_hand(start()));
    let path = dir.path().join("deep/data");
    let store = open(&path, &clock).await.unwrap();
    let make = move |id, mark, _: &_, now| session::create(new(id, mark, person("ana")), now);
    store.create(Lane::People, None, make).await.unwrap();
    assert_eq!(mode(&path), 0o700);
    for entry in fs::read_dir(&path).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn wider_files_of_ours_are_tightened() {
    let bench = Bench::new().await;
    bench.store.close().await;
    widen(bench.path(), 0o755);
    widen(&bench.path().join("devtask.db"), 0o644);
    widen(&bench.path().join("lock"), 0o666);
    open(bench.path(), &bench.clock).await.unwrap();
    assert_eq!(mode(bench.path()), 0o700);
    assert_eq!((mode(&bench.path().join("devtask.db")), mode(&bench.path().join("lock"))), (0o600, 0o600));
}

#[tokio::test]
async fn an_open_folder_of_somebody_elses_is_not_touched() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("letter"), "dear").unwrap();
    widen(dir.path(), 0o755);
    let error = open(dir.path(), &Clock::by_hand(start())).await.err().unwrap();
    assert!(matches!(error, StoreError::Io(_)), "{error:?}");
    assert_eq!(mode(dir.path()), 0o755);
}
