//! Boxes behind a door that speaks the tunnel's few words, and links into them.
//!
//! Must not know what a test wants to see.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use devtask::clock::Clock;
use devtask::node::ssh::{Settings, Ssh, SshLink, Target};
use devtask::node::{Link, NodeError};
use devtask::workbench::codespace::{Boxes, Settings as BoxSettings, missing};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

pub(super) const BIN: &str = env!("CARGO_BIN_EXE_devtask");
pub(super) const HOME: &str = "/workspaces/.devtask/fox";
pub(super) const LIMIT: Duration = Duration::from_secs(20);

pub(super) struct World {
    _dir: tempfile::TempDir,
    pub(super) boxes: Arc<Boxes>,
    pub(super) ssh: Ssh,
    door: SocketAddr,
    _serving: AbortOnDropHandle<()>,
}

impl World {
    /// `None`, and a word about it, where no box can be started.
    pub(super) async fn new(what: &str) -> Option<Self> {
        if let Some(why) = missing().await {
            crate::figures::skipped(&format!("{what}: {why}"));
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let settings = BoxSettings {
            folder: dir.path().join("boxes"),
            program: BIN.into(),
            reach: Vec::new(),
            shown: Vec::new(),
        };
        let boxes = Arc::new(Boxes::new(settings).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = listener.local_addr().unwrap();
        let serving = AbortOnDropHandle::new(tokio::spawn(serve(listener, Arc::clone(&boxes))));
        let settings = Settings { connect: LIMIT, alive: Duration::from_secs(1), ..Settings::default() };
        let ssh = Ssh::new(&dir.path().join("ssh"), settings, Clock::system()).unwrap();
        Some(Self { _dir: dir, boxes, ssh, door, _serving: serving })
    }

    pub(super) async fn link(&self, name: &str) -> SshLink {
        self.link_as(name, name).await
    }

    /// Another name for the same box has a connection of its own.
    pub(super) async fn link_as(&self, name: &str, alias: &str) -> SshLink {
        self.ssh.link(self.target(name, alias).await).unwrap()
    }

    async fn target(&self, name: &str, alias: &str) -> Target {
        let key = self.ssh.key().await.unwrap().to_str().unwrap().to_owned();
        let argv = [BIN, "gh-stand-in", "codespace", "ssh", "--stdio", "-c", name, "--", "-i", &key];
        Target {
            alias: alias.to_owned(),
            user: "codespace".to_owned(),
            proxy_command: argv.map(str::to_owned).to_vec(),
            env: vec![
                ("GITHUB_API_URL".to_owned(), format!("http://{}/api/v3", self.door).into()),
                ("GH_ENTERPRISE_TOKEN".to_owned(), "canary-secret".into()),
            ],
            home: PathBuf::from(HOME),
            program: Path::new(HOME).join("bin/devtask"),
        }
    }
}

/// What a program printed that ended well.
pub(super) async fn said(link: &dyn Link, argv: &[&str]) -> String {
    let output = exec(link, argv).await.unwrap();
    assert_eq!(output.code, Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(super) async fn exec(link: &dyn Link, argv: &[&str]) -> Result<devtask::node::Output, NodeError> {
    let argv: Vec<String> = argv.iter().map(|w| (*w).to_owned()).collect();
    link.exec(&argv, LIMIT).await
}

async fn serve(listener: TcpListener, boxes: Arc<Boxes>) {
    while let Ok((stream, _)) = listener.accept().await {
        let boxes = Arc::clone(&boxes);
        tokio::spawn(async move { tunnel(stream, &boxes).await });
    }
}

async fn tunnel(mut stream: TcpStream, boxes: &Boxes) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.contains("Bearer canary-secret"), "{head}");
    let name = head.strip_prefix("GET /_tunnel/").and_then(|rest| rest.split(' ').next()).unwrap();
    let Ok(mut far) = boxes.connect(name).await else {
        return stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await;
    };
    stream
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: tunnel\r\n\r\n")
        .await?;
    copy_bidirectional(&mut stream, &mut far).await.map(drop)
}
