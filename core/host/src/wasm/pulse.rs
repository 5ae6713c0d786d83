//! Signs of life of an instance, and the clock that watches them: it takes the processor from a guest at
//! every tick, makes those who compute for long share what is left by others, and ends those who do not
//! end by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::{Store, UpdateDeadline};

use super::component::Plugin;
use super::engine::TICK;
use super::limits::Reason;
use super::state::State;

/// So long it may go on computing after a call of it was given up.
const GRACE: Duration = Duration::from_millis(500);
/// A guest that has computed for so many ticks without a pause computes for long.
const LONG: u128 = 3;
/// After this it goes on without its turn: whoever has it may have fallen asleep over it.
const TURN: Duration = Duration::from_millis(200);

/// Signs of life.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Grows whenever the instance let somebody else have a turn.
    turns: AtomicU64,
    /// Calls that were given up and go on in the guest.
    abandoned: AtomicUsize,
    /// What a guest needs that computes for long.
    slot: Mutex<Option<OwnedSemaphorePermit>>,
    has_slot: AtomicBool,
}

impl Pulse {
    /// The instance lets somebody else have a turn.
    pub(super) fn beat(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.pause();
    }

    /// It waits for something, and computes nothing meanwhile.
    pub(super) fn pause(&self) {
        if self.has_slot.swap(false, Ordering::AcqRel) {
            drop(self.slot.lock().take());
        }
    }

    pub(super) fn abandon(&self) {
        self.abandoned.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn settle(&self) {
        self.abandoned.fetch_sub(1, Ordering::Relaxed);
    }

    /// A call that was given up goes on in it.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed) > 0
    }

    fn keep(&self, slot: OwnedSemaphorePermit) {
        *self.slot.lock() = Some(slot);
        self.has_slot.store(true, Ordering::Release);
    }
}

/// Lets others have a turn at every tick, and ends what does not pause.
pub(super) fn keep_time(
    store: &mut Store<State>,
    plugin: &Plugin,
    pulse: Arc<Pulse>,
    reason: Arc<Reason>,
) {
    let (most, long) = (plugin.bounds.burst, Arc::clone(&plugin.shared.long));
    let burst = most.as_millis() / TICK.as_millis();
    let (mut seen, mut running, mut unwanted) = (0, 0, None);
    // The deadline and the callback: without the first a guest would never be asked.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        let turns = pulse.turns.load(Ordering::Relaxed);
        running = if turns == seen { running + 1 } else { 0 };
        seen = turns;
        if running > burst {
            let seconds = most.as_secs();
            reason.tell(|| format!("it computed for {seconds} s without a pause"));
            return Ok(UpdateDeadline::Interrupt);
        }
        unwanted = pulse
            .is_in_doubt()
            .then(|| unwanted.unwrap_or_else(Instant::now));
        if unwanted.is_some_and(|since| since.elapsed() > GRACE) {
            reason.tell(|| "it went on computing after its call was given up".to_owned());
            return Ok(UpdateDeadline::Interrupt);
        }
        pulse.pause();
        if running < LONG {
            return Ok(UpdateDeadline::Yield(1));
        }
        let (pulse, long) = (Arc::clone(&pulse), Arc::clone(&long));
        let turn = async move {
            if let Ok(Ok(slot)) = tokio::time::timeout(TURN, long.acquire_owned()).await {
                pulse.keep(slot);
            }
        };
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(turn)))
    });
}
