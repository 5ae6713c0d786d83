//! The service's log.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts logging to standard error. A filter that cannot be understood falls back to `info` and
/// says so.
pub fn init(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.level);
    let bad = filter.as_ref().err().map(ToString::to_string);
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first subscriber.
    let started = match config.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if let (Ok(()), Some(bad)) = (started, bad) {
        tracing::warn!("log.level cannot be understood, using `info`: {bad}");
    }
}
