//! What a plugin gets when it is created: the gateway's log, and its options.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::{LogFn, LogLevel};
use crate::Result;

/// What the gateway gives a plugin when it is created.
#[derive(Clone)]
pub struct Host {
    log: Arc<LogFn>,
}

impl Host {
    /// A host whose log lines go to `log`.
    pub fn new(log: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        Self { log: Arc::new(log) }
    }

    /// A host that writes nothing, for tests.
    pub fn silent() -> Self {
        Self::new(|_, _| {})
    }

    /// Where log lines go, for the glue that hands a host over.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn log_fn(&self) -> &Arc<LogFn> {
        &self.log
    }

    /// Writes a line into the gateway's log under the plugin's name.
    pub fn log(&self, level: LogLevel, text: &str) {
        (self.log)(level, text);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}

/// Reads a plugin's options from the JSON text that [`Storage::create`](crate::Storage::create) gets.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) that names the field, when the text does not fit.
pub fn parse_config<T: for<'de> Deserialize<'de>>(config: &str) -> Result<T> {
    let text = if config.trim().is_empty() {
        "{}"
    } else {
        config
    };
    serde_json::from_str(text).map_err(|source| {
        crate::Error::new(
            crate::ErrorKind::Invalid,
            format!("read the plugin's options: {source}"),
        )
    })
}
