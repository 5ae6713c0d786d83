//! The little DER that is read and written here: elements, sequences, integers, times.
//!
//! It knows encoding and no meaning.
//!
//! # Invariants
//! - Reading never panics and never allocates; lengths are checked against what is there
//!   (`arbitrary_bytes_never_panic`).

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// One element: its tag, its content, and the bytes of both with the length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) raw: &'a [u8],
}

/// Walks over elements that follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element, or nothing when the bytes end or are not DER.
    pub(crate) fn next_element(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (length, header) = read_length(rest)?;
        let end = length.checked_add(1 + header)?;
        let (raw, after) = self.0.split_at_checked(end)?;
        self.0 = after;
        // High tag numbers appear nowhere in what is read here.
        (tag & 0x1f != 0x1f).then_some(Element {
            tag,
            content: &raw[1 + header..],
            raw,
        })
    }

    /// The next element if it carries `tag`.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        self.next_element().filter(|element| element.tag == tag)
    }
}

/// The content of `bytes` when they are exactly one element with `tag`.
pub(crate) fn only(bytes: &[u8], tag: u8) -> Option<Element<'_>> {
    let mut reader = Reader::new(bytes);
    let element = reader.expect(tag)?;
    reader.is_empty().then_some(element)
}

/// Length and number of length bytes. Indefinite and over-long forms are not DER.
fn read_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((usize::from(first), 1));
    }
    let count = usize::from(first & 0x7f);
    let digits = bytes.get(1..=count).filter(|_| (1..=4).contains(&count))?;
    let length = digits
        .iter()
        .fold(0_usize, |sum, it| (sum << 8) | usize::from(*it));
    (length >= 0x80 && digits[0] != 0).then_some((length, 1 + count))
}

/// One element with tag, length and content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag);
    if content.len() < 0x80 {
        out.push(content.len() as u8);
    } else {
        let length = content.len().to_be_bytes();
        let zeros = length.iter().take_while(|it| **it == 0).count();
        out.push(0x80 | (length.len() - zeros) as u8);
        out.extend_from_slice(&length[zeros..]);
    }
    out.extend_from_slice(content);
    out
}

/// A sequence of already encoded parts.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// A non-negative integer from big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|it| **it == 0).count();
    let mut digits = bytes[zeros..].to_vec();
    if digits.first().is_none_or(|it| *it >= 0x80) {
        digits.insert(0, 0);
    }
    element(INTEGER, &digits)
}

/// A bit string of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes].concat())
}

/// A text of a name.
pub(crate) fn utf8(text: &str) -> Vec<u8> {
    element(UTF8_STRING, text.as_bytes())
}

/// A point in time as certificates want it: UTCTime until 2049, GeneralizedTime after.
pub(crate) fn time(unix_seconds: u64) -> Vec<u8> {
    let seconds = i64::try_from(unix_seconds).unwrap_or(i64::MAX);
    // The calendar ends in 9999, which is how certificates say "no end".
    let when = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    let (tag, format) = if unix_seconds < 2_524_608_000 {
        (UTC_TIME, "%y%m%d%H%M%SZ")
    } else {
        (GENERALIZED_TIME, "%Y%m%d%H%M%SZ")
    };
    element(tag, when.strftime(format).to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let encoded = element(OCTET_STRING, &vec![7; length]);
            let back = only(&encoded, OCTET_STRING).expect("own encoding");
            assert_eq!((back.content.len(), back.raw), (length, encoded.as_slice()));
        }
    }

    #[test]
    fn refuses_what_is_not_der() {
        for bytes in [
            &[0x30][..],
            &[0x30, 0x80],
            &[0x30, 0x81, 5, 1, 2, 3, 4, 5],
            &[0x30, 2, 0],
            &[0x1f, 1, 0],
        ] {
            assert!(Reader::new(bytes).next_element().is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn integers_stay_positive_and_times_change_form_in_2050() {
        assert_eq!(unsigned(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        assert_eq!(time(1_700_000_000), element(UTC_TIME, b"231114221320Z"));
        let later = element(GENERALIZED_TIME, b"20500101000000Z");
        assert_eq!(time(2_524_608_000), later);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while let Some(element) = reader.next_element() {
                prop_assert!(element.content.len() < bytes.len());
            }
        }
    }
}
