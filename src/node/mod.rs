//! Floor 2: how to get, find, link to and let go of a machine, idempotently.
//!
//! A [`Provider`] delivers a place and one byte stream; it never starts the agent. Must not know what runs there.

pub mod bootstrap;
pub mod codespaces;
pub mod local;
pub mod ssh;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::domain::Time;
use crate::domain::lease::Key;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// A stopped node keeps its disk and can be started again.
    pub suspend: bool,
    /// The longest a node lives after a start.
    pub max_lifetime: Option<Duration>,
    /// Its processes outlive the control plane.
    pub survives_restart: bool,
}

/// What is asked of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub repo: crate::domain::Repo,
    pub base: Option<String>,
    /// For whom: a provider with people's own accounts makes it in theirs.
    pub owner: crate::domain::Actor,
}

/// A provider's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRef {
    /// The provider's own name for it.
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Booting,
    Ready,
    Stopped,
    Gone,
}

/// What a node costs, in millionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Of an hour while it is up.
    pub up_hour: u64,
    /// Of an hour while it exists, up or not.
    pub kept_hour: u64,
}

/// A node with our mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    pub node: NodeRef,
    pub key: Key,
    pub created_at: Option<Time>,
}

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("the node did not answer: {why}")]
    Transient { why: String, retry_after: Option<Duration> },
    /// `scope`: whose nodes they are. Nothing is wrong with the wish; it waits.
    #[error("no more nodes for {scope}: {why}")]
    Quota { scope: String, until: Option<Time>, why: String },
    /// `identity`: whose token is no good for it.
    #[error("{identity} may not do this: {why}")]
    Auth { identity: String, why: String },
    /// For the person: trying again will not help.
    #[error("{0}")]
    Permanent(String),
    /// It may or may not have happened: list and adopt, never do it again blindly.
    #[error("it is unknown whether the node was made: {0}")]
    Ambiguous(String),
    #[error("the node is gone")]
    Gone,
}

#[async_trait]
pub trait Provider: Send + Sync {
    fn kind(&self) -> &'static str;
    fn caps(&self) -> Caps;
    /// Whether such a node could be had, before anything is made.
    async fn preflight(&self, spec: &Spec) -> Result<(), NodeError>;
    /// Adopts the node with this key if it exists, else makes it once.
    async fn ensure(&self, key: &Key, spec: &Spec) -> Result<NodeRef, NodeError>;
    async fn inspect(&self, node: &NodeRef) -> Result<Condition, NodeError>;
    async fn start(&self, node: &NodeRef) -> Result<(), NodeError>;
    async fn stop(&self, node: &NodeRef) -> Result<(), NodeError>;
    /// Destroying what is absent is Ok. The caller has made sure that its work is safe.
    async fn destroy(&self, node: &NodeRef) -> Result<(), NodeError>;
    /// Every node that carries this installation's mark.
    async fn list_owned(&self, instance: &str) -> Result<Vec<Owned>, NodeError>;
    async fn link(&self, node: &NodeRef) -> Result<Box<dyn Link>, NodeError>;
    /// Whether nodes are other machines, which have our program and our files only where we put them.
    fn is_far(&self) -> bool {
        false
    }
    /// Makes a node that is up fit for a supervisor; again after each start. Nothing to do on this machine.
    async fn prepare(&self, _node: &NodeRef) -> Result<(), NodeError> {
        Ok(())
    }
    /// What the provider says of the node that a person should know: why it stopped, which policy cut a wish.
    async fn notice(&self, _node: &NodeRef) -> Result<Option<String>, NodeError> {
        Ok(None)
    }
    /// An estimate; `None` where nodes cost nothing, or nobody can say.
    fn price(&self, _node: &NodeRef) -> Option<Price> {
        None
    }
}

/// What a command printed and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// A way into one node.
#[async_trait]
pub trait Link: Send + Sync {
    /// Folder on the node that is ours.
    fn home(&self) -> &Path;
    /// Where the node keeps its own copy of our program; `None`: it is this machine, and ours is there.
    fn program(&self) -> Option<&Path> {
        None
    }
    /// Writes a file below `home`, atomically, with this mode.
    async fn put(&self, bytes: &[u8], path: &Path, mode: u32) -> Result<(), NodeError>;
    /// Runs a command to its end, within `limit`; no shell.
    async fn exec(&self, argv: &[String], limit: Duration) -> Result<Output, NodeError>;
    /// The byte stream to the supervisor's socket below `home`.
    async fn open(&self) -> Result<Box<dyn Duplex>, NodeError>;
}

pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// The SHA-256 of it, as `sha256sum` writes it.
fn sum(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut out, byte| {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
