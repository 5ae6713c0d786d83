//! What the gateway lends a component, which has no clock, no randomness and no timer of its own.

use std::time::{Duration, SystemTime};

use super::bindings::causeway::storage::host as imports;
use super::bindings::causeway::storage::timer;
use super::bindings::causeway::storage::types::LogLevel as Level;
use super::{CallContext, level};
use crate::Host;
use crate::secret::told;

/// The time of day.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(imports::now_ms())
}

/// Time on a clock that never goes back. Only differences mean something.
pub fn clock() -> Duration {
    Duration::from_nanos(imports::monotonic_ns())
}

/// Waits.
pub async fn sleep(time: Duration) {
    timer::sleep_ms(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).await;
}

/// Random bytes fit for keys.
pub fn random(len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        let want = (len - bytes.len()).min(MOST_RANDOM);
        bytes.extend_from_slice(&imports::random(want as u32));
    }
    bytes
}

/// What the gateway gives at a time.
const MOST_RANDOM: usize = 65_536;

/// Adds to a counter among the gateway's metrics.
pub fn count(name: &str, more: u64) {
    imports::counter_add(name, more);
}

/// The plugin's options: a JSON object.
pub(super) fn config() -> String {
    imports::config()
}

/// A host whose log is the gateway's.
pub(super) fn host() -> Host {
    Host::new(|grave, text| imports::log(level(grave), "plugin", text))
}

/// From now on panics are written to the gateway's log: a component has no standard error, and
/// what ends an instance would else stay unknown.
pub(super) fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        imports::log(Level::Error, "panic", &told(panic));
    }));
}

pub(crate) async fn wait_until_cancelled(caller: &CallContext) {
    timer::cancelled(caller).await;
}
