//! One tokio runtime per image.
//!
//! A plugin has a copy of tokio of its own, which knows nothing of the gateway's threads. The
//! gateway's threads do the work of a call; this runtime's single thread only drives timers,
//! sockets and what the author spawns.

use std::cell::Cell;
use std::sync::OnceLock;

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

use crate::{Error, ErrorKind, Result};

static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

thread_local! {
    /// This thread was made to find the runtime once and for all.
    static STAYS: Cell<bool> = const { Cell::new(false) };
}

/// Makes this thread find the image's runtime, at least until the guard is dropped.
///
/// A thread of the gateway's means nothing to the image's own tokio, so it enters once and stays:
/// entering and leaving at every poll costs more than the rest of the border. Where a runtime
/// of the same tokio is current already (one of the image's own threads, or a storage linked into
/// the gateway) it is entered and left as usual.
pub(super) fn enter() -> Result<Option<EnterGuard<'static>>> {
    if STAYS.get() {
        return Ok(None);
    }
    let runtime = match RUNTIME.get_or_init(start) {
        Ok(runtime) => runtime,
        Err(reason) => {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("start the plugin's runtime: {reason}"),
            ));
        }
    };
    if Handle::try_current().is_ok() {
        return Ok(Some(runtime.enter()));
    }
    std::mem::forget(runtime.enter());
    STAYS.set(true);
    Ok(None)
}

fn start() -> Result<Runtime, String> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("plugin")
        .enable_all()
        .build()
        .map_err(|source| source.to_string())
}
