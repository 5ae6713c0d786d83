//! Writing elements, sequences, integers and times.

use super::{BIT_STRING, GENERALIZED_TIME, INTEGER, OID, SEQUENCE, UTC_TIME, oid_content};

/// One element with tag, length and content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag);
    if content.len() < 0x80 {
        out.push(content.len() as u8);
    } else {
        let digits: Vec<u8> = content
            .len()
            .to_be_bytes()
            .into_iter()
            .skip_while(|byte| *byte == 0)
            .collect();
        out.push(0x80 | digits.len() as u8);
        out.extend_from_slice(&digits);
    }
    out.extend_from_slice(content);
    out
}

/// A constructed element around already encoded parts.
pub(crate) fn wrap(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    element(tag, &parts.concat())
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    wrap(SEQUENCE, parts)
}

/// An object identifier from its dotted form, which must be one of this crate's own constants.
pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    element(
        OID,
        &oid_content(dotted).expect("object identifiers written in this crate are valid"),
    )
}

/// A non-negative integer from big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = bytes
        .iter()
        .copied()
        .skip_while(|byte| *byte == 0)
        .collect();
    if digits.first().is_none_or(|byte| *byte >= 0x80) {
        digits.insert(0, 0);
    }
    element(INTEGER, &digits)
}

/// A bit string of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    wrap(BIT_STRING, &[&[0], bytes])
}

/// A point in time as certificates want it: UTCTime until 2049, GeneralizedTime after.
pub(crate) fn time(unix_seconds: u64) -> Vec<u8> {
    let seconds = i64::try_from(unix_seconds).unwrap_or(i64::MAX);
    // Beyond the calendar's end (year 9999) certificates say "no end" with this very value.
    let when = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    let (tag, format) = if unix_seconds < 2_524_608_000 {
        (UTC_TIME, "%y%m%d%H%M%SZ")
    } else {
        (GENERALIZED_TIME, "%Y%m%d%H%M%SZ")
    };
    element(tag, when.strftime(format).to_string().as_bytes())
}

/// A point in time as attribute certificates want it, whatever the year.
pub(crate) fn generalized_time(unix_seconds: u64) -> Vec<u8> {
    let seconds = i64::try_from(unix_seconds).unwrap_or(i64::MAX);
    let when = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    element(
        GENERALIZED_TIME,
        when.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes(),
    )
}
