//! [`Ranges`]: which bytes of a file are there, as restart markers tell it and `REST` repeats it.
//!
//! Ends are exclusive, as on the wire: `0-100` are a hundred bytes. Ranges that touch are one. The
//! number of ranges is bounded, because a peer chooses it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::{Error, Result};

/// Most ranges that a set holds. Servers with many streams have a few dozen.
pub const MAX_RANGES: usize = 16_384;

/// A set of bytes of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges {
    /// Start to end; neither empty nor touching.
    by_start: BTreeMap<u64, u64>,
}

impl Ranges {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// These bytes.
    pub fn of(range: Range<u64>) -> Self {
        let by_start = (range.start < range.end).then_some((range.start, range.end));
        Self {
            by_start: by_start.into_iter().collect(),
        }
    }

    /// Reads `0-100,200-300`. Ranges may overlap and come in any order.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Protocol`]
    pub fn parse(text: &str) -> Result<Self> {
        let mut ranges = Self::new();
        for part in text.trim().split(',') {
            let (start, end) = part
                .trim()
                .split_once('-')
                .and_then(|(start, end)| Some((decimal(start)?, decimal(end)?)))
                .filter(|(start, end)| start <= end)
                .ok_or_else(|| wrong("not a list of numbers with dashes"))?;
            ranges.insert(start..end)?;
        }
        Ok(ranges)
    }

    /// Adds bytes; some may be there already.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Protocol`] when there would be more than [`MAX_RANGES`].
    pub fn insert(&mut self, range: Range<u64>) -> Result<()> {
        let Range { mut start, mut end } = range;
        if start >= end {
            return Ok(());
        }
        // From behind: whatever begins at or before the new end and reaches its start is taken in.
        while let Some((&other, &other_end)) = self.by_start.range(..=end).next_back() {
            if other_end < start {
                break;
            }
            self.by_start.remove(&other);
            start = start.min(other);
            end = end.max(other_end);
        }
        if self.by_start.len() >= MAX_RANGES {
            return Err(wrong("too many pieces"));
        }
        self.by_start.insert(start, end);
        Ok(())
    }

    /// Whether any of these bytes is there.
    pub fn touches(&self, range: &Range<u64>) -> bool {
        range.start < range.end
            && self
                .by_start
                .range(..range.end)
                .next_back()
                .is_some_and(|(_, &end)| end > range.start)
    }

    /// Whether all of these bytes are there.
    pub fn covers(&self, range: &Range<u64>) -> bool {
        range.start >= range.end
            || self
                .by_start
                .range(..=range.start)
                .next_back()
                .is_some_and(|(_, &end)| end >= range.end)
    }

    /// What of `0..size` is not there.
    pub fn missing(&self, size: u64) -> Vec<Range<u64>> {
        let mut from = 0;
        let mut gaps = Vec::new();
        for range in self.iter().take_while(|range| range.start < size) {
            if from < range.start {
                gaps.push(from..range.start);
            }
            from = range.end;
        }
        if from < size {
            gaps.push(from..size);
        }
        gaps
    }

    /// The ranges, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.by_start.iter().map(|(&start, &end)| start..end)
    }

    /// Number of bytes.
    pub fn bytes(&self) -> u64 {
        self.iter().map(|range| range.end - range.start).sum()
    }

    /// End of the last range.
    pub fn end(&self) -> u64 {
        self.by_start.last_key_value().map_or(0, |(_, &end)| end)
    }

    /// Number of ranges.
    pub fn len(&self) -> usize {
        self.by_start.len()
    }

    /// True when nothing is there.
    pub fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }
}

/// As `REST` takes it.
impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, range) in self.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{}-{}", range.start, range.end)?;
        }
        Ok(())
    }
}

/// Digits and nothing else: `u64::from_str` would take a plus sign.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

fn wrong(what: &str) -> Error {
    Error::protocol(format!("read a list of ranges: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_and_writes_lists() {
        let ranges = Ranges::parse("0-1000,2000-2999900").unwrap();
        assert_eq!(ranges.to_string(), "0-1000,2000-2999900");
        assert_eq!(
            ranges.missing(3_000_000),
            [1000..2000, 2_999_900..3_000_000]
        );
        assert_eq!(Ranges::parse("5-9,0-5, 7-20").unwrap().to_string(), "0-20");
        assert_eq!(Ranges::parse("7-7").unwrap(), Ranges::new());
    }

    #[test]
    fn refuses_other_texts() {
        for text in [
            "",
            "-",
            "1",
            "1-",
            "2-1",
            "+1-2",
            "1-2,",
            "a-b",
            "0-18446744073709551616",
        ] {
            assert!(Ranges::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn holds_a_bounded_number() {
        let mut ranges = Ranges::new();
        for number in 0..MAX_RANGES as u64 {
            ranges.insert(2 * number..2 * number + 1).unwrap();
        }
        assert!(ranges.insert(u64::MAX - 1..u64::MAX).is_err());
        ranges.insert(1..2).unwrap();
        assert_eq!(ranges.len(), MAX_RANGES - 1);
    }

    proptest! {
        #[test]
        fn agrees_with_a_bitmap(inserted in prop::collection::vec((0_u64..60, 0_u64..60), 0..20), asked in (0_u64..60, 0_u64..60)) {
            let mut ranges = Ranges::new();
            let mut bits = [false; 64];
            for (start, end) in inserted {
                ranges.insert(start..end).unwrap();
                (start..end).for_each(|it| bits[it as usize] = true);
            }
            let (start, end) = asked;
            let asked = start..end;
            prop_assert_eq!(ranges.bytes(), bits.iter().filter(|it| **it).count() as u64);
            prop_assert_eq!(ranges.touches(&asked), (start..end).any(|it| bits[it as usize]));
            prop_assert_eq!(ranges.covers(&asked), (start..end).all(|it| bits[it as usize]));
            let gaps: u64 = ranges.missing(64).iter().map(|it| it.end - it.start).sum();
            prop_assert_eq!(gaps + ranges.bytes(), 64);
            if !ranges.is_empty() {
                prop_assert_eq!(&Ranges::parse(&ranges.to_string()).unwrap(), &ranges);
            }
        }

        #[test]
        fn never_panics(text in "[-0-9, +a]{0,60}") {
            drop(Ranges::parse(&text));
        }
    }
}
