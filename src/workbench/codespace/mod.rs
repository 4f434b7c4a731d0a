//! A codespace in a box: what GitHub starts in its cloud, here in namespaces of this machine.
//!
//! ```text
//!   connect(name) ─► door.sock ─► inside (our helper) ─► 127.0.0.1:2222, Debian's own sshd
//!   the forge's address inside ─► inside ─► out/<port>.sock ─► the forge
//! ```
//! A box has its own processes, network and files. Its disk, bound at `/workspaces`, stays when it stops; nothing else
//! does. What the far side's image lacks or does wrong is set by [`Image`]. Must not know who asks for it, nor what
//! runs in it.

mod dress;
mod inside;
mod machine;
mod outlets;
mod stand_in;
mod work;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::net::UnixStream;

use crate::workbench::forge::codespaces::{Duplex, Machines, Made, Work};
use machine::Machine;
use outlets::Outlets;

pub use inside::main as inside;
pub use stand_in::main as stand_in;

/// Where and with what boxes are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The boxes' disks lie here.
    pub folder: PathBuf,
    /// This program, which is the first one in each box.
    pub program: PathBuf,
    /// Loopback addresses of this machine that are reached inside as well: the forge, the model.
    pub reach: Vec<SocketAddr>,
    /// Paths of this machine that are seen inside, read-only.
    pub shown: Vec<PathBuf>,
}

/// What a codespace is started from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What is cloned to `/workspaces/<name>` when the box is first started.
    pub checkout: Option<Checkout>,
    /// The recovery container that GitHub starts when the image cannot be built: there is no clone in it.
    pub recovery: bool,
    pub sshd: bool,
    /// What `uname -m` says, if not the truth.
    pub kind: Option<String>,
    /// Bytes that fit into `/workspaces/.devtask`, if that is to be a small disk of its own.
    pub room: Option<u64>,
    /// Every shell prints a lot before it does anything.
    pub noisy: bool,
}

impl Default for Image {
    fn default() -> Self {
        Self { checkout: None, recovery: false, sshd: true, kind: None, room: None, noisy: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// A repository on this machine, to be cloned.
    pub from: PathBuf,
    /// What `origin` is called inside.
    pub origin: String,
    pub branch: String,
    /// What the codespace was made from.
    pub sha: String,
    /// The folder's name.
    pub name: String,
}

/// All boxes of one forge. Dropped, they end; their disks stay.
pub struct Boxes {
    settings: Settings,
    sshd: PathBuf,
    image: Mutex<Image>,
    images: Mutex<BTreeMap<String, Image>>,
    running: tokio::sync::Mutex<HashMap<String, Machine>>,
    _outlets: Outlets,
}

/// Why there can be no boxes here; `None` where there can. Starts one to see.
pub async fn missing() -> Option<&'static str> {
    if sshd().is_none() {
        return Some("no SSH server (`openssh-server`) is installed");
    }
    let mut command = tokio::process::Command::new("bwrap");
    command.args(["--unshare-all", "--unshare-user", "--uid", "1000", "--ro-bind", "/", "/", "true"]);
    let ended = command.stderr(std::process::Stdio::null()).status().await;
    (!ended.is_ok_and(|status| status.success())).then_some("bubblewrap does not work here")
}

fn sshd() -> Option<PathBuf> {
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"]
        .into_iter()
        .map(PathBuf::from)
        .find(|p| p.is_file())
}

impl Boxes {
    pub fn new(settings: Settings) -> io::Result<Self> {
        let absent = || io::Error::new(io::ErrorKind::NotFound, "no SSH server is installed");
        let sshd = sshd().ok_or_else(absent)?;
        let folder = std::path::absolute(&settings.folder)?;
        std::fs::create_dir_all(folder.join("out"))?;
        let outlets = Outlets::open(&folder.join("out"), &settings.reach)?;
        let settings = Settings { folder, ..settings };
        Ok(Self {
            settings,
            sshd,
            image: Mutex::default(),
            images: Mutex::default(),
            running: tokio::sync::Mutex::default(),
            _outlets: outlets,
        })
    }

    /// Changes what boxes are started from; each keeps the image it was first started with.
    pub fn image(&self, change: impl FnOnce(&mut Image)) {
        change(&mut lock(&self.image));
    }

    /// Changes one box's image; it counts from its next start.
    pub fn image_of(&self, name: &str, change: impl FnOnce(&mut Image)) {
        let mut image = self.settled(name);
        change(&mut image);
        lock(&self.images).insert(name.to_owned(), image);
    }

