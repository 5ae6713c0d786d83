//! [`BlockHeader`]: the 17 bytes in front of every block of extended mode (`MODE E`).
//!
//! A descriptor of one byte, a count and an offset of eight bytes each, big-endian. Everything is
//! checked here that can be checked without knowing the transfer; the rest is the ledger's task.

use crate::{Error, ErrorKind, Result};

/// Bytes of a header.
pub const HEADER_LEN: usize = 17;

/// Most data connections that one transfer may have, however it is told.
pub const MAX_CONNECTIONS: u64 = 1024;

/// Descriptor: this block is the last one on its connection.
pub const EOD: u8 = 0x08;
/// Descriptor: the offset is the number of data connections of the transfer.
pub const EOF: u8 = 0x40;
/// Descriptor: the sender will close this connection.
pub const CLOSE: u8 = 0x04;
/// Descriptor: the sender suspects errors in the data.
pub const SUSPECT: u8 = 0x20;
/// Descriptor: the data is a restart marker.
pub const RESTART: u8 = 0x10;

const KNOWN: u8 = EOD | EOF | CLOSE | SUSPECT | RESTART;

/// Header of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// What the block is: a union of [`EOD`], [`EOF`], [`CLOSE`], or nothing.
    pub descriptor: u8,
    /// Bytes of data behind the header.
    pub count: u64,
    /// Where they belong in the file; with [`EOF`], the number of data connections.
    pub offset: u64,
}

impl BlockHeader {
    /// A block of data.
    pub fn data(offset: u64, count: u64) -> Self {
        Self {
            descriptor: 0,
            count,
            offset,
        }
    }

    /// The last block of a connection, which tells the number of connections when it is the one
    /// that ends the transfer.
    pub fn end(connections: Option<u64>) -> Self {
        Self {
            descriptor: EOD | connections.map_or(0, |_| EOF),
            count: 0,
            offset: connections.unwrap_or(0),
        }
    }

    /// Reads a header.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for what no sender may say, [`ErrorKind::Integrity`] when the sender
    /// itself doubts the data.
    pub fn decode(bytes: &[u8; HEADER_LEN]) -> Result<Self> {
        let [descriptor, rest @ ..] = bytes;
        let (count, offset) = rest.split_at(8);
        let number = |it: &[u8]| it.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        let header = Self {
            descriptor: *descriptor,
            count: number(count),
            offset: number(offset),
        };
        header.check()?;
        Ok(header)
    }

    /// The bytes of the header.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = self.descriptor;
        bytes[1..9].copy_from_slice(&self.count.to_be_bytes());
        bytes[9..].copy_from_slice(&self.offset.to_be_bytes());
        bytes
    }

    /// Number of data connections of the whole transfer, when this block tells it.
    pub fn connections(&self) -> Option<u64> {
        (self.descriptor & EOF != 0).then_some(self.offset)
    }

    /// True when nothing more comes on this connection.
    pub fn is_end_of_data(&self) -> bool {
        self.descriptor & EOD != 0
    }

    /// True when the sender closes the connection after this block.
    pub fn closes(&self) -> bool {
        self.descriptor & CLOSE != 0
    }

    fn check(&self) -> Result<()> {
        let unknown = self.descriptor & !KNOWN;
        if unknown != 0 {
            return Err(wrong(format!(
                "descriptor {:#04x} is unknown",
                self.descriptor
            )));
        }
        if self.descriptor & SUSPECT != 0 {
            return Err(Error::new(
                ErrorKind::Integrity,
                "read a block: the sender suspects errors in its data",
            ));
        }
        if self.descriptor & RESTART != 0 {
            return Err(wrong("restart markers between blocks are not spoken here"));
        }
        match self.connections() {
            Some(_) if self.count != 0 => Err(wrong("an end of file carries data")),
            Some(n) if n == 0 || n > MAX_CONNECTIONS => {
                Err(wrong(format!("{n} data connections are told")))
            }
            None if self.offset.checked_add(self.count).is_none() => {
                Err(wrong("its end is behind the largest number"))
            }
            _ => Ok(()),
        }
    }
}

fn wrong(what: impl std::fmt::Display) -> Error {
    Error::protocol(format!("read a block: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_servers_send() {
        let mut bytes = [0; HEADER_LEN];
        bytes[6] = 4;
        assert_eq!(
            BlockHeader::decode(&bytes).unwrap(),
            BlockHeader::data(0, 262_144)
        );
        let end = BlockHeader::end(Some(1)).encode();
        assert_eq!(end[0], 0x48);
        assert_eq!(end[16], 1);
        assert_eq!(BlockHeader::decode(&end).unwrap().connections(), Some(1));
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let refused = |descriptor, count, offset| {
            let header = BlockHeader {
                descriptor,
                count,
                offset,
            };
            BlockHeader::decode(&header.encode()).unwrap_err().kind()
        };
        assert_eq!(refused(0x01, 1, 0), ErrorKind::Protocol);
        assert_eq!(refused(0x80, 1, 0), ErrorKind::Protocol);
        assert_eq!(refused(RESTART, 1, 0), ErrorKind::Protocol);
        assert_eq!(refused(SUSPECT, 1, 0), ErrorKind::Integrity);
        assert_eq!(refused(EOF, 1, 1), ErrorKind::Protocol);
        assert_eq!(refused(EOF | EOD, 0, 0), ErrorKind::Protocol);
        assert_eq!(refused(EOF, 0, MAX_CONNECTIONS + 1), ErrorKind::Protocol);
        assert_eq!(refused(0, 2, u64::MAX - 1), ErrorKind::Protocol);
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(bytes in any::<[u8; HEADER_LEN]>()) {
            if let Ok(header) = BlockHeader::decode(&bytes) {
                prop_assert_eq!(header.encode(), bytes);
                prop_assert!(header.connections().is_some() || header.offset.checked_add(header.count).is_some());
            }
        }
    }
}
