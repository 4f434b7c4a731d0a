//! The way into a folder of this machine: files below it, commands beside it, its supervisor's socket.
//!
//! Knows paths, processes and sockets; must not know what is put, run or said.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::UnixStream;

use super::super::{Duplex, Link, NodeError, Output};
use crate::wire::run::{PASSED, file};

/// Bytes kept of each stream of a command; the rest is read and dropped.
const MAX_OUTPUT: usize = 1024 * 1024;

pub(super) struct LocalLink {
    home: PathBuf,
    /// The folder held open: its socket is reached through it, however long the path is.
    handle: File,
}

impl LocalLink {
    pub(super) fn new(home: PathBuf) -> std::io::Result<Self> {
        let handle = File::open(&home)?;
        Ok(Self { home, handle })
    }
}

#[async_trait]
impl Link for LocalLink {
    fn home(&self) -> &Path {
        &self.home
    }

    async fn put(&self, bytes: &[u8], path: &Path, mode: u32) -> Result<(), NodeError> {
        let inside = path.components().all(|c| matches!(c, Component::Normal(_)));
        if !inside || path.as_os_str().is_empty() {
            return Err(NodeError::Permanent(format!(
                "`{}` does not lie below the node's folder",
                path.display()
            )));
        }
        put(&self.home, bytes, path, mode).map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => NodeError::Permanent(error.to_string()),
            _ => failed(&error),
        })
    }

    async fn exec(&self, argv: &[String], limit: Duration) -> Result<Output, NodeError> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(NodeError::Permanent("an empty command".to_owned()));
        };
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).current_dir(&self.home).env_clear();
        for name in PASSED.iter().chain(&["HOME"]) {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => {
                NodeError::Permanent(format!("`{program}` cannot be run: {error}"))
            }
            _ => failed(&error),
        })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let all = async { tokio::join!(keep(stdout), keep(stderr), child.wait()) };
        let Ok((stdout, stderr, status)) = tokio::time::timeout(limit, all).await else {
            let why = format!("`{program}` took longer than {} seconds", limit.as_secs());
            return Err(NodeError::Transient { why, retry_after: None });
        };
        let code = status.map_err(|e| failed(&e))?.code();
        Ok(Output { code, stdout, stderr })
    }

    async fn open(&self) -> Result<Box<dyn Duplex>, NodeError> {
        let short = format!("/proc/self/fd/{}/{}", self.handle.as_raw_fd(), file::SOCKET);
        match UnixStream::connect(short).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(_) if !self.home.is_dir() => Err(NodeError::Gone),
            Err(error) => Err(failed(&error)),
        }
    }
}

/// Beside its place first, then moved: a reader sees the old file or the new one.
fn put(home: &Path, bytes: &[u8], path: &Path, mode: u32) -> std::io::Result<()> {
    let target = home.join(path);
    let folder = target.parent().unwrap_or(home);
    std::fs::create_dir_all(folder)?;
    // A link inside the folder must not lead out of it.
    let (real, top) = (folder.canonicalize()?, home.canonicalize()?);
    if !real.starts_with(&top) {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, "a link leads out of the node's folder"));
    }
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = real.join(name);
    let _ = std::fs::remove_file(&part);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&part)?;
    file.set_permissions(PermissionsExt::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, &target)?;
    File::open(&real)?.sync_all()
}

async fn keep(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let Some(mut pipe) = pipe else { return Vec::new() };
    let mut kept = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        let room = MAX_OUTPUT.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
    kept
}

fn failed(error: &std::io::Error) -> NodeError {
    NodeError::Transient { why: error.to_string(), retry_after: None }
}
