//! The models' files: one JSON document each, replaced whole.
//!
//! Knows where things lie below the forge's folder. Must not know what the model means.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Repositories, people and pull requests.
pub(super) const FORGE: &str = "forge.json";
pub(super) const CODESPACES: &str = "codespaces.json";

/// How long a forge before us may take to end.
const LOCK_WITHIN: Duration = Duration::from_secs(2);

/// Makes the folder, and locks it: two forges on one folder would lose each other's writes. Blocks.
pub(super) fn prepare(dir: &Path) -> io::Result<File> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir.join("repos"))?;
    let lock = File::create(dir.join("forge.lock"))?;
    let until = Instant::now() + LOCK_WITHIN;
    // A child on its way to its own program holds what we hold, for a moment: a lock may outlive its owner a little.
    while let Err(error) = lock.try_lock() {
        if Instant::now() >= until {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, error.to_string()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    prepare_refusal(&dir.join("refuse"))?;
    Ok(lock)
}

/// A folder of hooks that says no: its `pre-receive` is the program `false`.
fn prepare_refusal(hooks: &Path) -> io::Result<()> {
    fs::create_dir_all(hooks)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = std::env::split_paths(&path).map(|dir| dir.join("false")).find(|program| program.is_file());
    let program =
        program.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no program `false`"))?;
    match std::os::unix::fs::symlink(program, hooks.join("pre-receive")) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Where a repository lies; `key` has passed `names::key`.
pub(super) fn repo_dir(dir: &Path, key: &str) -> PathBuf {
    dir.join("repos").join(format!("{key}.git"))
}

/// What a file keeps; nothing where none was kept yet.
pub(super) fn load<T: Default + DeserializeOwned>(dir: &Path, file: &str) -> io::Result<T> {
    match fs::read(dir.join(file)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        Err(e) => Err(e),
    }
}

/// Replaces the file in one step; readable by its owner only.
pub(super) fn save<T: Serialize>(dir: &Path, name: &str, model: &T) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    serde_json::to_writer_pretty(&mut file, model)?;
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(dir.join(name)).map_err(|e| e.error)?;
    Ok(())
}
