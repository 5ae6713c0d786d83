//! What shall be verified: the letter that is stored, from booleans, words and letters.

use causeway_model::ChecksumMode;
use serde_json::value::RawValue;

use super::value::{Kind, invalid, kind, need_flag, need_text};
use crate::error::ApiError;

/// What the user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verify {
    /// Nothing explicit: a checksum at a file turns verification of the destination on.
    Default,
    /// This.
    Mode(ChecksumMode),
}

impl Verify {
    pub(super) fn read(raw: Option<&RawValue>) -> Result<Self, ApiError> {
        let Some(raw) = raw else {
            return Ok(Self::Default);
        };
        match kind(raw) {
            Kind::Text => Ok(of_word(&need_text(raw, "verify_checksum")?)),
            Kind::Object | Kind::List => {
                Err(invalid("verify_checksum must be a boolean or a string"))
            }
            _ if need_flag(raw, "verify_checksum")? => Ok(Self::Mode(ChecksumMode::BOTH)),
            _ => Ok(Self::Default),
        }
    }

    /// The letter, when it is known whether some file has a checksum.
    pub(super) fn mode(self, some_file_has_checksum: bool) -> ChecksumMode {
        match self {
            Self::Mode(mode) => mode,
            Self::Default if some_file_has_checksum => ChecksumMode::TARGET,
            Self::Default => ChecksumMode::NONE,
        }
    }
}

fn of_word(word: &str) -> Verify {
    let mode = match word.to_ascii_lowercase().as_str() {
        "both" | "b" => ChecksumMode::BOTH,
        "target" | "t" => ChecksumMode::TARGET,
        "source" | "s" => ChecksumMode::SOURCE,
        "none" | "n" => ChecksumMode::NONE,
        // Words of former times are kept by their first letter.
        _ => match word.chars().next() {
            Some(letter) => ChecksumMode(letter),
            None => return Verify::Default,
        },
    };
    Verify::Mode(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> (char, char) {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        let verify = Verify::read(Some(&raw)).unwrap();
        (verify.mode(false).0, verify.mode(true).0)
    }

    #[test]
    fn letters_by_input() {
        assert_eq!(letters("true"), ('b', 'b'));
        assert_eq!(letters("false"), ('n', 't'));
        assert_eq!(letters("\"both\""), ('b', 'b'));
        assert_eq!(letters("\"target\""), ('t', 't'));
        assert_eq!(letters("\"s\""), ('s', 's'));
        assert_eq!(letters("\"none\""), ('n', 'n'));
        assert_eq!(letters("\"relaxed\""), ('r', 'r'));
        assert_eq!(letters("\"Y\""), ('Y', 'Y'));
        assert_eq!(Verify::read(None).unwrap().mode(true), ChecksumMode::TARGET);
    }
}