    /// Gives the box another host key from its next start on.
    pub fn new_host_key(&self, name: &str) -> io::Result<()> {
        dress::forget_host_key(&self.folder(name)?)
    }

    /// The disk of a box, as it is seen from outside.
    pub fn disk(&self, name: &str) -> io::Result<PathBuf> {
        Ok(self.folder(name)?.join("disk"))
    }

    /// Processes in a running box.
    pub async fn processes(&self, name: &str) -> usize {
        self.running.lock().await.get(name).map_or(0, |machine| machine::processes(machine.namespace()))
    }

    /// What processes of a running box have in common, also after it was stopped; for [`processes_in`].
    pub async fn namespace(&self, name: &str) -> Option<String> {
        self.running.lock().await.get(name).map(|machine| machine.namespace().to_owned())
    }

    /// The image of a box, which is settled by the first who asks.
    fn settled(&self, name: &str) -> Image {
        let first = lock(&self.image).clone();
        lock(&self.images).entry(name.to_owned()).or_insert(first).clone()
    }

    fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || name == "out" || !name.chars().all(plain) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "that is no codespace's name"));
        }
        Ok(self.settings.folder.join(name))
    }
}

#[async_trait]
impl Machines for Boxes {
    async fn create(&self, made: &Made) -> io::Result<()> {
        let name = made.repository.rsplit('/').next().unwrap_or_default().to_owned();
        let checkout = Checkout {
            from: made.repository_dir.clone(),
            origin: made.clone_url.clone(),
            branch: made.branch.clone(),
            sha: made.sha.clone(),
            name,
        };
        self.image_of(&made.name, |image| image.checkout = Some(checkout));
        Ok(())
    }

    /// It is ready when this returns; one that runs is left alone.
    async fn start(&self, name: &str) -> io::Result<()> {
        let folder = self.folder(name)?;
        let mut running = self.running.lock().await;
        if running.get(name).is_some_and(Machine::runs) {
            return Ok(());
        }
        let image = self.settled(name);
        let plan = dress::prepare(&self.settings, &self.sshd, &folder, &image).await?;
        let machine = Machine::start(plan).await?;
        running.insert(name.to_owned(), machine);
        Ok(())
    }

    async fn start_in_recovery(&self, name: &str) -> io::Result<()> {
        self.image_of(name, |image| image.recovery = true);
        self.start(name).await
    }

    async fn stop(&self, name: &str) {
        let machine = self.running.lock().await.remove(name);
        if let Some(machine) = machine {
            machine.stop().await;
        }
    }

    async fn delete(&self, name: &str) {
        self.stop(name).await;
        lock(&self.images).remove(name);
        if let Ok(folder) = self.folder(name) {
            let _ = tokio::fs::remove_dir_all(folder).await;
        }
    }

    /// As `gh` is led in: the first line up is the public key that is to be let in, the first line down says
    /// `ready USER` or `refused WHY`; SSH begins after it.
    async fn connect(&self, name: &str) -> io::Result<Box<dyn Duplex>> {
        let door = self.folder(name)?.join("box");
        // Through a handle: the path may be longer than a socket's address.
        let handle = std::fs::File::open(door)?;
        let stream = UnixStream::connect(format!("/proc/self/fd/{}/door.sock", handle.as_raw_fd())).await?;
        Ok(Box::new(stream))
    }

    async fn work(&self, name: &str) -> Option<Work> {
        let checkout = self.settled(name).checkout?;
        work::look(&self.disk(name).ok()?.join(&checkout.name), &checkout).await
    }

    async fn export(&self, name: &str, branch: &str) -> io::Result<Option<String>> {
        let Some(checkout) = self.settled(name).checkout else { return Ok(None) };
        work::export(&self.disk(name)?.join(&checkout.name), &checkout, branch).await
    }
}

/// Processes of a box, by what [`Boxes::namespace`] said while it ran.
pub fn processes_in(namespace: &str) -> usize {
    machine::processes(namespace)
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where things lie inside.
mod place {
    pub(super) const BOX: &str = "/box";
    pub(super) const WORKSPACES: &str = "/workspaces";
    pub(super) const HOME: &str = "/home/codespace";
    pub(super) const USER: &str = "codespace";
    pub(super) const SSH_PORT: u16 = 2222;
}

/// A file with exactly this in it, for its owner alone.
fn write(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}
