//! The service's log, and traces of transfers when a collector wants them.
//!
//! Without a collector nothing but the log is set up, and spans of attempts cost nothing.

mod collector;
mod ids;
mod spans;

use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

use crate::config::{Config, LogConfig, LogFormat};

pub use spans::{Traces, Transfer};

/// Starts the log and, when `metrics.otlp_endpoint` is set, traces.
///
/// # Errors
/// A collector that cannot be used, with the key of the configuration.
pub fn start(config: &Config) -> anyhow::Result<Option<Arc<Traces>>> {
    let traces = Traces::of(&config.metrics, &config.tls.ca_dir)?.map(Arc::new);
    init(&config.log, traces.as_ref());
    Ok(traces)
}

/// Starts logging to standard error. A filter that cannot be understood falls back to `info` and
/// says so.
fn init(config: &LogConfig, traces: Option<&Arc<Traces>>) {
    let filter = EnvFilter::try_new(&config.level);
    let bad = filter.as_ref().err().map(ToString::to_string);
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info"));
    let spans = traces.map(|traces| {
        let wanted = |it: &tracing::Metadata<'_>| {
            it.is_span() && it.target() == causeway_engine::TRACE_TARGET
        };
        spans::Spans::new(Arc::clone(traces)).with_filter(filter_fn(wanted))
    });
    let lines = fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines = match config.format {
        LogFormat::Text => lines.with_target(false).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    // A second start in one process (tests) keeps the first subscriber.
    let started = registry().with(lines).with(spans).try_init();
    if let (Ok(()), Some(bad)) = (started, bad) {
        tracing::warn!("log.level cannot be understood, using `info`: {bad}");
    }
}
