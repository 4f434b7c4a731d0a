//! The program arrives once, whole, and only where it can run; over the link of a folder of this machine.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::super::Duplex;
use super::*;

/// A folder, with the `put`s that are left before the link is cut.
struct Folder {
    home: tempfile::TempDir,
    puts: AtomicUsize,
    left: AtomicUsize,
}

impl Folder {
    fn new(left: usize) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { home, puts: AtomicUsize::new(0), left: AtomicUsize::new(left) }
    }
}

#[async_trait]
impl Link for Folder {
    fn home(&self) -> &Path {
        self.home.path()
    }

    async fn put(&self, bytes: &[u8], path: &Path, _mode: u32) -> Result<(), NodeError> {
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_err() {
            return Err(NodeError::Transient { why: "cut".to_owned(), retry_after: None });
        }
        self.puts.fetch_add(1, Ordering::SeqCst);
        let at = self.home.path().join(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(at, bytes).unwrap();
        Ok(())
    }

    async fn exec(&self, argv: &[String], _limit: Duration) -> Result<Output, NodeError> {
        let output =
            std::process::Command::new(&argv[0]).args(&argv[1..]).current_dir(self.home.path()).output();
        let output = output.unwrap();
        Ok(Output { code: output.status.code(), stdout: output.stdout, stderr: output.stderr })
    }

    async fn open(&self) -> Result<Box<dyn Duplex>, NodeError> {
        Err(NodeError::Gone)
    }
}

/// A program that is a shell script behind a head that names this kind of machine would not run; so the scripts of
/// these tests are given to the joining step alone, and the head is looked at by itself.
fn binaries(text: &str) -> Binaries {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(PART * 2 + 100, b'#');
    let file = tempfile::NamedTempFile::new().unwrap().keep().unwrap().1;
    std::fs::write(&file, &bytes).unwrap();
    let kind = KINDS.into_iter().find(|kind| *kind == std::env::consts::ARCH).unwrap();
    let known = BTreeMap::from([(kind, Binary::new(file, &bytes))]);
    Binaries { folders: Vec::new(), own: None, known: Mutex::new(known) }
}

fn good() -> Binaries {
    binaries(&format!("#!/bin/sh\necho 'devtask {}'; exit\n", env!("CARGO_PKG_VERSION")))
}

#[tokio::test]
async fn it_is_put_once_and_called_by_one_name() {
    let (link, binaries) = (Folder::new(99), good());
    bring(&link, &binaries, &Needs::default()).await.unwrap();
    assert_eq!(link.puts.load(Ordering::SeqCst), 3);
    bring(&link, &binaries, &Needs::default()).await.unwrap();
    assert_eq!(link.puts.load(Ordering::SeqCst), 3, "nothing went over twice");
    let said = std::process::Command::new(link.home().join("bin/devtask")).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&said.stdout).trim(),
        format!("devtask {}", env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn after_a_cut_only_what_is_missing_goes_over() {
    let (link, binaries) = (Folder::new(2), good());
    let cut = bring(&link, &binaries, &Needs::default()).await;
    assert!(matches!(cut, Err(NodeError::Transient { .. })));
    assert!(!link.home().join("bin/devtask").exists(), "half a program has no name");
    link.left.store(1, Ordering::SeqCst);
    bring(&link, &binaries, &Needs::default()).await.unwrap();
    assert_eq!(link.puts.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_was_spoilt_on_the_way_is_fetched_anew() {
    let (link, binaries) = (Folder::new(2), good());
    bring(&link, &binaries, &Needs::default()).await.unwrap_err();
    let parts = std::fs::read_dir(link.home().join("bin")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(parts.join("p.0001"), "spoilt").unwrap();
    link.left.store(9, Ordering::SeqCst);
    assert!(matches!(bring(&link, &binaries, &Needs::default()).await, Err(NodeError::Transient { .. })));
    bring(&link, &binaries, &Needs::default()).await.unwrap();
}

#[tokio::test]
async fn a_newer_version_takes_the_name_and_the_older_one_goes() {
    let link = Folder::new(99);
    bring(&link, &good(), &Needs::default()).await.unwrap();
    let newer = binaries(&format!("#!/bin/sh\n#newer\necho 'devtask {}'; exit\n", env!("CARGO_PKG_VERSION")));
    bring(&link, &newer, &Needs::default()).await.unwrap();
    let names: Vec<_> =
        std::fs::read_dir(link.home().join("bin")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "one program and its name: {names:?}");
}

#[tokio::test]
async fn a_program_that_does_not_run_there_is_told_and_gets_no_name() {
    let link = Folder::new(99);
    let bad = binaries("#!/bin/sh\necho 'devtask 0.0.0-other'; exit\n");
    let refused = bring(&link, &bad, &Needs::default()).await;
    assert!(
        matches!(&refused, Err(NodeError::Permanent(why)) if why.contains("does not run")),
        "{refused:?}"
    );
    assert!(!link.home().join("bin/devtask").exists());
}

#[tokio::test]
async fn a_machine_without_the_clone_or_of_another_kind_is_refused_kindly() {
    let link = Folder::new(99);
    let needs = Needs { checkout: Some(link.home().join("web")) };
    let bare = bring(&link, &good(), &needs).await.unwrap_err().to_string();
    assert!(bare.contains("recovery container"), "{bare}");
    std::fs::create_dir_all(link.home().join("web/.git")).unwrap();
    bring(&link, &good(), &needs).await.unwrap();
    assert!(unknown_kind("riscv64").to_string().contains("x86_64 and aarch64"));
    assert!(unknown_kind("aarch64").to_string().contains("docker/node-binary"));
}

#[test]
fn the_kind_of_a_program_is_read_from_its_head() {
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(elf_kind(&own), Some(std::env::consts::ARCH));
    assert!(!is_static(&own), "a test program has a loader");
    assert_eq!(elf_kind(b"#!/bin/sh\n"), None);
    for length in 0..64 {
        assert!(!is_static(&own[..length]));
    }
}

#[test]
fn a_file_for_another_kind_of_machine_than_its_name_says_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let other = KINDS.into_iter().find(|kind| *kind != std::env::consts::ARCH).unwrap();
    std::fs::copy(std::env::current_exe().unwrap(), folder.path().join(format!("devtask-{other}"))).unwrap();
    let refused = Binaries::new(Some(folder.path().to_owned())).all();
    assert!(matches!(&refused, Err(NodeError::Permanent(why)) if why.contains(other)), "{refused:?}");
}
