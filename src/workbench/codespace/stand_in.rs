//! Plays `gh codespace ssh --stdio -c NAME -- -i KEY`: a byte stream to a codespace's SSH server on standard input and
//! output.
//!
//! The real one goes through a relay that only GitHub has; this one asks the local forge for a tunnel, with the same
//! variables for address and token, and says its troubles in the same words. Must not know DevTask.

use std::io::Write;
use std::process::ExitCode;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONNECTION, HOST, UPGRADE};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::TcpStream;

type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Ends with the program: 0 when the tunnel was closed, 1 with a word where there was none.
pub fn main(args: &[String]) -> ExitCode {
    let done = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let done = runtime.block_on(run(args));
            // The read of standard input cannot be cancelled.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            let _ = writeln!(std::io::stderr(), "{trouble}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &[String]) -> Result<(), Trouble> {
    let (name, key) = asked(args).ok_or("usage: gh codespace ssh --stdio -c NAME -- -i KEY")?;
    let key = std::fs::read_to_string(format!("{key}.pub"))?;
    let mut tunnel = dial(&name).await?;
    tunnel.write_all(format!("{}\n", key.trim()).as_bytes()).await?;
    let answer = line(&mut tunnel).await?;
    if !answer.starts_with("ready ") {
        let why = answer.strip_prefix("refused ").unwrap_or(&answer);
        return Err(format!("error getting ssh server details: failed to start SSH server: {why}").into());
    }
    let (mut down, mut up) = tokio::io::split(tunnel);
    let (mut input, mut output) = (tokio::io::stdin(), tokio::io::stdout());
    tokio::select! {
        _ = copy(&mut input, &mut up) => {}
        _ = pass(&mut down, &mut output) => {}
    }
    Ok(())
}

/// As `gh` is asked: which codespace, and which key is to be let in.
fn asked(args: &[String]) -> Option<(String, String)> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["codespace" | "cs", "ssh", "--stdio", "-c" | "--codespace", name, "--", "-i", key] => {
            Some(((*name).to_owned(), (*key).to_owned()))
        }
        _ => None,
    }
}

/// The forge's tunnel to a codespace, after its upgrade.
async fn dial(name: &str) -> Result<TokioIo<hyper::upgrade::Upgraded>, Trouble> {
    let base: Uri = std::env::var("GITHUB_API_URL").map_err(|_| "GITHUB_API_URL is not set")?.parse()?;
    let token = ["GH_ENTERPRISE_TOKEN", "GH_TOKEN"].into_iter().find_map(|name| std::env::var(name).ok());
    let token = token.ok_or("To get started with GitHub CLI, please run:  gh auth login")?;
    let authority = base.authority().ok_or("GITHUB_API_URL names no host")?.as_str().to_owned();
    let stream = TcpStream::connect(&authority).await?;
    stream.set_nodelay(true)?;
    let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    let request = Request::get(format!("/_tunnel/{name}"))
        .header(HOST, &authority)
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, "tunnel")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(Empty::<Bytes>::new())?;
    let response = send.send_request(request).await?;
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(format!("error connecting to codespace: HTTP {status}").into());
    }
    Ok(TokioIo::new(hyper::upgrade::on(response).await?))
}

/// Byte by byte: what comes after the line belongs to SSH.
async fn line(from: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<String> {
    let mut line = Vec::new();
    while line.len() < 1024 {
        match from.read_u8().await? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// What comes is passed on at once: SSH waits for each packet.
async fn pass(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
) -> std::io::Result<()> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(chunk.get(..read).unwrap_or_default()).await?;
        to.flush().await?;
    }
}
