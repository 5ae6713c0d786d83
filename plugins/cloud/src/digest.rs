//! Checksums as the services write them, and Dropbox's own content hash.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use causeway_sdk::{Algorithm, Checksum, checksum::Hasher};

/// Bytes that Dropbox hashes at a time.
const BLOCK: usize = 4 << 20;

/// A checksum in Base64; `None` when it is none of this algorithm.
pub(crate) fn from_base64(algorithm: Algorithm, text: &str) -> Option<Checksum> {
    let bytes = BASE64_STANDARD.decode(text.trim()).ok()?;
    let fits = bytes.len() * 2 == algorithm.digits();
    fits.then(|| Checksum::new(algorithm, hex::encode(bytes)))
}

/// A checksum in hexadecimal digits; `None` when it is none of this algorithm.
pub(crate) fn from_hex(algorithm: Algorithm, text: &str) -> Option<Checksum> {
    let is_hex = text.bytes().all(|c| c.is_ascii_hexdigit());
    (is_hex && text.len() == algorithm.digits()).then(|| Checksum::new(algorithm, text))
}

/// A checksum as headers have it; `None` when its digits are none.
pub(crate) fn to_base64(sum: &Checksum) -> Option<String> {
    let bytes = hex::decode(sum.normalized()).ok()?;
    (bytes.len() * 2 == sum.algorithm.digits()).then(|| BASE64_STANDARD.encode(bytes))
}

/// Dropbox's content hash: SHA-256 over the SHA-256 of every block of 4 MiB.
pub(crate) struct ContentHash {
    outer: Hasher,
    block: Hasher,
    filled: usize,
}

impl ContentHash {
    pub(crate) fn new() -> Self {
        Self {
            outer: Algorithm::Sha256.hasher(),
            block: Algorithm::Sha256.hasher(),
            filled: 0,
        }
    }

    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.filled));
            self.block.update(now);
            self.filled += now.len();
            if self.filled == BLOCK {
                self.close();
            }
            bytes = later;
        }
    }

    fn close(&mut self) {
        let block = std::mem::replace(&mut self.block, Algorithm::Sha256.hasher());
        // Our own digits are digits.
        let digest = hex::decode(block.finish().hex).unwrap_or_default();
        self.outer.update(&digest);
        self.filled = 0;
    }

    pub(crate) fn finish(mut self) -> String {
        if self.filled > 0 {
            self.close();
        }
        self.outer.finish().hex
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(bytes: &[u8]) -> Vec<u8> {
        let mut hasher = Algorithm::Sha256.hasher();
        hasher.update(bytes);
        hex::decode(hasher.finish().hex).unwrap()
    }

    #[test]
    fn the_content_hash_is_one_of_hashes() {
        let data: Vec<u8> = (0..BLOCK + 5).map(|i| (i % 251) as u8).collect();
        let inner = [sha256(&data[..BLOCK]), sha256(&data[BLOCK..])].concat();
        for step in [1 << 20, BLOCK, BLOCK + 5, 999_983] {
            let mut hash = ContentHash::new();
            data.chunks(step).for_each(|it| hash.update(it));
            assert_eq!(hash.finish(), hex::encode(sha256(&inner)), "{step}");
        }
        // Nothing has no blocks.
        assert_eq!(ContentHash::new().finish(), hex::encode(sha256(b"")));
    }

    #[test]
    fn base64_and_hex_and_back() {
        let sum = from_base64(Algorithm::Crc32c, "4waSgw==").unwrap();
        assert_eq!(sum, Checksum::new(Algorithm::Crc32c, "e3069283"));
        assert_eq!(to_base64(&sum).as_deref(), Some("4waSgw=="));
        assert_eq!(from_base64(Algorithm::Md5, "4waSgw=="), None);
        assert_eq!(from_hex(Algorithm::Md5, "e3069283"), None);
        assert!(from_hex(Algorithm::Crc32c, "e3069283").is_some());
    }
}
