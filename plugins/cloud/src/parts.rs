//! How a file is cut into parts: few enough for every service, large enough for all of it, small
//! enough that what is on its way fits the memory it may take. Arithmetic only.

use crate::config::{Config, MAX_PART, PART_UNIT};

/// Most parts of one file: Azure takes 50,000.
const MOST_PARTS: u64 = 40_000;
/// When the size is not known, parts double after so many.
const STEP: u64 = 8000;

/// How one file is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    size: Option<u64>,
    first: u64,
    buffer: u64,
    parallel: u64,
}

impl Plan {
    /// For a file of this size.
    pub(crate) fn new(size: Option<u64>, config: &Config, is_parallel: bool) -> Self {
        let least = size
            .unwrap_or(0)
            .div_ceil(MOST_PARTS)
            .next_multiple_of(PART_UNIT);
        Self {
            size,
            first: config.part_bytes.max(least).min(MAX_PART),
            buffer: config.upload_buffer_bytes,
            parallel: if is_parallel {
                config.parallel_parts
            } else {
                1
            },
        }
    }

    /// Size of a part, the last of which may be smaller. Numbers begin with 0.
    pub(crate) fn part(&self, number: u64) -> u64 {
        if self.size.is_some() {
            return self.first;
        }
        (self.first << (number / STEP).min(16)).min(MAX_PART)
    }

    /// How many parts of this size may be on their way, beside the one that is being filled.
    pub(crate) fn parallel(&self, part: u64) -> usize {
        let fits = (self.buffer / part).clamp(1, self.parallel);
        usize::try_from(fits).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const TIB: u64 = 1 << 40;

    fn plan(size: Option<u64>) -> Plan {
        Plan::new(size, &Config::default(), true)
    }

    #[test]
    fn large_files_fit_known_or_not() {
        let known = plan(Some(4 * TIB));
        assert!(known.part(0) * MOST_PARTS >= 4 * TIB);
        assert_eq!(known.part(0) % PART_UNIT, 0);
        assert_eq!(plan(Some(1 << 30)).part(7), 16 * MIB);
        let unknown: u64 = (0..MOST_PARTS).map(|it| plan(None).part(it)).sum();
        assert!(unknown >= 2 * TIB);
        assert_eq!(plan(None).part(STEP), 32 * MIB);
        assert_eq!(plan(None).part(MOST_PARTS), MAX_PART);
    }

    #[test]
    fn what_is_on_its_way_fits_the_buffer() {
        let it = plan(None);
        assert_eq!((it.parallel(4 * MIB), it.parallel(16 * MIB)), (4, 4));
        assert_eq!((it.parallel(32 * MIB), it.parallel(128 * MIB)), (2, 1));
        assert_eq!(
            Plan::new(None, &Config::default(), false).parallel(4 * MIB),
            1
        );
    }
}
