//! What is reached from inside the boxes: each address as a socket in a folder they share.
//!
//! Passes bytes; must not know who listens at the addresses.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::path::Path;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixListener};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// Dropped, nothing is reached any more.
pub(super) struct Outlets {
    _serving: Vec<AbortOnDropHandle<()>>,
}

impl Outlets {
    pub(super) fn open(folder: &Path, addresses: &[SocketAddr]) -> io::Result<Self> {
        let handle = std::fs::File::open(folder)?;
        let serve = |address: &SocketAddr| {
            let name = name_of(*address);
            let _ = std::fs::remove_file(folder.join(&name));
            let listener = UnixListener::bind(format!("/proc/self/fd/{}/{name}", handle.as_raw_fd()))?;
            Ok(AbortOnDropHandle::new(tokio::spawn(pass(listener, *address))))
        };
        Ok(Self { _serving: addresses.iter().map(serve).collect::<io::Result<_>>()? })
    }
}

/// The socket's name in the shared folder.
pub(super) fn name_of(address: SocketAddr) -> String {
    format!("{}.sock", address.port())
}

async fn pass(listener: UnixListener, address: SocketAddr) {
    let mut open = JoinSet::new();
    while let Ok((mut inside, _)) = listener.accept().await {
        while open.try_join_next().is_some() {}
        open.spawn(async move {
            if let Ok(mut outside) = TcpStream::connect(address).await {
                let _ = copy_bidirectional(&mut inside, &mut outside).await;
            }
        });
    }
}
