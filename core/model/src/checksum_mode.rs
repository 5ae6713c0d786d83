//! What to verify, and the checksum a user gave.

use causeway_sdk::Algorithm;
use serde::{Deserialize, Serialize};

/// The letter a job keeps for checksum verification. Unknown legacy letters are kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecksumMode(pub char);

impl ChecksumMode {
    /// No verification.
    pub const NONE: Self = Self('n');
    /// Destination against the user's value.
    pub const TARGET: Self = Self('t');
    /// Source against the user's value.
    pub const SOURCE: Self = Self('s');
    /// Source against destination, and both against the user's value.
    pub const BOTH: Self = Self('b');

    /// True when the source's checksum is asked for.
    pub fn checks_source(self) -> bool {
        matches!(self.0, 's' | 'b')
    }

    /// True when the destination's checksum is asked for.
    pub fn checks_target(self) -> bool {
        matches!(self.0, 't' | 'b')
    }
}

/// A user's checksum text, taken apart: `ALG:value`, `ALG`, or a value alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserChecksum {
    /// Algorithm; ADLER32 when only a value was given.
    pub algorithm: Algorithm,
    /// Value, when one was given.
    pub value: Option<String>,
}

impl UserChecksum {
    /// Takes a text apart. `None` for an algorithm that nobody can compute.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some((algorithm, value)) => {
                let value = value.trim();
                let value = (!value.is_empty()).then(|| value.to_owned());
                Some(Self {
                    algorithm: algorithm.trim().parse().ok()?,
                    value,
                })
            }
            None => match text.trim().parse() {
                Ok(algorithm) => Some(Self {
                    algorithm,
                    value: None,
                }),
                Err(_) if is_hex(text.trim()) => Some(Self {
                    algorithm: Algorithm::Adler32,
                    value: Some(text.trim().to_owned()),
                }),
                Err(_) => None,
            },
        }
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_texts_apart() {
        let parse = |text| UserChecksum::parse(text).map(|it| (it.algorithm, it.value));
        assert_eq!(
            parse("ADLER32:1234"),
            Some((Algorithm::Adler32, Some("1234".into())))
        );
        assert_eq!(parse("md5"), Some((Algorithm::Md5, None)));
        assert_eq!(parse("SHA-256:"), Some((Algorithm::Sha256, None)));
        assert_eq!(
            parse("00ff"),
            Some((Algorithm::Adler32, Some("00ff".into())))
        );
        assert_eq!(parse("whirlpool:12"), None);
    }
}
