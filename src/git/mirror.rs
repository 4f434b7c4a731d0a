//! The cached bare copy of a remote that the sessions of one machine share.
//!
//! Knows one folder per remote and a lock beside it; parallel sessions wait for each other's fetch, never see half of
//! one. Nothing in a mirror is ever collected while it exists, and clones copy from it, so it can be deleted any time
//! nobody holds its lock. Must not know sessions.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::error::GitError;
use super::names::RemoteUrl;
use super::place::Place;
use super::run::Git;

/// A remote's mirror below a folder of mirrors.
#[derive(Clone, Debug)]
pub struct Mirror {
    place: Place,
    url: RemoteUrl,
    lock: PathBuf,
}

impl Mirror {
    /// `folder`: where all mirrors of this machine are. The remote's name in it is a hash: addresses are no paths.
    pub fn new(git: &Git, folder: &Path, url: &RemoteUrl) -> Self {
        let digest = Sha256::digest(url.to_string().as_bytes());
        let hash: String = digest.iter().take(12).map(|b| format!("{b:02x}")).collect();
        let place = git.bare(folder.join(format!("{hash}.git")));
        Self { place, url: url.clone(), lock: folder.join(format!("{hash}.lock")) }
    }

    /// Makes the mirror where there is none, and brings branches and tags up to the remote, under the lock.
    pub async fn refresh(&self, credential: Option<&SecretString>) -> Result<Place, GitError> {
        let _held = self.lock().await?;
        self.place.init().await?;
        let specs = ["+refs/heads/*:refs/heads/*".to_owned(), "+refs/tags/*:refs/tags/*".to_owned()];
        self.place.fetch_with(&self.url, &specs, credential, true).await?;
        Ok(self.place.clone())
    }

    /// Waits for the lock without blocking a thread. The lock goes with the file, also when we are killed.
    async fn lock(&self) -> Result<File, GitError> {
        if let Some(folder) = self.lock.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(GitError::Io)?;
        }
        let file = File::options().create(true).append(true).open(&self.lock).map_err(GitError::Io)?;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(rustix::io::Errno::WOULDBLOCK) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(e) => return Err(GitError::Io(e.into())),
            }
        }
    }
}
