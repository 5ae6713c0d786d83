//! [`Ledger`]: what the blocks of one transfer in extended mode say together, and when it is complete.
//!
//! Knows no socket and holds no data. One connection of the transfer tells how many there are (EOF);
//! each says when it is done (EOD); their order is free.
//!
//! # Invariants
//! - No byte is accepted twice, and none that the file does not have.
//! - Complete means: as many EODs as were told, and no byte is missing.

use std::ops::Range;

use super::block::BlockHeader;
use super::ranges::Ranges;
use crate::{Error, ErrorKind, Result};

/// Blocks without data that are taken in a row, over all connections.
const MAX_EMPTY: u32 = 4096;

/// What is to be received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Bytes of the file or, for a part of a file, of the part. None when nobody knows.
    pub size: Option<u64>,
    /// What the server was told to leave out (`REST`).
    pub already: Ranges,
}

impl Expected {
    /// All of a file of this size.
    pub fn all_of(size: u64) -> Self {
        Self {
            size: Some(size),
            already: Ranges::new(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Ledger {
    size: Option<u64>,
    /// Bytes that are there already, or announced by a header.
    taken: Ranges,
    connections: Option<u64>,
    ended: u64,
    empty: u32,
}

impl Ledger {
    pub(crate) fn new(expected: Expected) -> Self {
        Self {
            size: expected.size,
            taken: expected.already,
            connections: None,
            ended: 0,
            empty: 0,
        }
    }

    /// A block begins.
    pub(crate) fn block(&mut self, header: &BlockHeader) -> Result<()> {
        if let Some(told) = header.connections() {
            return self.told(told);
        }
        if header.count == 0 {
            self.empty += 1;
            return match self.empty > MAX_EMPTY {
                true => Err(wrong("too many blocks are empty")),
                false => Ok(()),
            };
        }
        self.empty = 0;
        self.data(header.offset..header.offset + header.count)
    }

    /// A connection said that it is done.
    pub(crate) fn end_of_data(&mut self) -> Result<()> {
        self.ended += 1;
        self.check_count()
    }

    /// How many connections there are, when it was told.
    pub(crate) fn connections(&self) -> Option<u64> {
        self.connections
    }

    /// True when no further block can come.
    pub(crate) fn has_ended(&self) -> bool {
        self.connections == Some(self.ended)
    }

    /// Called when all has ended: is it all?
    pub(crate) fn check_complete(&self) -> Result<()> {
        let size = self.size.unwrap_or_else(|| self.taken.end());
        match self.taken.missing(size).first() {
            None => Ok(()),
            Some(gap) => Err(Error::new(
                ErrorKind::Integrity,
                format!(
                    "receive blocks: bytes {} to {} of {size} did not come",
                    gap.start, gap.end
                ),
            )),
        }
    }

    /// What is missing, for who waited too long.
    pub(crate) fn awaited(&self) -> String {
        let ended = self.ended;
        match self.connections {
            Some(told) => format!("receive blocks ({ended} of {told} connections have ended)"),
            None => format!("receive blocks ({ended} connections have ended, no end of file came)"),
        }
    }

    fn told(&mut self, connections: u64) -> Result<()> {
        if self.connections.is_some() {
            return Err(wrong("the end of file came twice"));
        }
        self.connections = Some(connections);
        self.check_count()
    }

    fn check_count(&self) -> Result<()> {
        match self.connections {
            Some(told) if self.ended > told => Err(wrong(format!(
                "{} connections ended and {told} were told",
                self.ended
            ))),
            _ => Ok(()),
        }
    }

    fn data(&mut self, range: Range<u64>) -> Result<()> {
        if let Some(size) = self.size.filter(|size| range.end > *size) {
            return Err(wrong(format!(
                "a block ends at byte {} of {size}",
                range.end
            )));
        }
        if self.taken.touches(&range) {
            return Err(wrong(format!(
                "a block at byte {} comes upon what was there",
                range.start
            )));
        }
        self.taken.insert(range)
    }
}

fn wrong(what: impl std::fmt::Display) -> Error {
    Error::protocol(format!("receive blocks: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(size: u64) -> Ledger {
        Ledger::new(Expected::all_of(size))
    }

    #[test]
    fn ends_with_the_last_of_the_connections_told() {
        let mut ledger = ledger(20);
        ledger.block(&BlockHeader::data(10, 10)).unwrap();
        ledger.end_of_data().unwrap();
        assert!(!ledger.has_ended());
        ledger.block(&BlockHeader::data(0, 10)).unwrap();
        ledger.block(&BlockHeader::end(Some(2))).unwrap();
        assert!(!ledger.has_ended());
        ledger.end_of_data().unwrap();
        assert!(ledger.has_ended());
        ledger.check_complete().unwrap();
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let refused = |blocks: &[(u64, u64)]| {
            let mut ledger = ledger(100);
            let mut results = blocks
                .iter()
                .map(|&(offset, count)| ledger.block(&BlockHeader::data(offset, count)));
            results.any(|it| it.is_err())
        };
        assert!(!refused(&[(0, 50), (50, 50)]));
        assert!(refused(&[(0, 101)]));
        assert!(refused(&[(100, 1)]));
        assert!(refused(&[(0, 50), (49, 2)]));
        assert!(refused(&[(10, 10), (0, 100)]));
    }

    #[test]
    fn counts_ends_both_ways() {
        let mut early = ledger(0);
        early.end_of_data().unwrap();
        early.end_of_data().unwrap();
        assert!(early.block(&BlockHeader::end(Some(1))).is_err());
        let mut late = ledger(0);
        late.block(&BlockHeader::end(Some(1))).unwrap();
        late.end_of_data().unwrap();
        assert!(late.end_of_data().is_err());
        let mut twice = ledger(0);
        twice.block(&BlockHeader::end(Some(1))).unwrap();
        assert!(twice.block(&BlockHeader::end(Some(1))).is_err());
    }

    #[test]
    fn finds_gaps_with_and_without_a_size() {
        let mut known = ledger(20);
        known.block(&BlockHeader::data(0, 19)).unwrap();
        assert!(known.check_complete().is_err());
        let mut unknown = Ledger::new(Expected::default());
        unknown.check_complete().unwrap();
        unknown.block(&BlockHeader::data(5, 5)).unwrap();
        assert!(unknown.check_complete().is_err());
        let mut resumed = Ledger::new(Expected {
            size: Some(10),
            already: Ranges::of(0..5),
        });
        resumed.block(&BlockHeader::data(5, 5)).unwrap();
        resumed.check_complete().unwrap();
    }

    #[test]
    fn tires_of_empty_blocks() {
        let mut ledger = ledger(1);
        let mut blocks = (0..=MAX_EMPTY).map(|_| ledger.block(&BlockHeader::data(0, 0)));
        assert!(blocks.any(|it| it.is_err()));
    }
}
