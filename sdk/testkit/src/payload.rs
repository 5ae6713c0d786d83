//! Test bytes in which a lost, doubled or moved chunk shows; sending and comparing them.

use bytes::Bytes;
use causeway_sdk::{DynWrite, Error};

use crate::verdict::{Verdict, ensure, failed};

/// Pieces that files are written in: odd, so that they fit no boundary.
const PIECE: usize = 65_537;

/// Pseudo-random bytes, the same for the same seed and length.
pub fn payload(seed: u64, len: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(len);
    bytes.into()
}

/// Sends content in order, in pieces that fit no boundary.
pub(crate) async fn send(body: &mut dyn DynWrite, content: &Bytes) -> Result<(), Error> {
    let mut offset = 0;
    while offset < content.len() {
        let end = (offset + PIECE).min(content.len());
        body.write(offset as u64, content.slice(offset..end))
            .await?;
        offset = end;
    }
    Ok(())
}

/// Bytes must be equal; the text says where they differ.
pub(crate) fn same(found: &[u8], expected: &[u8], what: &str) -> Verdict {
    ensure!(
        found.len() == expected.len(),
        "{what}: {} bytes instead of {}",
        found.len(),
        expected.len()
    );
    if found == expected {
        return Ok(());
    }
    match found.iter().zip(expected).position(|(one, two)| one != two) {
        None => Ok(()),
        Some(at) => failed(format!("{what}: byte {at} differs")),
    }
}
