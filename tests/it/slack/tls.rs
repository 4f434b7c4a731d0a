//! A Slack behind TLS: the server as it runs knows it by the machine's certificates, or does not speak to it.
//!
//! The local Slack speaks plainly; what stands here is only as much of one as it takes to open a socket, over the
//! TLS that is in the house.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message};

use super::certificate::Certificate;
use crate::bad::house::BIN;

const PATIENCE: Duration = Duration::from_mins(1);

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// What reached Slack: names of calls, and frames of sockets.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Call(String),
    Frame(Value),
}

/// Serves whoever comes, each in a thread of its own, until the process ends. Answers the port.
fn serve(certificate: &Certificate, each: impl Fn(Stream) + Clone + Send + 'static) -> u16 {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der.clone()], certificate.key.clone_key())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (far, each) = (ServerConnection::new(Arc::clone(&config)).unwrap(), each.clone());
            let stream = stream.unwrap();
            std::thread::spawn(move || each(StreamOwned::new(far, stream)));
        }
    });
    port
}

/// The Web API: who we are, where a socket is, and yes to everything else.
fn calls(stream: Stream, socket: &str, heard: &Sender<Heard>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
        let method = path.trim_start_matches("/api/").to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            stream.read_line(&mut header)?;
            if let Some(bytes) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = bytes.trim().parse().unwrap();
            }
            if header.trim().is_empty() {
                break;
            }
        }
        stream.read_exact(&mut vec![0; length])?;
        let body = match method.as_str() {
            "auth.test" => json!({ "ok": true, "url": "https://acme.example.com/", "team": "Acme",
                "team_id": "T0ACME", "user": "devtask", "user_id": "U0APP", "bot_id": "B0APP" }),
            "apps.connections.open" => json!({ "ok": true, "url": socket }),
            _ => json!({ "ok": true }),
        };
        let _ = heard.send(Heard::Call(method));
        let body = body.to_string();
        let start = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
        write!(stream.get_mut(), "{start}{}\r\n\r\n{body}", body.len())?;
        stream.get_mut().flush()?;
    }
}

/// A socket that greets, delivers one command and hears what is answered.
fn socket(stream: Stream, heard: &Sender<Heard>) {
    let Ok(mut far) = tungstenite::accept(stream) else { return };
    let command = json!({ "command": "/devtask", "text": "help", "user_id": "U0ANA", "channel_id": "C0DEV" });
    let envelope = json!({ "type": "slash_commands", "envelope_id": "e-1", "payload": command });
    for frame in [json!({ "type": "hello", "num_connections": 1 }), envelope] {
        if far.send(Message::text(frame.to_string())).is_err() {
            return;
        }
    }
    while let Ok(message) = far.read() {
        if let Message::Text(text) = message {
            let _ = heard.send(Heard::Frame(serde_json::from_str(&text).unwrap()));
        }
    }
}

/// `https://localhost:…/api`, and what is heard there.
fn slack(certificate: &Certificate) -> (String, Receiver<Heard>) {
    let (heard, received) = channel();
    let frames = heard.clone();
    let port = serve(certificate, move |stream| socket(stream, &frames));
    let address = format!("wss://localhost:{port}/link/?ticket=secret");
    let port = serve(certificate, move |stream| drop(calls(stream, &address, &heard)));
    (format!("https://localhost:{port}/api"), received)
}

/// `devtask serve`, on a machine that trusts this certificate and no other.
struct Served(Child);

impl Served {
    fn start(dir: &Path, api: &str, trusted: &Certificate) -> Self {
        let (config, roots) = (dir.join("devtask.toml"), dir.join("roots.pem"));
        let data = dir.join("data");
        let text = format!(
            "data_dir = '{}'\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [control]\nagent = \"scripted\"\n[agents.scripted]\ncommand = [{BIN:?}, \"agent-sim\"]\n\
             [slack]\nbot_token = \"xoxb-1\"\napp_token = \"xapp-1\"\napi_url = {api:?}\n",
            data.display()
        );
        std::fs::write(&config, text).unwrap();
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&roots, trusted.pem()).unwrap();
        let log = std::fs::File::create(dir.join("serve.log")).unwrap();
        let mut command = Command::new(BIN);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", dir);
        command.env("SSL_CERT_FILE", &roots).env("DEVTASK_CONFIG", &config).arg("serve");
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_socket_behind_tls_is_opened_and_its_deliveries_are_acked() {
    let dir = tempfile::tempdir().unwrap();
    let certificate = Certificate::of_its_own();
    let (api, heard) = slack(&certificate);
    let _served = Served::start(dir.path(), &api, &certificate);
    let mut calls = Vec::new();
    loop {
        let log = || std::fs::read_to_string(dir.path().join("serve.log")).unwrap_or_default();
        match heard.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{calls:?}\n{}", log())) {
            Heard::Call(method) => calls.push(method),
            Heard::Frame(ack) => {
                assert_eq!(ack, json!({ "envelope_id": "e-1" }));
                break;
            }
        }
    }
    assert!(calls.contains(&"apps.connections.open".to_owned()), "{calls:?}");
}

#[test]
fn who_shows_a_certificate_that_nobody_trusts_is_not_spoken_to() {
    let dir = tempfile::tempdir().unwrap();
    let (api, heard) = slack(&Certificate::of_its_own());
    let _served = Served::start(dir.path(), &api, &Certificate::of_its_own());
    let (began, told) = (Instant::now(), "a socket to Slack is down");
    let mut log = String::new();
    while !log.lines().any(|line| line.contains(told) && line.contains("certificate")) {
        assert!(began.elapsed() < PATIENCE, "nothing was said of it:\n{log}");
        std::thread::sleep(Duration::from_millis(20));
        log = std::fs::read_to_string(dir.path().join("serve.log")).unwrap_or_default();
    }
    assert_eq!(heard.try_recv(), Err(TryRecvError::Empty), "no token is shown to a stranger");
}
