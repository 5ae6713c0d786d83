//! What an instance may take: memory, tables, and processor time, over which [`pulse`](super::pulse)
//! watches.
//!
//! Limits that are reached end the instance with a reason a person understands. One that comes near its limit
//! of memory, which it cannot give back, is worn: it takes no further calls where another one can do them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use wasmtime::ResourceLimiter;

use crate::manifest::Limits;

const MIB: usize = 1 << 20;
/// Memory of an instance whose language brings no runtime of its own.
const MEMORY: usize = 64 * MIB;
/// Memory of an instance whose language does: Python, JavaScript.
const MEMORY_WITH_RUNTIME: usize = 256 * MIB;
/// So long may a guest compute without letting anybody else of its instance have a turn.
const BURST: Duration = Duration::from_secs(30);
/// Entries of all tables of an instance.
const TABLE: usize = 200_000;

/// Limits of one plugin's instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Bytes of all memories of an instance.
    pub(super) memory: usize,
    /// Instances at the same time.
    pub(super) instances: usize,
    /// Processor time without a pause.
    pub(super) burst: Duration,
}

impl Bounds {
    /// Limits as the manifest has them; `runtime` says that the component brings a language's.
    pub(super) fn new(limits: Option<&Limits>, runtime: bool) -> Self {
        let usual = if runtime { MEMORY_WITH_RUNTIME } else { MEMORY };
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let memory = limits.and_then(Limits::memory_bytes);
        let instances = limits.and_then(|it| it.instances);
        let burst = limits.and_then(|it| it.cpu_seconds);
        Self {
            memory: memory.map_or(usual, |it| usize::try_from(it).unwrap_or(usize::MAX)),
            instances: instances.map_or(2 * cores, |it| it.max(1) as usize),
            burst: burst.map_or(BURST, |it| Duration::from_secs(u64::from(it.max(1)))),
        }
    }
}

/// Why an instance was ended, told before the engine says "trap".
#[derive(Debug, Default)]
pub(super) struct Reason(Mutex<Option<String>>);

impl Reason {
    /// The first reason stays.
    pub(super) fn tell(&self, reason: impl FnOnce() -> String) {
        self.0.lock().get_or_insert_with(reason);
    }

    pub(super) fn told(&self) -> Option<String> {
        self.0.lock().clone()
    }
}

/// Counts what an instance takes.
pub(super) struct Meter {
    bounds: Bounds,
    taken: usize,
    /// From here on it is worn.
    much: usize,
    worn: Arc<AtomicBool>,
    reason: Arc<Reason>,
}

impl Meter {
    pub(super) fn new(bounds: Bounds, worn: Arc<AtomicBool>, reason: Arc<Reason>) -> Self {
        Self {
            bounds,
            taken: 0,
            much: usize::MAX,
            worn,
            reason,
        }
    }

    /// What it has now it needs to live; of the rest it may take three quarters before it is worn.
    pub(super) fn begun(&mut self) {
        let rest = self.bounds.memory.saturating_sub(self.taken);
        self.much = self.taken + rest / 4 * 3;
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let after = self.taken.saturating_add(desired.saturating_sub(current));
        if after > self.bounds.memory {
            let limit = self.bounds.memory / MIB;
            let reason = format!("it wanted more memory than its limit of {limit} MiB");
            self.reason.tell(|| reason.clone());
            return Err(wasmtime::Error::msg(reason));
        }
        self.taken = after;
        if after > self.much {
            self.worn.store(true, Ordering::Relaxed);
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE)
    }
}
