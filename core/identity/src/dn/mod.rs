//! Distinguished names as text: the slash form every table, log line and client shows.
//!
//! Called wherever a certificate's name becomes text, so that ban tables, static authorizations,
//! credential keys and delegation ids agree to the byte. The text is made for people and for exact
//! comparison; decisions inside a chain (who issued whom) compare the encoded names instead.
//!
//! # Invariants
//! - Order and letter case are the certificate's own (`renders_in_certificate_order`).
//! - Every attribute of a multi-valued RDN gets a slash of its own, as old servers did.
//! - Arbitrary bytes give an error or a text, never a panic (`tests/hostile_bytes.rs`).

pub(crate) mod attributes;
mod comma;
mod hash;

pub use comma::normalise;
pub(crate) use hash::{subject_hash, subject_hash_old};

use crate::der::{self, Reader};

/// Why a name could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnError {
    /// The bytes are not an encoded name.
    #[error("read distinguished name: not a DER encoded name")]
    Malformed,
    /// The text is not a name in slash form.
    #[error("read distinguished name: {0:?} is not of the form /TYPE=value/TYPE=value")]
    Text(String),
}

/// One attribute of a name: dotted type, string tag, raw content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    pub(crate) oid: String,
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
}

/// The slash form of a DER encoded name: `/DC=ch/DC=cern/CN=Test User`.
pub fn render(name: &[u8]) -> Result<String, DnError> {
    let mut out = String::new();
    for attribute in rdns(name)?.iter().flatten() {
        out.push('/');
        out.push_str(attributes::short_name(&attribute.oid));
        out.push('=');
        push_escaped(&mut out, attribute.value);
    }
    Ok(out)
}

/// Appends raw bytes; what is not printable ASCII becomes `\xHH`. Slashes stay as they are.
fn push_escaped(out: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            0x20..=0x7e => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02X}")),
        }
    }
}

/// The relative names of an encoded name, most significant first.
pub(crate) fn rdns(name: &[u8]) -> Result<Vec<Vec<Attribute<'_>>>, DnError> {
    let whole = der::only(name, der::SEQUENCE).ok_or(DnError::Malformed)?;
    let mut sets = Reader::new(whole.content);
    let mut out = Vec::new();
    while !sets.is_empty() {
        let set = sets.expect(der::SET).ok_or(DnError::Malformed)?;
        out.push(rdn_attributes(set.content).ok_or(DnError::Malformed)?);
    }
    Ok(out)
}

fn rdn_attributes(set: &[u8]) -> Option<Vec<Attribute<'_>>> {
    let mut members = Reader::new(set);
    let mut out = Vec::new();
    while !members.is_empty() {
        let mut pair = Reader::new(members.expect(der::SEQUENCE)?.content);
        let oid = der::oid_text(pair.expect(der::OID)?.content)?;
        let value = pair.next_element()?;
        if !pair.is_empty() {
            return None;
        }
        out.push(Attribute {
            oid,
            tag: value.tag,
            value: value.content,
        });
    }
    (!out.is_empty()).then_some(out)
}

/// The slash form under which names from old files are compared: those write the mail and user id
/// attributes in other ways.
pub(crate) fn comparable(slash: &str) -> String {
    slash
        .replace("/Email=", "/emailAddress=")
        .replace("/E=", "/emailAddress=")
        .replace("/USERID=", "/UID=")
}

/// True when two encoded names say the same, whatever types of string they are written in. Programs
/// that copy a name may write its strings anew.
pub(crate) fn is_same_name(one: &[u8], other: &[u8]) -> bool {
    /// Types and values of one relative name.
    type Rdn = Vec<(String, Vec<u8>)>;
    let bare = |name| -> Option<Vec<Rdn>> {
        let rdns = rdns(name).ok()?; // an unreadable name equals none
        let plain = |attribute: &Attribute<'_>| (attribute.oid.clone(), attribute.value.to_vec());
        Some(
            rdns.iter()
                .map(|rdn| rdn.iter().map(plain).collect())
                .collect(),
        )
    };
    one == other || bare(one).is_some_and(|one| Some(one) == bare(other))
}

/// Cuts a slash form into its `TYPE=value` pieces. A slash inside a value (`CN=host/a.b.c`) does
/// not cut, because no `TYPE=` follows it.
pub(crate) fn split(slash: &str) -> Vec<(&str, &str)> {
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    for (at, _) in slash.match_indices('/') {
        if starts_attribute(&slash[at + 1..]) {
            if let Some(last) = pieces.last_mut() {
                last.1 = at;
            }
            pieces.push((at + 1, slash.len()));
        }
    }
    pieces
        .iter()
        .filter_map(|&(from, to)| slash[from..to].split_once('='))
        .collect()
}

