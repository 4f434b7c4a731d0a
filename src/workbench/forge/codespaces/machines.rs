//! What stands behind a codespace: something that starts, stops, is deleted and can be connected to.
//!
//! The model needs none of it: with [`NoMachines`] a codespace is a row that ages. Must not know states or requests.

use std::io;
use std::path::PathBuf;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What a new codespace is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub name: String,
    /// Whose it is: a login.
    pub owner: String,
    /// `owner/name`, as its owner spells it.
    pub repository: String,
    /// The bare repository, on this machine.
    pub repository_dir: PathBuf,
    pub clone_url: String,
    /// The branch it opens on.
    pub branch: String,
    pub sha: String,
}

/// What lies in a codespace and nowhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    pub ahead: u32,
    pub behind: u32,
    pub unpushed: bool,
    pub uncommitted: bool,
}

/// The machines. All calls name a codespace that `create` was called for; each may be repeated.
#[async_trait]
pub trait Machines: Send + Sync {
    /// Before the first start: the disk may be made now.
    async fn create(&self, made: &Made) -> io::Result<()> {
        let _ = made;
        Ok(())
    }

    /// Returns once [`Machines::connect`] would succeed. An error makes the codespace `Failed`.
    async fn start(&self, name: &str) -> io::Result<()>;

    /// As `start`, where the set-up commands of the repository have failed: GitHub then runs a container of its own
    /// that looks `Available` and has neither the repository nor what the image would bring.
    async fn start_in_recovery(&self, name: &str) -> io::Result<()> {
        self.start(name).await
    }

    /// Ends every process; the disk stays.
    async fn stop(&self, name: &str);

    /// Ends every process and takes the disk away.
    async fn delete(&self, name: &str);

    /// Bytes to its sshd.
    async fn connect(&self, name: &str) -> io::Result<Box<dyn Duplex>>;

    /// What would be lost with it; `None` where nobody looks.
    async fn work(&self, name: &str) -> Option<Work> {
        let _ = name;
        None
    }

    /// Pushes what is in it to `branch` of its repository, without starting it; the commit pushed, or `None` where
    /// there is nothing beyond the commit it was made from.
    async fn export(&self, name: &str, branch: &str) -> io::Result<Option<String>> {
        let _ = (name, branch);
        Ok(None)
    }
}

/// For tests of the API alone: starts at once, has nothing in it, cannot be reached.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMachines;

#[async_trait]
impl Machines for NoMachines {
    async fn start(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    async fn stop(&self, _: &str) {}

    async fn delete(&self, _: &str) {}

    async fn connect(&self, _: &str) -> io::Result<Box<dyn Duplex>> {
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}
