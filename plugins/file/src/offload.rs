//! Where system calls that may wait for a disk go: the runtime's blocking pool.
//!
//! Every job is short (one chunk, one rename), so thousands of open files need no thread each and
//! a dropped future leaves at most one short job behind.

use causeway_sdk::Result;
use tokio::task::JoinHandle;

use crate::error::lost;

/// Runs a short job that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    start(job).await.map_err(|source| lost(&source))?
}

/// Starts a short job that may block, to be waited for later.
pub(crate) fn start<T: Send + 'static>(
    job: impl FnOnce() -> Result<T> + Send + 'static,
) -> JoinHandle<Result<T>> {
    tokio::task::spawn_blocking(job)
}
