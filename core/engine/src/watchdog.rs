//! Watches a copy: total time, time without progress, and the pings to the engine.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use causeway_model::{Fault, Phase, Scope};
use tokio::time::{Instant, sleep_until};

use crate::attempt::ETIMEDOUT;
use crate::channel::Channel;
use crate::messages::{AttemptEvent, AttemptLimits};

/// Time after the limit that a copy gets to end on its own.
const GRACE: Duration = Duration::from_secs(60);
const MIB: f64 = 1_048_576.0;

/// Signs of life of a copy.
#[derive(Debug)]
pub(crate) struct Pulse {
    base: Instant,
    last_millis: AtomicU64,
    bytes: AtomicU64,
    waiting: AtomicBool,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self {
            base: Instant::now(),
            last_millis: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
        }
    }

    fn beat(&self) {
        let millis = u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.store(millis, Ordering::Relaxed);
    }

    /// So many bytes in all.
    pub(crate) fn reached(&self, bytes: u64) {
        self.bytes.fetch_max(bytes, Ordering::Relaxed);
        self.beat();
    }

    /// So many bytes more.
    pub(crate) fn moved(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.beat();
    }

    /// Another way is tried: what moved before does not count.
    pub(crate) fn restart(&self) {
        self.bytes.store(0, Ordering::Relaxed);
        self.beat();
    }

    /// While the copy waits for something that shows no progress it is not taken for stalled.
    pub(crate) fn wait(&self, waiting: bool) {
        self.waiting.store(waiting, Ordering::Relaxed);
        self.beat();
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn last(&self) -> Instant {
        self.base + Duration::from_millis(self.last_millis.load(Ordering::Relaxed))
    }
}

/// Reports progress until a limit is passed; then says which.
pub(crate) async fn watch(
    pulse: &Pulse,
    timeout_seconds: u64,
    limits: &AttemptLimits,
    channel: &Channel,
) -> Fault {
    let fault = |text: String| Fault::new(Scope::Transfer, Phase::Transfer, ETIMEDOUT, text);
    // A limit of centuries must not overflow the clock.
    let total = Duration::from_secs(timeout_seconds.min(u64::from(u32::MAX))) + GRACE;
    let deadline = pulse.base + total;
    let stall = Duration::from_secs(limits.stall_timeout_seconds);
    let ping = Duration::from_secs(limits.ping_interval_seconds.max(1));
    let mut next_ping = pulse.base + ping;
    loop {
        let now = Instant::now();
        if now >= deadline {
            return fault(format!(
                "Transfer timed out after {} seconds",
                total.as_secs()
            ));
        }
        let mut wake = deadline.min(next_ping);
        if !stall.is_zero() && !pulse.waiting.load(Ordering::Relaxed) {
            let stalled = pulse.last() + stall;
            if now >= stalled {
                return fault(format!(
                    "Transfer stalled: no progress for {} seconds",
                    stall.as_secs()
                ));
            }
            wake = wake.min(stalled);
        }
        if now >= next_ping {
            next_ping = now + ping;
            let bytes = pulse.bytes();
            let seconds = pulse.base.elapsed().as_secs_f64();
            channel
                .report(AttemptEvent::Progress {
                    bytes,
                    throughput: bytes as f64 / MIB / seconds.max(0.001),
                })
                .await;
            channel.send_log().await;
            continue;
        }
        sleep_until(wake).await;
    }
}
