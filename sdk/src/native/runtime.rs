//! One tokio runtime per image.
//!
//! A plugin has a copy of tokio of its own, which knows nothing of the gateway's threads. The
//! gateway's threads do the work of a call; this runtime's single thread only drives timers,
//! sockets and what the author spawns.

use std::sync::OnceLock;

use tokio::runtime::{Builder, EnterGuard, Runtime};

use crate::{Error, ErrorKind, Result};

static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

/// Makes this thread find the image's runtime until the guard is dropped.
pub(super) fn enter() -> Result<EnterGuard<'static>> {
    match RUNTIME.get_or_init(start) {
        Ok(runtime) => Ok(runtime.enter()),
        Err(reason) => Err(Error::new(
            ErrorKind::Internal,
            format!("start the plugin's runtime: {reason}"),
        )),
    }
}

fn start() -> Result<Runtime, String> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("plugin")
        .enable_all()
        .build()
        .map_err(|source| source.to_string())
}
