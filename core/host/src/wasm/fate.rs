//! What became of a call, for its two ends: the caller, who may leave, and the guest, who goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use causeway_sdk::CancelToken;

use super::pulse::Pulse;

/// What became of a call.
#[derive(Default)]
pub(super) struct Fate(AtomicU8);

const ABANDONED: u8 = 1;
const ENDED: u8 = 2;

impl Fate {
    /// True for who leaves a call that has not ended.
    fn abandon(&self) -> bool {
        let order = Ordering::AcqRel;
        self.0
            .compare_exchange(0, ABANDONED, order, Ordering::Acquire)
            .is_ok()
    }

    /// True for a call that was left before.
    pub(super) fn end(&self) -> bool {
        self.0.swap(ENDED, Ordering::AcqRel) == ABANDONED
    }
}

/// Tells the guest, and the clock that watches it, when a call is dropped before its end. The clock
/// is told here and not by the instance's task, which a guest that computes keeps from running.
pub(super) struct GiveUp {
    token: CancelToken,
    fate: Arc<Fate>,
    pulse: Arc<Pulse>,
}

impl GiveUp {
    pub(super) fn new(token: &CancelToken, fate: &Arc<Fate>, pulse: &Arc<Pulse>) -> Self {
        Self {
            token: token.clone(),
            fate: Arc::clone(fate),
            pulse: Arc::clone(pulse),
        }
    }
}

impl Drop for GiveUp {
    fn drop(&mut self) {
        if self.fate.abandon() {
            self.pulse.abandon();
            self.token.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_ended_is_not_given_up() {
        for (ends, cancelled) in [(true, false), (false, true)] {
            let (token, fate) = (CancelToken::default(), Arc::new(Fate::default()));
            let giving_up = GiveUp::new(&token, &fate, &Arc::default());
            if ends {
                assert!(!fate.end());
            }
            drop(giving_up);
            assert_eq!(token.is_cancelled(), cancelled);
            assert_eq!(fate.end(), cancelled);
        }
    }
}
