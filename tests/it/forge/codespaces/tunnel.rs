//! The way to a codespace's sshd, in all weathers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use devtask::workbench::forge::Scope;
use devtask::workbench::forge::codespaces::{Duplex, Machines, Phase, Weather};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::world::{OWN, Still};

const SOON: Duration = Duration::from_secs(10);
/// Long enough for what should have come to have come.
const QUIET: Duration = Duration::from_millis(150);

/// Each of them says back what it hears.
struct Echoes;

#[async_trait]
impl Machines for Echoes {
    async fn start(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    async fn stop(&self, _: &str) {}

    async fn delete(&self, _: &str) {}

    async fn connect(&self, _: &str) -> io::Result<Box<dyn Duplex>> {
        let (near, far) = tokio::io::duplex(4 * 1024);
        tokio::spawn(async move {
            let (mut from, mut to) = tokio::io::split(far);
            drop(tokio::io::copy(&mut from, &mut to).await);
            drop(to.shutdown().await);
        });
        Ok(Box::new(near))
    }
}

async fn up() -> (Still, String) {
    let still = Still::new().await;
    still.codespaces().set_machines(Arc::new(Echoes));
    let name = still.up().await;
    (still, name)
}

/// The status, and the stream behind a 101.
async fn dial(still: &Still, name: &str, authorization: &str) -> (u16, TcpStream) {
    let address = still.world.forge.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /_tunnel/{name} HTTP/1.1\r\nhost: forge\r\nconnection: upgrade\r\nupgrade: devtask-tunnel\r\n\
         authorization: {authorization}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(SOON, stream.read_u8()).await.unwrap().unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), stream)
}

fn bearer(token: &SecretString) -> String {
    format!("Bearer {}", token.expose_secret())
}

async fn open(still: &Still, name: &str) -> TcpStream {
    let (status, stream) = dial(still, name, &bearer(&still.world.token)).await;
    assert_eq!(status, 101);
    stream
}

async fn echo(stream: &mut TcpStream, word: &str) {
    stream.write_all(word.as_bytes()).await.unwrap();
    heard(stream, word).await;
}

async fn heard(stream: &mut TcpStream, word: &str) {
    let mut bytes = vec![0; word.len()];
    timeout(SOON, stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), word);
}

/// The other side is gone.
async fn ended(stream: &mut TcpStream) {
    let read = timeout(SOON, stream.read_u8()).await.expect("it should have ended");
    assert!(read.is_err(), "{read:?}");
}

#[tokio::test]
async fn bytes_go_both_ways_whole() {
    let (still, name) = up().await;
    let stream = open(&still, &name).await;
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[usize::from(n % 3 == 0)]).collect();
    let (mut from, mut to) = stream.into_split();
    let (all, ()) = tokio::join!(
        async {
            let mut got = Vec::new();
            timeout(SOON, from.read_to_end(&mut got)).await.unwrap().unwrap();
            got
        },
        async {
            to.write_all(&sent).await.unwrap();
            to.shutdown().await.unwrap();
        }
    );
    assert!(all == sent, "{} of {} bytes came back", all.len(), sent.len());
}

#[tokio::test]
async fn only_its_owner_passes_and_only_while_it_runs() {
    let (still, name) = up().await;
    let bo = still.world.forge.token("bo", Scope::FULL).await.unwrap();
    assert_eq!(dial(&still, &name, &bearer(&bo)).await.0, 404);
    assert_eq!(dial(&still, &name, "Bearer wrong").await.0, 401);
    assert_eq!(dial(&still, &name, "tunnel wrong").await.0, 404);
    assert_eq!(dial(&still, "nothing", &bearer(&still.world.token)).await.0, 404);
    let internal = still.ask("GET", &format!("{OWN}/{name}?internal=true&refresh=true"), "").await.body;
    let ticket = internal["connection"]["tunnelProperties"]["connectAccessToken"].as_str().unwrap();
    let (status, mut stream) = dial(&still, &name, &format!("tunnel {ticket}")).await;
    assert_eq!(status, 101);
    echo(&mut stream, "hello").await;

    still.ask("POST", &format!("{OWN}/{name}/stop"), "").await;
    ended(&mut stream).await;
    assert_eq!(dial(&still, &name, &bearer(&still.world.token)).await.0, 409);
    let internal = still.ask("GET", &format!("{OWN}/{name}?internal=true"), "").await.body;
    assert!(internal["connection"].is_null(), "{internal}");
}

#[tokio::test]
async fn a_cut_ends_those_connected_and_nobody_else() {
    let (still, name) = up().await;
    let other = still.up().await;
    let (mut one, mut two) = (open(&still, &name).await, open(&still, &other).await);
    echo(&mut one, "hello").await;
    still.codespaces().cut(&name);
    ended(&mut one).await;
    echo(&mut two, "still here").await;
    let mut again = open(&still, &name).await;
    echo(&mut again, "hello").await;
}

#[tokio::test]
async fn what_a_black_hole_holds_arrives_when_it_clears() {
    let (still, name) = up().await;
    let mut stream = open(&still, &name).await;
    echo(&mut stream, "before").await;
    still.codespaces().weather(&name, Weather::BlackHole);
    stream.write_all(b"during").await.unwrap();
    assert!(timeout(QUIET, stream.read_u8()).await.is_err(), "nothing gets through, and nobody is told");
    still.codespaces().weather(&name, Weather::Clear);
    heard(&mut stream, "during").await;
}

#[tokio::test]
async fn refused_and_slow_are_what_they_say() {
    let (still, name) = up().await;
    let mut stream = open(&still, &name).await;
    still.codespaces().weather(&name, Weather::Refuse);
    assert_eq!(dial(&still, &name, &bearer(&still.world.token)).await.0, 503);
    echo(&mut stream, "who is in stays in").await;
    still.codespaces().weather(&name, Weather::Slow { delay_ms: 200, bytes_per_second: 1_000_000 });
    let before = tokio::time::Instant::now();
    echo(&mut stream, "hello").await;
    assert!(before.elapsed() >= Duration::from_millis(400), "late both ways: {:?}", before.elapsed());
}

#[tokio::test]
async fn traffic_keeps_it_awake_and_silence_does_not() {
    let (still, name) = up().await;
    let mut stream = open(&still, &name).await;
    for _ in 0..4 {
        still.turn(TimeDelta::minutes(20));
        echo(&mut stream, "ping").await;
    }
    assert_eq!(still.state(&name).await, "Available");
    still.turn(TimeDelta::minutes(31));
    ended(&mut stream).await;
    still.turn(TimeDelta::seconds(1));
    assert_eq!(still.codespaces().get(&name).unwrap().phase(), Phase::Shutdown);
}
