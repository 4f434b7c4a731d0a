//! A session's folder on its machine: where what lies, and the lock that makes a supervisor the only one.
//!
//! Knows names, modes and the 108-byte limit of socket addresses; must not know what the files say.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::domain::Attempt;
use crate::wire::run::{Run, file};

/// Stands once the set-up commands have run in the clone.
const SET_UP: &str = "set-up";

/// The folder, held open: its socket is reached through the handle, so that no path is too long.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    handle: File,
}

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("{what} of `{}` did not work", .dir.display())]
    Io { what: &'static str, dir: PathBuf, source: std::io::Error },
    #[error("`{}` holds no {} that can be read", .dir.display(), file::RUN)]
    BadRun { dir: PathBuf, source: serde_json::Error },
}

impl Home {
    /// Opens the folder and closes it to everybody else.
    pub fn open(dir: &Path) -> Result<Self, HomeError> {
        let io = |what| move |source| HomeError::Io { what, dir: dir.to_owned(), source };
        let dir = std::path::absolute(dir).map_err(io("finding the path"))?;
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o700)).map_err(io("closing the folder"))?;
        let handle = File::open(&dir).map_err(io("opening the folder"))?;
        let home = Self { dir, handle };
        for sub in [home.journals(), home.agent()] {
            DirBuilder::new().recursive(true).mode(0o700).create(sub).map_err(io("making the folders"))?;
        }
        Ok(home)
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What this home's supervisor is to do.
    pub fn run(&self) -> Result<Run, HomeError> {
        let path = self.dir.join(file::RUN);
        let io = |source| HomeError::Io { what: "reading the run", dir: self.dir.clone(), source };
        let bytes = std::fs::read(path).map_err(io)?;
        serde_json::from_slice(&bytes).map_err(|source| HomeError::BadRun { dir: self.dir.clone(), source })
    }

    pub fn work(&self) -> PathBuf {
        self.dir.join(file::WORK)
    }

    /// The agent's own folder: its settings, its transcripts, its `HOME`.
    pub fn agent(&self) -> PathBuf {
        self.dir.join("agent")
    }

    fn journals(&self) -> PathBuf {
        self.dir.join("journal")
    }

    pub fn journal(&self, attempt: Attempt) -> PathBuf {
        self.journals().join(format!("{attempt}.log"))
    }

    pub fn commands(&self, attempt: Attempt) -> PathBuf {
        self.journals().join(format!("{attempt}.commands"))
    }

    pub fn log(&self) -> PathBuf {
        self.dir.join("supervisor.log")
    }

    /// Says that the clone may hold work that is nowhere else. On the disk when this returns.
    pub fn mark_unsaved(&self) -> std::io::Result<()> {
        File::create(self.dir.join(file::UNSAVED))?.sync_all()?;
        self.handle.sync_all()
    }

    /// Everything was seen on the remote.
    pub fn mark_saved(&self) -> std::io::Result<()> {
        match std::fs::remove_file(self.dir.join(file::UNSAVED)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The set-up commands have run in this clone.
    pub fn is_set_up(&self) -> bool {
        self.dir.join(SET_UP).exists()
    }

    pub fn mark_set_up(&self) -> std::io::Result<()> {
        File::create(self.dir.join(SET_UP)).map(drop)
    }

    /// Takes the journals of older attempts away: their records are refused by now.
    pub fn forget_before(&self, attempt: Attempt) {
        for entry in std::fs::read_dir(self.journals()).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let number = name.to_str().and_then(|n| n.split('.').next()?.parse().ok());
            if number.is_some_and(|n| Attempt(n) < attempt) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// Where a session in plan mode stands; small, and absent for most.
    pub fn plan(&self) -> PathBuf {
        self.dir.join("plan.json")
    }

    /// An address of the socket that is short however deep the folder lies.
    pub fn socket(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{}", self.handle.as_raw_fd(), file::SOCKET))
    }

    /// `None`: another supervisor holds it.
    pub fn try_lock(&self) -> Result<Option<Lock>, HomeError> {
        let io = |source| HomeError::Io { what: "locking", dir: self.dir.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(self.dir.join(file::LOCK)).map_err(io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(io(error.into())),
        }
        let mut lock = Lock { file };
        lock.write("").map_err(io)?;
        Ok(Some(lock))
    }

    /// Who wrote its name into the lock: process id and attempt. `None` while it is not ready.
    pub fn holder(&self) -> Option<(u32, Attempt)> {
        let mut text = String::new();
        File::open(self.dir.join(file::LOCK)).ok()?.take(64).read_to_string(&mut text).ok()?;
        let (pid, attempt) = text.trim_end().split_once(' ')?;
        Some((pid.parse().ok()?, Attempt(attempt.parse().ok()?)))
    }
}

/// The right to be this home's supervisor; it ends with the process.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Says who holds it and that the socket answers.
    pub fn sign(&mut self, attempt: Attempt) -> std::io::Result<()> {
        self.write(&format!("{} {attempt}\n", std::process::id()))
    }

    fn write(&mut self, text: &str) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}
