//! The process's own words: its log on stderr, and its figures.
//!
//! Knows how they leave the process; must not know what is logged or counted. Set up once, in `main`'s roles.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One object a line, for collectors.
    Json,
}

impl Format {
    /// `DEVTASK_LOG_FORMAT`: `json`, else text.
    pub fn of(word: Option<&str>) -> Self {
        if word.is_some_and(|w| w.eq_ignore_ascii_case("json")) { Self::Json } else { Self::Text }
    }
}

/// What is logged where `DEVTASK_LOG` says nothing.
const USUAL: &str = "warn,devtask=info";

/// Writes the log to stderr from now on. `filter` as in `DEVTASK_LOG`; one that is not understood counts as none.
/// A second call changes nothing.
pub fn log(filter: Option<&str>, format: Format) {
    let filter = filter.and_then(|f| EnvFilter::try_new(f).ok()).unwrap_or_else(|| EnvFilter::new(USUAL));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let started = match format {
        Format::Text => builder.with_target(false).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was set up before");
    }
}

/// Counts from now on; the handle renders what was counted. A second recorder of the process counts nothing, and its
/// handle stays empty.
#[cfg(feature = "server")]
pub fn figures() -> metrics_exporter_prometheus::PrometheusHandle {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::debug!("figures were counted before");
    }
    handle
}
