//! Killing the own process on demand, to see what a crash of a worker does to the rest.

use causeway_sdk::{Error, ErrorKind, Result};
use rustix::process::{Signal, getpid, kill_process};
use tokio::time::{Duration, sleep};

use crate::config::Config;
use crate::script::Script;

/// How long this thread waits for the signal to take effect.
const CAUGHT: Duration = Duration::from_millis(200);

/// Kills this process when a URL asks for it and the operator allows it.
///
/// A process that handles the signal outlives it; then the call simply goes on.
pub(crate) async fn obey(config: &Config, script: &Script) -> Result<()> {
    if script.signal == 0 || !config.signals {
        return Ok(());
    }
    sleep(Duration::from_secs(1)).await;
    match Signal::from_named_raw(script.signal) {
        Some(signal) => {
            let sent = kill_process(getpid(), signal);
            // A real fault does not come back either: whoever looks for the one at work finds us.
            std::thread::sleep(CAUGHT);
            sent.map_err(|source| Error::from_errno(source.raw_os_error(), ""))
        }
        None => Err(Error::new(ErrorKind::Invalid, "send an unknown signal")),
    }
}
