//! What the mock draws by chance: durations that a URL leaves open, and names of requests.
//!
//! With a seed all of it is the same every time, in the order in which it is asked for. Knows
//! neither URLs nor calls.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::Duration;

/// Where draws come from.
#[derive(Debug)]
pub(crate) struct Chance {
    dice: Mutex<StdRng>,
    is_seeded: bool,
}

impl Chance {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self {
            dice: Mutex::new(StdRng::seed_from_u64(seed.unwrap_or_else(rand::random))),
            is_seeded: seed.is_some(),
        }
    }

    /// Whether a run can be repeated: then nothing may depend on the wall clock either.
    pub(crate) fn is_seeded(&self) -> bool {
        self.is_seeded
    }

    pub(crate) fn number(&self) -> u32 {
        self.dice().random()
    }

    /// A time between two numbers of seconds.
    pub(crate) fn seconds(&self, min: f64, max: f64) -> Duration {
        Duration::from_secs_f64(match max > min {
            true => self.dice().random_range(min..=max),
            false => min,
        })
    }

    fn dice(&self) -> MutexGuard<'_, StdRng> {
        // A draw does not panic half way.
        self.dice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_chance_does_not() {
        let draw = |seed| {
            let it = Chance::new(seed);
            (it.number(), it.seconds(1.0, 2.0), it.number())
        };
        assert_eq!(draw(Some(7)), draw(Some(7)));
        assert_ne!(draw(Some(7)), draw(Some(8)));
        assert_ne!(draw(None), draw(None));
        let (_, time, _) = draw(None);
        assert!((1.0..=2.0).contains(&time.as_secs_f64()));
        assert_eq!(Chance::new(None).seconds(3.0, 3.0), Duration::from_secs(3));
    }
}
