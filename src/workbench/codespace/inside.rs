//! The first program in a box: opens its ways in and out, starts its SSH server, and ends when the box is to.
//!
//! Knows the places inside; must not know who is let in.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::outlets::name_of;
use super::place;

/// `devtask box-inside [--sshd PROGRAM] [--reach ADDRESS]…`; never returns while the box is wanted.
pub fn main(sshd: Option<&Path>, reach: &[SocketAddr]) -> ExitCode {
    // The box is wanted for as long as standard input is open.
    std::thread::spawn(|| {
        let mut byte = [0];
        while matches!(io::stdin().read(&mut byte), Ok(1..)) {}
        std::process::exit(0);
    });
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(run(sshd, reach)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &io::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::FAILURE
}

async fn run(sshd: Option<&Path>, reach: &[SocketAddr]) -> io::Result<()> {
    for address in reach {
        let listener = TcpListener::bind(address).await?;
        tokio::spawn(outwards(listener, *address));
    }
    if let Some(sshd) = sshd {
        start(sshd).await?;
    }
    let door = Path::new(place::BOX).join("door.sock");
    let _ = std::fs::remove_file(&door);
    let door = UnixListener::bind(door)?;
    let namespace = std::fs::read_link("/proc/self/ns/pid")?;
    writeln!(io::stdout(), "ready {}", namespace.display())?;
    let served = sshd.is_some();
    loop {
        let (stream, _) = door.accept().await?;
        tokio::spawn(async move { admit(stream, served).await });
    }
}

/// Started as a daemon is, and waited for until it answers.
async fn start(sshd: &Path) -> io::Result<()> {
    let inside = Path::new(place::BOX);
    let log = File::options().create(true).append(true).open(inside.join("sshd.log"))?;
    let mut command = tokio::process::Command::new(sshd);
    command.args(["-D", "-e", "-f"]).arg(inside.join("sshd_config"));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
    for _ in 0..400 {
        if TcpStream::connect(("127.0.0.1", place::SSH_PORT)).await.is_ok() {
            tokio::spawn(async move { child.wait().await });
            return Ok(());
        }
        if child.try_wait()?.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    Err(io::Error::other("the SSH server does not start"))
}

/// Lets a key in, as a codespace does when `gh` asks it to, and passes the rest to the SSH server.
async fn admit(mut stream: UnixStream, served: bool) -> io::Result<()> {
    let mut key = String::new();
    {
        let mut line = BufReader::with_capacity(1, &mut stream).take(4096);
        line.read_line(&mut key).await?;
    }
    if !served {
        return stream.write_all(b"refused no SSH server is installed\n").await;
    }
    let key = key.trim();
    if !key.starts_with("ssh-") || key.chars().any(char::is_control) {
        return stream.write_all(b"refused that is no public key\n").await;
    }
    let keys = Path::new(place::BOX).join("authorized_keys");
    let known = std::fs::read_to_string(&keys).unwrap_or_default();
    if !known.lines().any(|line| line == key) {
        writeln!(File::options().create(true).append(true).open(keys)?, "{key}")?;
    }
    let mut sshd = TcpStream::connect(("127.0.0.1", place::SSH_PORT)).await?;
    sshd.set_nodelay(true)?;
    stream.write_all(format!("ready {}\n", place::USER).as_bytes()).await?;
    copy_bidirectional(&mut stream, &mut sshd).await.map(drop)
}

async fn outwards(listener: TcpListener, address: SocketAddr) {
    let socket = Path::new(place::BOX).join("out").join(name_of(address));
    while let Ok((mut inside, _)) = listener.accept().await {
        let socket = socket.clone();
        tokio::spawn(async move {
            if let Ok(mut outside) = UnixStream::connect(socket).await {
                let _ = copy_bidirectional(&mut inside, &mut outside).await;
            }
        });
    }
}
