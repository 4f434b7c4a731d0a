//! The operator's log of one test, as it would stand on stderr.
//!
//! Heard on the test's own thread, where its runtime runs everything. Must not know what is said.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::subscriber::DefaultGuard;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Listens until it is dropped.
pub struct Log {
    paper: Paper,
    _listens: DefaultGuard,
}

impl Log {
    pub fn listen() -> Self {
        let paper = Paper::default();
        let to = paper.clone();
        let log = tracing_subscriber::fmt().with_writer(move || to.clone()).with_ansi(false).without_time();
        Self { paper, _listens: tracing::subscriber::set_default(log.with_target(false).finish()) }
    }

    /// The lines with these words, without the space before them.
    pub fn lines(&self, words: &str) -> Vec<String> {
        let bytes = self.paper.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().filter(|line| line.contains(words)).map(|line| line.trim().to_owned()).collect()
    }
}
