//! Distinguished names as text in slash form: `/DC=ch/DC=cern/CN=Test User`.
//!
//! Grid-mapfiles, signing policies and the `subject=` of a server are written so. Decisions inside
//! a chain (who issued whom) compare the encoded names instead.

use super::der::{self, Reader};

pub(crate) const COMMON_NAME: &[u8] = &[0x55, 4, 3];

/// Short names, and the content bytes of their object identifiers.
const SHORT_NAMES: &[(&str, &[u8])] = &[
    ("C", &[0x55, 4, 6]),
    ("ST", &[0x55, 4, 8]),
    ("L", &[0x55, 4, 7]),
    ("O", &[0x55, 4, 10]),
    ("OU", &[0x55, 4, 11]),
    ("CN", COMMON_NAME),
    (
        "DC",
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25],
    ),
    (
        "UID",
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1],
    ),
    ("SN", &[0x55, 4, 4]),
    ("GN", &[0x55, 4, 42]),
    ("serialNumber", &[0x55, 4, 5]),
    ("title", &[0x55, 4, 12]),
    ("street", &[0x55, 4, 9]),
    ("postalCode", &[0x55, 4, 17]),
    (
        "emailAddress",
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1],
    ),
];

/// One attribute of a name: content of its type, raw content of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    pub(crate) oid: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// The slash form of an encoded name; nothing when it is none.
pub(crate) fn render(name: &[u8]) -> Option<String> {
    let mut out = String::new();
    for attribute in rdns(name)?.iter().flatten() {
        out.push('/');
        match SHORT_NAMES.iter().find(|(_, oid)| *oid == attribute.oid) {
            Some((short, _)) => out.push_str(short),
            None => out.push_str(&dotted(attribute.oid)?),
        }
        out.push('=');
        for &byte in attribute.value {
            match byte {
                0x20..=0x7e => out.push(char::from(byte)),
                _ => out.push_str(&format!("\\x{byte:02X}")),
            }
        }
    }
    Some(out)
}

/// The relative names of an encoded name, most significant first.
pub(crate) fn rdns(name: &[u8]) -> Option<Vec<Vec<Attribute<'_>>>> {
    let mut sets = Reader::new(der::only(name, der::SEQUENCE)?.content);
    let mut out = Vec::new();
    while !sets.is_empty() {
        out.push(attributes(sets.expect(der::SET)?.content)?);
    }
    Some(out)
}

fn attributes(set: &[u8]) -> Option<Vec<Attribute<'_>>> {
    let mut members = Reader::new(set);
    let mut out = Vec::new();
    while !members.is_empty() {
        let mut pair = Reader::new(members.expect(der::SEQUENCE)?.content);
        let oid = pair.expect(der::OID)?.content;
        let value = pair.next_element()?.content;
        if !pair.is_empty() {
            return None;
        }
        out.push(Attribute { oid, value });
    }
    (!out.is_empty()).then_some(out)
}

fn dotted(content: &[u8]) -> Option<String> {
    let mut parts: Vec<u64> = Vec::new();
    let mut value = 0_u64;
    for byte in content {
        value = value
            .checked_mul(128)?
            .checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 != 0 {
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
    let texts: Vec<String> = parts.iter().map(u64::to_string).collect();
    (content.last()? & 0x80 == 0).then(|| texts.join("."))
}

/// The encoded name with one common name behind it.
pub(crate) fn with_common_name(name: &[u8], value: &str) -> Option<Vec<u8>> {
    let content = der::only(name, der::SEQUENCE)?.content;
    let pair = der::sequence(&[&der::element(der::OID, COMMON_NAME), &der::utf8(value)]);
    Some(der::sequence(&[content, &der::element(der::SET, &pair)]))
}

/// The slash form under which names from files are compared: those write the mail and user id
/// attributes in other ways.
pub(crate) fn comparable(slash: &str) -> String {
    slash
        .replace("/Email=", "/emailAddress=")
        .replace("/E=", "/emailAddress=")
        .replace("/USERID=", "/UID=")
}

/// The common names of an encoded name, as text where they are text.
pub(crate) fn common_names(name: &[u8]) -> Vec<String> {
    let rdns = rdns(name).unwrap_or_default();
    let values = rdns.iter().flatten().filter(|it| it.oid == COMMON_NAME);
    values
        .filter_map(|it| String::from_utf8(it.value.to_vec()).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY: &[u8] = &[0x30, 0];

    #[test]
    fn renders_in_order_and_finds_common_names() {
        let name = with_common_name(&with_common_name(EMPTY, "host/a.b").unwrap(), "Zoë").unwrap();
        assert_eq!(render(&name).unwrap(), "/CN=host/a.b/CN=Zo\\xC3\\xAB");
        assert_eq!(common_names(&name), ["host/a.b", "Zoë"]);
        assert_eq!(render(EMPTY).unwrap(), "");
        assert_eq!(render(b"junk"), None);
    }

    #[test]
    fn unknown_types_are_shown_dotted() {
        assert_eq!(dotted(&[0x2a, 3, 4]).as_deref(), Some("1.2.3.4"));
        assert_eq!(dotted(&[0x88, 0x37, 1]).as_deref(), Some("2.999.1"));
        assert_eq!((dotted(&[0x80]), dotted(&[])), (None, None));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            render(&bytes);
            common_names(&der::sequence(&[&bytes]));
        }
    }
}
