//! The data folder: its files, who may read them, and that only one server uses it.
//!
//! Knows paths, modes and the lock; must not know what the files hold.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::StoreError;
use crate::domain::Time;

pub(super) const DATABASE: &str = "devtask.db";
const LOCK: &str = "lock";
const BACKUPS: &str = "backups";
/// Nobody but the owner.
const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// Makes or tightens the folder and its files and takes the lock, which lasts as long as the returned file.
pub(super) fn claim(dir: &Path) -> Result<File, StoreError> {
    make(dir)?;
    let lock = private_file(&dir.join(LOCK))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => StoreError::Locked,
        TryLockError::Error(error) => error.into(),
    })?;
    // SQLite gives its side files the mode of the database, so this one is made before it.
    private_file(&dir.join(DATABASE))?;
    for side in ["devtask.db-wal", "devtask.db-shm"] {
        let path = dir.join(side);
        if path.exists() {
            tighten(&path, FILE)?;
        }
    }
    Ok(lock)
}

fn make(dir: &Path) -> io::Result<()> {
    if !dir.exists() {
        return DirBuilder::new().recursive(true).mode(FOLDER).create(dir);
    }
    // Closing a folder that is full of other things would hurt whoever uses those.
    let ours = dir.join(DATABASE).exists() || std::fs::read_dir(dir)?.next().is_none();
    if is_wide(dir, FOLDER)? && !ours {
        let why = format!(
            "{} is open to other users and holds other files; give DevTask one of its own",
            dir.display()
        );
        return Err(io::Error::new(ErrorKind::PermissionDenied, why));
    }
    tighten(dir, FOLDER)
}

/// Opens or makes a file that only its owner can read.
fn private_file(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE).open(path)?;
    tighten(path, FILE)?;
    Ok(file)
}

fn tighten(path: &Path, mode: u32) -> io::Result<()> {
    if is_wide(path, mode)? {
        std::fs::set_permissions(path, Permissions::from_mode(mode))?;
        tracing::warn!(path = %path.display(), "it was open to other users; only its owner can use it now");
    }
    Ok(())
}

fn is_wide(path: &Path, mode: u32) -> io::Result<bool> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o777 & !mode != 0)
}

/// A place for a copy of the database at this schema.
pub(super) struct Backup {
    /// Empty and private, to be written.
    pub(super) part: PathBuf,
    whole: PathBuf,
}

impl Backup {
    pub(super) fn prepare(dir: &Path, schema: i64, now: Time) -> io::Result<Self> {
        let folder = dir.join(BACKUPS);
        if !folder.exists() {
            DirBuilder::new().mode(FOLDER).create(&folder)?;
        }
        tighten(&folder, FOLDER)?;
        let name = format!("devtask-{}-schema{schema}.db", now.format("%Y%m%dT%H%M%S%6fZ"));
        let (part, whole) = (folder.join(format!("{name}.part")), folder.join(name));
        if part.exists() {
            std::fs::remove_file(&part)?;
        }
        private_file(&part)?;
        Ok(Self { part, whole })
    }

    /// Gives the copy its name once it is whole and on disk.
    pub(super) fn finish(self) -> io::Result<PathBuf> {
        File::open(&self.part)?.sync_all()?;
        std::fs::rename(&self.part, &self.whole)?;
        Ok(self.whole)
    }
}
