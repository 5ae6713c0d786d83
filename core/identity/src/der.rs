//! The little DER this crate reads and writes itself: elements, sequences, integers, times.
//!
//! Called by everything here that must be exact to the byte: names, proxy policies, signed parts of
//! certificates, and the issuing of certificates. It knows encoding and no meaning. Certificates
//! that come from outside are parsed by `x509-parser` and judged by `rustls-webpki`.
//!
//! # Invariants
//! - Reading never panics and never allocates; lengths are checked against what is there.

mod write;

pub(crate) use write::{
    bit_string, element, generalized_time, oid, sequence, time, unsigned, wrap,
};

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const IA5_STRING: u8 = 0x16;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// One element: its tag, its content, and the bytes of both with the length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) raw: &'a [u8],
}

/// Walks over elements that follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, or nothing when the bytes end or are not DER.
    pub(crate) fn next_element(&mut self) -> Option<Element<'a>> {
        let (&tag, after_tag) = self.rest.split_first()?;
        if tag & 0x1f == 0x1f {
            return None; // high tag numbers appear nowhere in what we read
        }
        let (length, header) = read_length(after_tag)?;
        let start = 1 + header;
        let end = start.checked_add(length)?;
        let raw = self.rest.get(..end)?;
        let content = raw.get(start..)?;
        self.rest = self.rest.get(end..)?;
        Some(Element { tag, content, raw })
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
    if count == 0 || count > 4 {
        return None;
    }
    let digits = bytes.get(1..=count)?;
    let length = digits
        .iter()
        .fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
    (length >= 0x80 && digits[0] != 0).then_some((length, 1 + count))
}

/// Dotted decimal form of an encoded object identifier.
pub(crate) fn oid_text(content: &[u8]) -> Option<String> {
    let mut parts: Vec<u64> = Vec::new();
    let mut value = 0_u64;
    let mut open = false;
    for byte in content {
        value = value
            .checked_mul(128)?
            .checked_add(u64::from(byte & 0x7f))?;
        open = byte & 0x80 != 0;
        if open {
            continue;
        }
        if parts.is_empty() {
            let first = (value / 40).min(2);
            parts.push(first);
            value -= first * 40;
        }
        parts.push(value);
        value = 0;
    }
    if open || parts.is_empty() {
        return None;
    }
    let texts: Vec<String> = parts.iter().map(u64::to_string).collect();
    Some(texts.join("."))
}

/// Content bytes of an object identifier given in dotted decimal form.
pub(crate) fn oid_content(dotted: &str) -> Option<Vec<u8>> {
    let parts: Vec<u64> = dotted
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let (&first, rest) = parts.split_first()?;
    let (&second, rest) = rest.split_first()?;
    if first > 2 || (first < 2 && second > 39) {
        return None;
    }
    let mut out = Vec::new();
    push_base128(&mut out, first.checked_mul(40)?.checked_add(second)?);
    for part in rest {
        push_base128(&mut out, *part);
    }
    Some(out)
}

fn push_base128(out: &mut Vec<u8>, value: u64) {
    let groups = (64 - value.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let seven = ((value >> (group * 7)) & 0x7f) as u8;
        out.push(if group > 0 { seven | 0x80 } else { seven });
    }
}

/// Seconds since 1970 of a GeneralizedTime in whole seconds of universal time, the only form that
/// certificates may use. Before 1970 counts as 0.
pub(crate) fn read_generalized_time(time: &Element<'_>) -> Option<u64> {
    let text = std::str::from_utf8(time.content).ok()?; // other bytes are no time
    let digits = text.strip_suffix('Z')?;
    let is_plain = digits.len() == 14 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if time.tag != GENERALIZED_TIME || !is_plain {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits[range].parse::<i8>().ok();
    let when = jiff::civil::DateTime::new(
        digits[..4].parse().ok()?,
        number(4..6)?,
        number(6..8)?,
        number(8..10)?,
        number(10..12)?,
        number(12..14)?,
        0,
    );
    let seconds = when
        .ok()?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()?
        .timestamp()
        .as_second();
    Some(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let encoded = element(OCTET_STRING, &vec![7; length]);
            let back = only(&encoded, OCTET_STRING).expect("own encoding");
            assert_eq!(back.content.len(), length);
            assert_eq!(back.raw, encoded);
        }
    }

    #[test]
    fn refuses_what_is_not_der() {
        for bytes in [
            &[0x30][..],
            &[0x30, 0x80],
            &[0x30, 0x81, 0x05, 1, 2, 3, 4, 5],
            &[0x30, 2, 0],
            &[0x1f, 1, 0],
        ] {
            assert!(Reader::new(bytes).next_element().is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn object_identifiers_go_both_ways() {
        for text in [
            "1.3.6.1.5.5.7.1.14",
            "2.5.4.3",
            "0.9.2342.19200300.100.1.25",
            "2.999.1",
        ] {
            let content = oid_content(text).expect("valid");
            assert_eq!(oid_text(&content).as_deref(), Some(text));
        }
        assert_eq!(oid_text(&[0x80]), None);
        assert_eq!(oid_content("3.1"), None);
    }

    #[test]
    fn integers_stay_positive_and_times_change_form_in_2050() {
        assert_eq!(unsigned(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        assert_eq!(time(1_700_000_000), element(UTC_TIME, b"231114221320Z"));
        assert_eq!(
            time(2_524_608_000),
            element(GENERALIZED_TIME, b"20500101000000Z")
        );
    }
    #[test]
    fn generalized_times_go_both_ways_and_other_forms_are_refused() {
        let read = |raw: &[u8]| read_generalized_time(&Reader::new(raw).next_element().unwrap());
        for seconds in [0, 1_700_000_000, 1_709_210_096, 2_524_608_000] {
            assert_eq!(read(&generalized_time(seconds)), Some(seconds));
        }
        for bad in [
            &b"20231114221320"[..],
            b"20231114221320.5Z",
            b"20231114221320+0100",
            b"20231314221320Z",
            b"20230229000000Z",
            b"231114221320Z",
            b"\xff0231114221320Z",
        ] {
            assert_eq!(read(&element(GENERALIZED_TIME, bad)), None, "{bad:?}");
        }
        assert_eq!(read(&element(UTC_TIME, b"20231114221320Z")), None);
    }
}
