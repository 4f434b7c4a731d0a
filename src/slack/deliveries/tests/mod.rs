//! Laws of deliveries, on a real store, with a desk that does what the payload says.

mod arrivals;
mod crashes;
mod work;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::pool::Times;
use super::{Arrival, Deliveries, Work};
use crate::clock::Clock;
use crate::store::Store;
use crate::store::slack::{Delivery, Notes};

/// What the desk was called for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::slack) enum Called {
    Worked(String),
    Late(String),
}

/// Does what the payload's words say: `tell`: the ack has a body; `slow tell`: it never knows it; `bad tell`: it panics;
/// `hold`: the work waits for the gate; `hang`: for ever; `panic`: it panics.
pub(in crate::slack) struct Desk {
    called: Mutex<Vec<Called>>,
    pub(in crate::slack) gate: Semaphore,
    tries: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Work for Desk {
    async fn prompt(&self, delivery: &Delivery) -> Option<Value> {
        let says = |word: &str| delivery.payload.contains(word);
        if says("slow tell") {
            std::future::pending::<()>().await;
        }
        assert!(!says("bad tell"), "on purpose");
        says("tell").then(|| json!({ "text": "an answer" }))
    }

    async fn work(&self, delivery: &Delivery) {
        self.tries.fetch_add(1, Ordering::SeqCst);
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let says = |word: &str| delivery.payload.contains(word);
        if says("hold") {
            self.gate.acquire().await.unwrap().forget();
        }
        if says("hang") {
            std::future::pending::<()>().await;
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        assert!(!says("panic"), "on purpose");
        self.called.lock().unwrap().push(Called::Worked(delivery.key.clone()));
    }

    async fn late(&self, delivery: &Delivery) {
        self.called.lock().unwrap().push(Called::Late(delivery.key.clone()));
    }
}

impl Desk {
    pub(in crate::slack) fn called(&self) -> Vec<Called> {
        self.called.lock().unwrap().clone()
    }
}

/// A store, a desk and deliveries between them; the clock stands still.
pub(in crate::slack) struct Bench {
    pub(in crate::slack) store: Store,
    pub(in crate::slack) notes: Notes,
    pub(in crate::slack) desk: Arc<Desk>,
    pub(in crate::slack) deliveries: Deliveries,
    pub(in crate::slack) clock: Clock,
    _dir: TempDir,
}

impl Bench {
    pub(in crate::slack) async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let clock = Clock::by_hand(DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap());
        let store = Store::open(dir.path(), clock.clone()).await.unwrap();
        let notes = store.slack();
        let desk = Arc::new(Desk {
            called: Mutex::default(),
            gate: Semaphore::new(0),
            tries: AtomicUsize::new(0),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let deliveries = put_together(&notes, &desk, &clock);
        Self { store, notes, desk, deliveries, clock, _dir: dir }
    }

    /// Something that arrives now.
    fn command(&self, name: &str, says: &str) -> Arrival {
        let payload = json!({ "text": says }).to_string();
        Arrival::new("command".to_owned(), name, payload, 0, self.clock.now())
    }

    /// Keys on disk that are not carried out.
    pub(in crate::slack) async fn open(&self) -> Vec<String> {
        self.notes.deliveries().await.unwrap().into_iter().map(|d| d.key).collect()
    }

    pub(in crate::slack) async fn all_done(&self) {
        until("everything is carried out", async || self.open().await.is_empty()).await;
    }

    pub(in crate::slack) async fn called(&self, calls: usize) -> Vec<Called> {
        until("the desk was called", async || self.desk.called().len() >= calls).await;
        self.desk.called()
    }
}

fn put_together(notes: &Notes, desk: &Arc<Desk>, clock: &Clock) -> Deliveries {
    let times = Times { one_try: Duration::from_secs(20), pauses: [Duration::ZERO; 2] };
    Deliveries::with(notes.clone(), Arc::clone(desk) as Arc<dyn Work>, clock.clone(), times)
}

pub(in crate::slack) fn worked(key: &str) -> Called {
    Called::Worked(key.to_owned())
}

/// Waits for what other tasks bring about.
pub(in crate::slack) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("not so: {what}"));
}
