//! [`Gates`]: who has little to ask waits for a session that is about to be free, instead of logging
//! in once more. A log-in costs a server more than hundreds of small commands.
//!
//! # Invariants
//! - One log-in for small things at a time for an endpoint and credential, unless it takes long
//!   (`small_things_of_many_share_few_sessions` in `tests/names.rs`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard, Notify};
use tokio::time::Instant;

/// How long to wait for a session that others use, before there is one more.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long to wait for the log-in of somebody else.
const SLOW: Duration = Duration::from_secs(1);
/// Gates that are kept.
const MAX_GATES: usize = 1000;

/// The gates of all endpoints.
#[derive(Default)]
pub(super) struct Gates(Mutex<HashMap<String, Arc<Gate>>>);

/// Where those wait who want a session with an endpoint.
#[derive(Default)]
pub(super) struct Gate {
    freed: Notify,
    last_freed: Mutex<Option<Instant>>,
    opening: AsyncMutex<()>,
}

impl Gates {
    pub(super) fn of(&self, key: &str) -> Arc<Gate> {
        let mut all = self.0.lock();
        if let Some(gate) = all.get(key) {
            return gate.clone();
        }
        if all.len() >= MAX_GATES {
            // Those that nobody stands at.
            all.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        all.entry(key.to_owned()).or_default().clone()
    }

    /// A session came back.
    pub(super) fn freed(&self, key: &str) {
        let gate = self.0.lock().get(key).cloned();
        if let Some(gate) = gate {
            *gate.last_freed.lock() = Some(Instant::now());
            gate.freed.notify_one();
        }
    }
}

impl Gate {
    /// Waits for a session that came back, which somebody else may have taken already.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// True when no session has come back lately.
    pub(super) fn is_quiet(&self) -> bool {
        let last = *self.last_freed.lock();
        last.is_none_or(|it| it.elapsed() > PATIENCE)
    }

    /// The right to open a session: at once when it is quiet and nobody else opens one.
    pub(super) async fn may_open(&self) -> Option<MutexGuard<'_, ()>> {
        if !self.is_quiet() {
            tokio::time::sleep(PATIENCE).await;
        }
        // A server that does not answer must not make callers wait for each other.
        tokio::time::timeout(SLOW, self.opening.lock()).await.ok()
    }
}
