//! Checksums: their names, their values, and computing them while bytes pass by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::{Error, ErrorKind};

/// An algorithm. Names are matched without regard to case and dashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Algorithm {
    /// RFC 1950; the default of the field.
    Adler32,
    /// ISO 3309, as in gzip.
    Crc32,
    /// Castagnoli, RFC 3720.
    Crc32c,
    /// RFC 1321.
    Md5,
    /// FIPS 180.
    Sha1,
    /// FIPS 180.
    Sha256,
    /// NVM Express, with which S3 sums up what it is not told a checksum of.
    Crc64Nvme,
}

impl Algorithm {
    /// Every algorithm the gateway can compute.
    pub const ALL: [Self; 7] = [
        Self::Adler32,
        Self::Crc32,
        Self::Crc32c,
        Self::Md5,
        Self::Sha1,
        Self::Sha256,
        Self::Crc64Nvme,
    ];

    /// Lower-case name: `adler32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adler32 => "adler32",
            Self::Crc32 => "crc32",
            Self::Crc32c => "crc32c",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Crc64Nvme => "crc64nvme",
        }
    }

    /// Number of hexadecimal digits of a value.
    pub fn digits(self) -> usize {
        match self {
            Self::Adler32 | Self::Crc32 | Self::Crc32c => 8,
            Self::Crc64Nvme => 16,
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
        }
    }

    /// Starts computing.
    pub fn hasher(self) -> Hasher {
        Hasher::new(self)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let plain: String = text
            .chars()
            .filter(|c| *c != '-')
            .collect::<String>()
            .to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|it| it.name() == plain)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Unsupported,
                    format!("unknown checksum algorithm {text:?}"),
                )
            })
    }
}

/// A checksum. Compared without regard to case and leading zeros, as users of the field expect.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checksum {
    /// Algorithm.
    pub algorithm: Algorithm,
    /// Hexadecimal digits as the storage or the user wrote them.
    pub hex: String,
}

impl Checksum {
    /// A checksum from its parts.
    pub fn new(algorithm: Algorithm, hex: impl Into<String>) -> Self {
        Self {
            algorithm,
            hex: hex.into(),
        }
    }

    /// Lower-case digits, padded on the left to the algorithm's length.
    pub fn normalized(&self) -> String {
        let digits = self.hex.trim_start_matches('0').to_ascii_lowercase();
        format!("{digits:0>width$}", width = self.algorithm.digits())
    }
}

impl PartialEq for Checksum {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.normalized() == other.normalized()
    }
}

impl Eq for Checksum {}

impl fmt::Display for Checksum {
    /// `ADLER32:0123abcd`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}",
            self.algorithm.name().to_ascii_uppercase(),
            self.normalized()
        )
    }
}

/// A checksum in the making.
#[derive(Clone)]
pub struct Hasher(Inner);

#[derive(Clone)]
enum Inner {
    Adler32(simd_adler32::Adler32),
    Crc32(crc32fast::Hasher),
    Crc32c(u32),
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Crc64Nvme(crc_fast::Digest),
}

impl Hasher {
    /// Starts computing.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Adler32 => Inner::Adler32(simd_adler32::Adler32::new()),
            Algorithm::Crc32 => Inner::Crc32(crc32fast::Hasher::new()),
            Algorithm::Crc32c => Inner::Crc32c(0),
            Algorithm::Md5 => Inner::Md5(md5::Md5::new()),
            Algorithm::Sha1 => Inner::Sha1(sha1::Sha1::new()),
            Algorithm::Sha256 => Inner::Sha256(sha2::Sha256::new()),
            Algorithm::Crc64Nvme => {
                Inner::Crc64Nvme(crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc64Nvme))
            }
        })
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Inner::Adler32(it) => it.write(bytes),
            Inner::Crc32(it) => it.update(bytes),
            Inner::Crc32c(it) => *it = crc32c::crc32c_append(*it, bytes),
            Inner::Md5(it) => it.update(bytes),
            Inner::Sha1(it) => it.update(bytes),
            Inner::Sha256(it) => it.update(bytes),
            Inner::Crc64Nvme(it) => it.update(bytes),
        }
    }

    /// The checksum of all bytes so far.
    pub fn finish(self) -> Checksum {
        match self.0 {
            Inner::Adler32(it) => Checksum::new(Algorithm::Adler32, format!("{:08x}", it.finish())),
            Inner::Crc32(it) => Checksum::new(Algorithm::Crc32, format!("{:08x}", it.finalize())),
            Inner::Crc32c(it) => Checksum::new(Algorithm::Crc32c, format!("{it:08x}")),
            Inner::Md5(it) => Checksum::new(Algorithm::Md5, hex::encode(it.finalize())),
            Inner::Sha1(it) => Checksum::new(Algorithm::Sha1, hex::encode(it.finalize())),
            Inner::Sha256(it) => Checksum::new(Algorithm::Sha256, hex::encode(it.finalize())),
            Inner::Crc64Nvme(it) => {
                Checksum::new(Algorithm::Crc64Nvme, format!("{:016x}", it.finalize()))
            }
        }
    }
}

/// Adler-32 of two pieces one after the other, from their values and the length of the second.
///
/// Lets parallel ranges be summed each on its own (RFC 1950 section 8.2 gives the definition).
pub fn adler32_combine(first: u32, second: u32, second_len: u64) -> u32 {
    const MODULO: u64 = 65_521;
    let len = second_len % MODULO;
    let (a1, b1) = (u64::from(first & 0xffff), u64::from(first >> 16));
    let (a2, b2) = (u64::from(second & 0xffff), u64::from(second >> 16));
    let a = (a1 + a2 + MODULO - 1) % MODULO;
    let b = (b1 + b2 + len * a1 + MODULO - len) % MODULO;
    (b << 16 | a) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let expected = [
            (Algorithm::Adler32, "091e01de"),
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Md5, "25f9e794323b453885f5181f1b624d0b"),
            (Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (
                Algorithm::Sha256,
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
            ),
            (Algorithm::Crc64Nvme, "ae8b14860a799888"),
        ];
        for (algorithm, hex) in expected {
            let mut hasher = algorithm.hasher();
            hasher.update(b"1234");
            hasher.update(b"56789");
            assert_eq!(hasher.finish().hex, hex, "{algorithm}");
        }
    }

    #[test]
    fn compares_without_case_and_leading_zeros() {
        let one = Checksum::new(Algorithm::Adler32, "0042");
        assert_eq!(one, Checksum::new(Algorithm::Adler32, "00000042"));
        assert_eq!(one.to_string(), "ADLER32:00000042");
        assert_ne!(one, Checksum::new(Algorithm::Crc32, "42"));
    }

    #[test]
    fn adler_pieces_combine() {
        let data: Vec<u8> = (0..200_000_u32).map(|i| (i * 31) as u8).collect();
        for cut in [0, 1, 4096, 65_521, 199_999, 200_000] {
            let one = simd_adler32::adler32(&&data[..cut]);
            let two = simd_adler32::adler32(&&data[cut..]);
            let whole = simd_adler32::adler32(&&data[..]);
            assert_eq!(
                adler32_combine(one, two, (data.len() - cut) as u64),
                whole,
                "cut at {cut}"
            );
        }
    }
}
