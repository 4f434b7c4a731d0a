//! A reader of one session's event stream, written by hand, so that our own client cannot hide what the server does.
//!
//! Comes back with `Last-Event-ID` whenever the stream breaks, until the server says 204. Notes every id exactly as it
//! came. Must not know the database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use devtask::domain::SessionId;
use devtask::workbench::script::Markers;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

/// A reader under way, and what it has seen.
pub struct Stream {
    seen: Arc<Mutex<Seen>>,
    reading: JoinHandle<()>,
}

#[derive(Clone, Default)]
pub struct Seen {
    /// The ids in the order they came.
    pub ids: Vec<u64>,
    /// The data of each.
    pub events: Vec<Value>,
    pub connections: u32,
    pub over: bool,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Stream {
    pub fn follow(socket: &Path, id: SessionId) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let reading = tokio::spawn(read_on(socket.to_owned(), id, Arc::clone(&seen)));
        Self { seen, reading }
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    pub fn look<T>(&self, at: impl FnOnce(&Seen) -> T) -> T {
        at(&self.seen.lock().unwrap())
    }
}

impl Seen {
    /// Ids that were skipped or came again: the stream must be 1, 2, 3, …
    pub fn breaks(&self) -> u64 {
        let expected = 1..=u64::try_from(self.ids.len()).unwrap();
        self.ids.iter().zip(expected).filter(|(id, n)| **id != *n).count() as u64
    }

    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |e| e["kind"] == kind)
    }

    pub fn count(&self, kind: &str) -> usize {
        self.of_kind(kind).count()
    }

    /// Everything the agent said, in order.
    pub fn said(&self) -> Vec<&str> {
        self.of_kind("agent.message").filter_map(|e| e["body"]["text"].as_str()).collect()
    }

    /// The markers of one series: number → the uuids under which it was said, each as often as it was.
    pub fn markers(&self, markers: &Markers) -> BTreeMap<u64, Vec<String>> {
        let numbers: BTreeMap<String, u64> = (1..=markers.count).map(|n| (markers.text(n), n)).collect();
        let mut said: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for event in self.of_kind("agent.message") {
            let Some(n) = event["body"]["text"].as_str().and_then(|t| numbers.get(t)) else { continue };
            said.entry(*n).or_default().push(event["raw"]["uuid"].as_str().unwrap_or_default().to_owned());
        }
        said
    }

    /// Numbers of the series that were not said.
    pub fn missing(&self, markers: &Markers) -> Vec<u64> {
        let said = self.markers(markers);
        (1..=markers.count).filter(|n| !said.contains_key(n)).collect()
    }

    /// How often a number was said again.
    pub fn again(&self, markers: &Markers) -> u64 {
        self.markers(markers).values().map(|uuids| uuids.len() as u64 - 1).sum()
    }
}

async fn read_on(socket: PathBuf, id: SessionId, seen: Arc<Mutex<Seen>>) {
    while !seen.lock().unwrap().over {
        // A server that is not there is come back to: the test itself has the deadline.
        let _ = connection(&socket, id, &seen).await;
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// HTTP/1.0 asks for a body that is sent as it is and ends with the connection.
async fn connection(socket: &Path, id: SessionId, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(socket).await?;
    let last = seen.lock().unwrap().ids.last().copied().unwrap_or(0);
    let request =
        format!("GET /sessions/{id}/events HTTP/1.0\r\nHost: localhost\r\nLast-Event-ID: {last}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut lines = BufReader::new(stream).lines();
    let status = lines.next_line().await?.unwrap_or_default();
    if status.contains(" 204 ") {
        seen.lock().unwrap().over = true;
        return Ok(());
    }
    if !status.contains(" 200 ") {
        return Err(std::io::Error::other(status));
    }
    seen.lock().unwrap().connections += 1;
    while lines.next_line().await?.is_some_and(|line| !line.is_empty()) {}
    let (mut number, mut data) = (None, None);
    while let Some(line) = lines.next_line().await? {
        if let Some(text) = line.strip_prefix("id: ").or_else(|| line.strip_prefix("id:")) {
            number = text.parse::<u64>().ok();
        } else if let Some(text) = line.strip_prefix("data: ").or_else(|| line.strip_prefix("data:")) {
            data = serde_json::from_str::<Value>(text).ok();
        } else if line.is_empty()
            && let (Some(number), Some(data)) = (number.take(), data.take())
        {
            // The id on the line and the number in the data are one.
            assert_eq!(data["seq"], number, "{data}");
            let mut seen = seen.lock().unwrap();
            seen.ids.push(number);
            seen.events.push(data);
        }
    }
    Ok(())
}
