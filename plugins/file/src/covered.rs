//! Which bytes of a file being written have come, in whatever order. Knows no file.

use std::collections::BTreeMap;

use causeway_sdk::{Error, ErrorKind, Result};

/// Which bytes have come: ranges that neither overlap nor touch.
#[derive(Debug, Default)]
pub(crate) struct Covered(BTreeMap<u64, u64>);

impl Covered {
    pub(crate) fn add(&mut self, start: u64, len: u64) {
        let (mut start, mut end) = (start, start.saturating_add(len));
        // Ranges that begin at or before the new end and reach its start melt into it.
        while let Some((&from, &to)) = self.0.range(..=end).next_back() {
            if to < start {
                break;
            }
            start = start.min(from);
            end = end.max(to);
            self.0.remove(&from);
        }
        self.0.insert(start, end);
    }

    /// End of the unbroken range from the beginning.
    pub(crate) fn front(&self) -> u64 {
        self.0.get(&0).copied().unwrap_or(0)
    }

    /// Size of the file, if nothing is missing.
    pub(crate) fn whole(&self) -> Result<u64> {
        let front = self.front();
        match self.0.keys().find(|start| **start > front) {
            None => Ok(front),
            Some(next) => Err(Error::new(
                ErrorKind::Integrity,
                format!("commit: bytes {front} to {next} are missing"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_melt_and_gaps_are_found() {
        let mut it = Covered::default();
        assert_eq!(it.whole().unwrap(), 0);
        for (start, len) in [(10, 5), (20, 5), (15, 2), (16, 4)] {
            it.add(start, len);
        }
        assert_eq!(it.0, BTreeMap::from([(10, 25)]));
        assert_eq!(it.front(), 0);
        let error = it.whole().unwrap_err();
        assert!(error.message().contains("bytes 0 to 10"), "{error}");
        it.add(0, 10);
        assert_eq!(it.whole().unwrap(), 25);
        it.add(0, 100);
        assert_eq!(it.0, BTreeMap::from([(0, 100)]));
    }
}
