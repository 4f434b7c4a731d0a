//! How soon a new session gets a free slot: from the request to its admission on the disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use devtask::clock::Clock;
use devtask::control::{Local, Providers};
use devtask::domain::Actor;
use devtask::domain::session::Status;
use devtask::node::Provider;
use devtask::store::Store;
use devtask::wire::api::Control;

use super::figure;
use super::process::repository;
use super::relay::{Nodes, create, settings};

const CREATIONS: usize = 100;

pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut waited = runtime.block_on(admissions());
    figure::print("dispatch.p50", figure::median(&mut waited), "ms", "<", 50.0);
    figure::print("dispatch.latency", figure::quantile(&mut waited, 0.99), "ms", "<", 50.0);
    // The nodes never come.
    runtime.shutdown_background();
}

/// Milliseconds of each, one after the other, at odd moments.
async fn admissions() -> Vec<f64> {
    let dir = tempfile::tempdir().unwrap();
    repository(&dir.path().join("repo"));
    let clock = Clock::system();
    let store = Store::open(&dir.path().join("data"), clock.clone()).await.unwrap();
    let nodes: Arc<dyn Provider> = Arc::new(Nodes { dir: None });
    let nodes = Providers::from([("local".to_owned(), nodes)]);
    let local = Local::start(settings(10_000), store.clone(), nodes, None, clock).unwrap();
    let (ana, path) = (Actor::Person("local/ana".into()), dir.path().join("repo"));
    let mut waited = Vec::new();
    for n in 0..CREATIONS {
        let begun = Instant::now();
        let id = local.create(&ana, create(&path.to_string_lossy()), None).await.unwrap().id;
        let mut head = store.head(id);
        while store.row(id).await.unwrap().unwrap().session.status == Status::Queued {
            head.changed().await.unwrap();
        }
        waited.push(begun.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(n as u64 * 7 % 31)).await;
    }
    local.shutdown().await;
    store.close().await;
    waited
}
