//! The circuit breaker of a storage: one that does not answer is left alone for a while.
//!
//! Failures that say "this storage cannot be reached" count, those about a file or a user do not;
//! a success anywhere on the storage starts the count again. Pure: told what happened and when,
//! it says what follows. Knows no queue; the dispatcher holds the links of a storage back.
//!
//! # Invariants
//! - An open breaker closes by itself, however long nothing happens: `it_always_tries_again`.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_model::{Fault, Timestamp};

/// Longest pause, whatever the number of trials that failed.
const LONGEST_PAUSE_SECONDS: u64 = 1800;

/// Numbers of system errors that say a storage cannot be reached: network down or unreachable,
/// connection reset, timed out, refused, host down or without a route.
const UNREACHABLE: [i32; 7] = [100, 101, 104, 110, 111, 112, 113];

/// What follows from an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing.
    Stay,
    /// The storage is left alone until then.
    Open(Timestamp),
    /// It works again.
    Close,
}

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// So many failures in a row.
    Closed(u32),
    /// Nothing starts until then; then one transfer tries.
    Open { until: Timestamp, trials: u32 },
    /// One transfer tries.
    Trial { trials: u32 },
}

/// The breakers of all storages that failed lately.
#[derive(Debug)]
pub(crate) struct Breakers {
    failures: u32,
    pause_seconds: u64,
    /// In order, so that they are tried again in the same order every time.
    stands: BTreeMap<Arc<str>, Stand>,
}

impl Breakers {
    /// Opens after so many failures in a row (0: never), for so long.
    pub(crate) fn new(failures: u32, pause_seconds: u64) -> Self {
        Self {
            failures,
            pause_seconds: pause_seconds.max(1),
            stands: BTreeMap::new(),
        }
    }

    /// How the breaker of a storage stands.
    pub(crate) fn stand(&self, storage: &str) -> Stand {
        self.stands
            .get(storage)
            .copied()
            .unwrap_or(Stand::Closed(0))
    }

    /// All that are not closed.
    pub(crate) fn tripped(&self) -> impl Iterator<Item = (&Arc<str>, Stand)> {
        let all = self.stands.iter().map(|(name, stand)| (name, *stand));
        all.filter(|(_, stand)| !matches!(stand, Stand::Closed(_)))
    }

    /// Something worked on a storage.
    pub(crate) fn worked(&mut self, storage: &str) -> Turn {
        match self.stands.remove(storage) {
            None | Some(Stand::Closed(_)) => Turn::Stay,
            Some(Stand::Open { .. } | Stand::Trial { .. }) => Turn::Close,
        }
    }

    /// Something failed on a storage.
    pub(crate) fn failed(&mut self, storage: &Arc<str>, fault: &Fault, now: Timestamp) -> Turn {
        if self.failures == 0 {
            return Turn::Stay;
        }
        if !UNREACHABLE.contains(&fault.errno) {
            // It answered, so it can be reached.
            return match self.stand(storage) {
                Stand::Closed(_) => self.worked(storage),
                Stand::Trial { .. } => self.worked(storage),
                Stand::Open { .. } => Turn::Stay,
            };
        }
        let (next, turn) = match self.stand(storage) {
            Stand::Closed(before) if before + 1 < self.failures => {
                (Stand::Closed(before + 1), Turn::Stay)
            }
            Stand::Closed(_) => self.open(0, now),
            Stand::Trial { trials } => self.open(trials + 1, now),
            // An attempt that was running when it opened.
            open @ Stand::Open { .. } => (open, Turn::Stay),
        };
        self.stands.insert(Arc::clone(storage), next);
        turn
    }

    fn open(&self, trials: u32, now: Timestamp) -> (Stand, Turn) {
        let factor = 1_u64 << trials.min(20);
        let pause = self.pause_seconds.saturating_mul(factor);
        let pause = pause.min(LONGEST_PAUSE_SECONDS.max(self.pause_seconds));
        let millis = i64::try_from(pause.saturating_mul(1000)).unwrap_or(i64::MAX);
        let until = now.plus_millis(millis);
        (Stand::Open { until, trials }, Turn::Open(until))
    }

    /// The pause of a storage is over: true when one transfer may try now.
    pub(crate) fn pause_is_over(&mut self, storage: &str, now: Timestamp) -> bool {
        match self.stands.get_mut(storage) {
            Some(stand @ Stand::Open { .. }) => {
                let Stand::Open { until, trials } = *stand else {
                    return false;
                };
                let over = until <= now;
                if over {
                    *stand = Stand::Trial { trials };
                }
                over
            }
            _ => false,
        }
    }

    /// An operator closes the breaker of a storage.
    pub(crate) fn close(&mut self, storage: &str) -> Turn {
        self.worked(storage)
    }
}

#[cfg(test)]
mod tests {
    use causeway_model::{Phase, Scope};

    use super::*;

    const REFUSED: i32 = 111;
    const NOT_FOUND: i32 = 2;

    fn fault(errno: i32) -> Fault {
        Fault::new(Scope::Source, Phase::Preparation, errno, "x")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn opens_after_failures_in_a_row() {
        let mut it = Breakers::new(3, 60);
        let se: Arc<str> = "a".into();
        assert_eq!(it.failed(&se, &fault(REFUSED), at(0)), Turn::Stay);
        assert_eq!(it.failed(&se, &fault(REFUSED), at(0)), Turn::Stay);
        it.worked("a");
        assert_eq!(it.failed(&se, &fault(REFUSED), at(0)), Turn::Stay);
        assert_eq!(it.failed(&se, &fault(REFUSED), at(1)), Turn::Stay);
        assert_eq!(it.failed(&se, &fault(REFUSED), at(2)), Turn::Open(at(62)));
        assert_eq!(it.failed(&se, &fault(REFUSED), at(3)), Turn::Stay);
    }

    #[test]
    fn a_missing_file_is_no_failure_of_the_storage() {
        let mut it = Breakers::new(2, 60);
        let se: Arc<str> = "a".into();
        for _ in 0..10 {
            assert_eq!(it.failed(&se, &fault(REFUSED), at(0)), Turn::Stay);
            assert_eq!(it.failed(&se, &fault(NOT_FOUND), at(0)), Turn::Stay);
        }
        assert_eq!(it.stand("a"), Stand::Closed(0));
    }

    #[test]
    fn it_always_tries_again() {
        let mut it = Breakers::new(1, 60);
        let se: Arc<str> = "a".into();
        let mut now = 0;
        for _ in 0..40 {
            let Turn::Open(until) = it.failed(&se, &fault(REFUSED), at(now)) else {
                panic!("{:?}", it.stand("a"));
            };
            assert!(until.0 - at(now).0 <= 1_800_000, "{until:?}");
            assert!(!it.pause_is_over("a", at(now)));
            now = until.0 / 1000;
            assert!(it.pause_is_over("a", at(now)));
            assert!(matches!(it.stand("a"), Stand::Trial { .. }));
        }
        assert_eq!(it.worked("a"), Turn::Close);
        assert_eq!(it.tripped().count(), 0);
    }

    #[test]
    fn zero_is_never() {
        let mut it = Breakers::new(0, 60);
        let se: Arc<str> = "a".into();
        for _ in 0..100 {
            assert_eq!(it.failed(&se, &fault(REFUSED), at(0)), Turn::Stay);
        }
    }
}