fn starts_attribute(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    })
}

/// Encodes a slash form, one attribute to each relative name. Used when certificates are issued.
pub fn encode(slash: &str) -> Result<Vec<u8>, DnError> {
    let pieces = split(slash);
    if pieces.is_empty() || !slash.starts_with('/') {
        return Err(DnError::Text(slash.to_owned()));
    }
    let mut content = Vec::new();
    for (name, value) in pieces {
        let rdn = encode_rdn(name, value).ok_or_else(|| DnError::Text(slash.to_owned()))?;
        content.extend_from_slice(&rdn);
    }
    Ok(der::element(der::SEQUENCE, &content))
}

/// One encoded relative name with a single attribute.
pub(crate) fn encode_rdn(name: &str, value: &str) -> Option<Vec<u8>> {
    let dotted = attributes::dotted(name)?;
    let oid = der::element(der::OID, &der::oid_content(dotted)?);
    let tag = match attributes::canonical_name(name) {
        "DC" | "emailAddress" => der::IA5_STRING,
        "C" => der::PRINTABLE_STRING,
        _ => der::UTF8_STRING,
    };
    let pair = der::sequence(&[&oid, &der::element(tag, value.as_bytes())]);
    Some(der::element(der::SET, &pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(parts: &[Vec<u8>]) -> Vec<u8> {
        der::element(der::SEQUENCE, &parts.concat())
    }

    fn raw_cn(tag: u8, value: &[u8]) -> Vec<u8> {
        let pair = der::sequence(&[&der::oid("2.5.4.3"), &der::element(tag, value)]);
        der::element(der::SET, &pair)
    }

    #[test]
    fn renders_in_certificate_order() {
        let text = "/DC=ch/DC=cern/OU=Users/CN=test/CN=Test User";
        assert_eq!(render(&encode(text).unwrap()).unwrap(), text);
        let odd = "/C=NL/O=a/b/serialNumber=7/1.2.3.4=x/emailAddress=a@b.ch";
        assert_eq!(render(&encode(odd).unwrap()).unwrap(), odd);
    }

    #[test]
    fn escapes_bytes_outside_printable_ascii_and_not_slashes() {
        let utf8 = name(&[raw_cn(der::UTF8_STRING, "Zoë/x\n".as_bytes())]);
        assert_eq!(render(&utf8).unwrap(), "/CN=Zo\\xC3\\xAB/x\\x0A");
        let bmp = name(&[raw_cn(0x1e, &[0, b'A', 0, 0xe9])]);
        assert_eq!(render(&bmp).unwrap(), "/CN=\\x00A\\x00\\xE9");
        let t61 = name(&[raw_cn(0x14, &[0xe9, b'~', 0x7f])]);
        assert_eq!(render(&t61).unwrap(), "/CN=\\xE9~\\x7F");
    }

    #[test]
    fn multi_valued_relative_names_get_a_slash_each() {
        let pair = |oid: &str, value: &str| {
            der::sequence(&[
                &der::oid(oid),
                &der::element(der::UTF8_STRING, value.as_bytes()),
            ])
        };
        let set = der::wrap(der::SET, &[&pair("2.5.4.3", "a"), &pair("2.5.4.11", "b")]);
        assert_eq!(render(&name(&[set])).unwrap(), "/CN=a/OU=b");
    }

    #[test]
    fn names_are_the_same_whatever_their_string_types() {
        let utf8 = name(&[
            raw_cn(der::UTF8_STRING, b"a"),
            raw_cn(der::UTF8_STRING, b"b"),
        ]);
        let printable = name(&[raw_cn(0x13, b"a"), raw_cn(0x13, b"b")]);
        assert!(is_same_name(&utf8, &printable));
        // They look the same as text.
        let slash = name(&[raw_cn(der::UTF8_STRING, b"a/CN=b")]);
        assert_eq!(render(&slash).unwrap(), render(&utf8).unwrap());
        assert!(!is_same_name(&utf8, &slash));
        assert!(!is_same_name(&utf8, b"junk") && !is_same_name(b"junk", b"other"));
    }

    #[test]
    fn an_empty_name_is_an_empty_text() {
        assert_eq!(render(&[0x30, 0]).unwrap(), "");
        assert_eq!(render(&[0x30, 2, 0x31, 0]), Err(DnError::Malformed));
    }

    #[test]
    fn splits_only_before_a_type() {
        assert_eq!(
            split("/DC=ch/CN=host/a.b.ch"),
            [("DC", "ch"), ("CN", "host/a.b.ch")]
        );
        assert!(encode("CN=x").is_err());
        assert!(encode("/nonsense=x").is_err());
    }
}
