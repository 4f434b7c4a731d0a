//! The model's file: one JSON document, replaced whole.
//!
//! Knows where things lie below the forge's folder. Must not know what the model means.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::model::Model;

pub(super) fn prepare(dir: &Path) -> io::Result<File> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir.join("repos"))?;
    let lock = File::create(dir.join("forge.lock"))?;
    lock.try_lock().map_err(|e| io::Error::new(io::ErrorKind::ResourceBusy, e.to_string()))?;
    Ok(lock)
}

/// Where a repository lies; `key` has passed `names::key`.
pub(super) fn repo_dir(dir: &Path, key: &str) -> PathBuf {
    dir.join("repos").join(format!("{key}.git"))
}

/// The kept model; an empty one where none was kept yet.
pub(super) fn load(dir: &Path) -> io::Result<Model> {
    match fs::read(dir.join("forge.json")) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Model::default()),
        Err(e) => Err(e),
    }
}

/// Replaces the file in one step; readable by its owner only.
pub(super) fn save(dir: &Path, model: &Model) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    serde_json::to_writer_pretty(&mut file, model)?;
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(dir.join("forge.json")).map_err(|e| e.error)?;
    Ok(())
}
