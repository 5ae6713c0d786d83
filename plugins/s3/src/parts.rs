//! How an object is cut into parts: at most 10,000 of them, large enough for all of it, small enough
//! that what is on its way fits the memory it may take. Arithmetic only.

use crate::config::{Config, MAX_PART};

/// Most parts of one object.
pub(crate) const MOST_PARTS: u64 = 10_000;
const MIB: u64 = 1 << 20;
/// When the size is not known, parts double after so many.
const STEP: u64 = 1000;

/// How one object is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Size of the object, when it is known.
    pub(crate) size: Option<u64>,
    first: u64,
    buffer: u64,
    parallel: u64,
}

impl Plan {
    /// For an object of this size.
    pub(crate) fn new(size: Option<u64>, config: &Config) -> Self {
        Self {
            size,
            first: part_for(size.unwrap_or(0), config.part_bytes),
            buffer: config.upload_buffer_bytes,
            parallel: config.parallel_parts,
        }
    }

    /// Size of a part, the last of which may be smaller. Numbers begin with 1.
    pub(crate) fn part(&self, number: u64) -> u64 {
        if self.size.is_some() {
            return self.first;
        }
        let doublings = (number.saturating_sub(1) / STEP).min(16);
        (self.first << doublings).min(MAX_PART)
    }

    /// How many parts of this size may be on their way, beside the one that is being filled.
    pub(crate) fn parallel(&self, part: u64) -> u64 {
        (self.buffer / part).clamp(1, self.parallel)
    }

    /// Parts too large to be held are sent while they come, one after the other. Their length must
    /// be known beforehand.
    pub(crate) fn is_streamed(&self) -> bool {
        self.size.is_some() && self.first > self.buffer
    }

    /// Bytes of a part that begins there.
    pub(crate) fn len_at(&self, offset: u64) -> u64 {
        let size = self.size.unwrap_or(u64::MAX);
        self.first.min(size.saturating_sub(offset))
    }
}

/// The size of parts for an object: the wanted one, unless there would be too many.
pub(crate) fn part_for(size: u64, wanted: u64) -> u64 {
    let least = size.div_ceil(MOST_PARTS).next_multiple_of(MIB);
    wanted.max(least).min(MAX_PART)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIB: u64 = 1 << 40;

    fn plan(size: Option<u64>) -> Plan {
        Plan::new(size, &Config::default())
    }

    #[test]
    fn five_tebibytes_fit() {
        let it = plan(Some(5 * TIB));
        assert!(it.part(1) * MOST_PARTS >= 5 * TIB);
        assert!(it.is_streamed(), "memory is bounded");
        assert_eq!(plan(Some(1 << 30)).part(7), 16 * MIB);
        assert!(!plan(Some(1 << 30)).is_streamed());
    }

    #[test]
    fn five_tebibytes_fit_without_knowing() {
        let it = plan(None);
        let sum: u64 = (1..=MOST_PARTS).map(|number| it.part(number)).sum();
        assert!(sum >= 5 * TIB);
        assert_eq!((it.part(1), it.part(1000)), (16 * MIB, 16 * MIB));
        assert_eq!(it.part(1001), 32 * MIB);
    }

    #[test]
    fn what_is_on_its_way_fits_the_buffer() {
        let it = plan(None);
        assert_eq!((it.parallel(16 * MIB), it.parallel(5 * MIB)), (4, 4));
        assert_eq!((it.parallel(32 * MIB), it.parallel(TIB)), (2, 1));
    }

    proptest! {
        #[test]
        fn parts_cover_every_size(size in 1..=5 * TIB, wanted in 5 * MIB..MAX_PART) {
            let config = Config { part_bytes: wanted, ..Config::default() };
            let it = Plan::new(Some(size), &config);
            prop_assert!(it.part(1) >= wanted && it.part(1) <= MAX_PART);
            let count = size.div_ceil(it.part(1));
            prop_assert!(count <= MOST_PARTS);
            let last = it.len_at((count - 1) * it.part(1));
            prop_assert!(last > 0 && last <= it.part(1));
        }
    }
}
