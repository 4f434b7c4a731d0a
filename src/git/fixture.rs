//! For tests: real repositories in a folder that goes when the test ends.
//!
//! Knows how to make them and to tell whether anything in them changed; must not know what is tested.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::Git;

pub(crate) struct Yard {
    dir: TempDir,
}

impl Yard {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Our own git, as the code under test starts it.
    pub fn git(&self) -> Git {
        let home = self.path("git-home");
        std::fs::create_dir_all(&home).unwrap();
        Git::new(home)
    }

    /// A person's repository with one commit on `main`.
    pub fn repo(&self, name: &str) -> PathBuf {
        let dir = self.path(name);
        run(self.dir.path(), &["init", "-q", "-b", "main", name]);
        write(&dir, "README.md", "hello\n");
        commit(&dir, "first");
        dir
    }

    /// A bare copy of one.
    pub fn bare(&self, from: &Path, name: &str) -> PathBuf {
        run(self.dir.path(), &["clone", "-q", "--bare", from.to_str().unwrap(), name]);
        self.path(name)
    }
}

pub(crate) fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub(crate) fn commit(dir: &Path, message: &str) -> String {
    run(dir, &["add", "-A"]);
    run(dir, &["commit", "-q", "--allow-empty", "-m", message]);
    run(dir, &["rev-parse", "HEAD"])
}

/// What a person's git says; the test fails when it fails.
pub(crate) fn run(dir: &Path, args: &[&str]) -> String {
    let out = command(dir).args(args).output().unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(dir).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", dir);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ana").env(format!("GIT_{who}_EMAIL"), "ana@example.com");
    }
    command
}

/// Every file below a folder with its content: two that are equal mean that nothing was touched.
pub(crate) fn everything(dir: &Path) -> BTreeMap<PathBuf, String> {
    let mut out = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            if meta.is_dir() {
                todo.push(path);
            } else if meta.is_symlink() {
                let to = std::fs::read_link(&path).unwrap().display().to_string();
                out.insert(path, to);
            } else if path.extension().is_none_or(|e| e != "sample") {
                let hash = Sha256::digest(std::fs::read(&path).unwrap());
                out.insert(path, super::names::hex(&hash, 4));
            }
        }
    }
    out
}
