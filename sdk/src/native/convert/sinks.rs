//! Callbacks: log lines and progress travel from the plugin to the gateway.
//!
//! The objects are made on the gateway's side, so a panic in one must not leave it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use causeway_abi::abi_stable::sabi_trait::TD_Opaque;
use causeway_abi::abi_stable::std_types::RStr;
use causeway_abi::storage::{self, LogSinkBox, ProgressSinkBox};
use causeway_abi::{self as abi, Ext, values};

use super::value::Crossing;
use crate::context::LogFn;
use crate::secret::mask;
use crate::{Host, LogLevel, Progress, ProgressSink};

struct Lines(Arc<LogFn>);

impl storage::LogSink for Lines {
    fn line(&self, level: values::LogLevel, text: RStr<'_>) {
        contained(|| (self.0)(level_of(level), &mask(text.as_str())));
    }
}

/// Code of a level.
pub(crate) fn level_code(level: LogLevel) -> values::LogLevel {
    match level {
        LogLevel::Debug => values::LogLevel::DEBUG,
        LogLevel::Info => values::LogLevel::INFO,
        LogLevel::Warn => values::LogLevel::WARN,
        LogLevel::Error => values::LogLevel::ERROR,
    }
}

/// The level of a code.
pub(crate) fn level_of(code: values::LogLevel) -> LogLevel {
    match code {
        values::LogLevel::DEBUG => LogLevel::Debug,
        values::LogLevel::WARN => LogLevel::Warn,
        values::LogLevel::ERROR => LogLevel::Error,
        _ => LogLevel::Info,
    }
}

struct Reports(ProgressSink);

impl storage::ProgressSink for Reports {
    fn report(&self, progress: abi::Progress) {
        contained(|| {
            if let Ok(progress) = Progress::from_abi(progress) {
                self.0.report(progress);
            }
        });
    }
}

/// Runs a callback of the gateway's; a panic ends here.
pub(crate) fn contained(run: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(run)).is_err() {
        eprintln!("causeway: a callback for a plugin panicked");
    }
}

/// A log for the boundary.
pub(super) fn log_sink_abi(log: &Arc<LogFn>) -> LogSinkBox {
    LogSinkBox::from_value(Lines(Arc::clone(log)), TD_Opaque)
}

/// A log from the boundary.
pub(super) fn log_fn(log: LogSinkBox) -> impl Fn(LogLevel, &str) + Send + Sync + 'static {
    move |level, text| log.line(level_code(level), text.into())
}

/// What the gateway gives a plugin, for the boundary.
pub fn host_abi(host: &Host) -> abi::Host {
    abi::Host {
        log: log_sink_abi(host.log_fn()),
        ext: Ext::NONE,
    }
}

/// What the gateway gives a plugin, from the boundary.
pub fn host(abi: abi::Host) -> Host {
    Host::new(log_fn(abi.log))
}

/// A progress sink for the boundary.
pub fn progress_sink_abi(progress: ProgressSink) -> ProgressSinkBox {
    ProgressSinkBox::from_value(Reports(progress), TD_Opaque)
}

/// A progress sink from the boundary.
pub fn progress_sink(abi: ProgressSinkBox) -> ProgressSink {
    ProgressSink::new(move |progress| abi.report(progress.into_abi()))
}
