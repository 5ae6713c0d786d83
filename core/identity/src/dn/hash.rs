//! The two file name hashes of CA directories, computed as OpenSSL computes them.
//!
//! Grid CA directories name files `<hash>.0`. The new hash is SHA-1 over a canonical encoding of
//! the subject (case folded, blanks collapsed), the old one MD5 over the encoding as it stands.
//! Neither protects anything: they are directory indexes.

use md5::Md5;
use sha1::{Digest, Sha1};

use super::{Attribute, DnError, rdns};
use crate::der;

/// `openssl x509 -subject_hash`.
pub(crate) fn subject_hash(name: &[u8]) -> Result<String, DnError> {
    let mut canonical = Vec::new();
    for rdn in rdns(name)? {
        let mut members: Vec<Vec<u8>> = rdn
            .iter()
            .map(canonical_attribute)
            .collect::<Option<_>>()
            .ok_or(DnError::Malformed)?;
        members.sort();
        canonical.extend_from_slice(&der::element(der::SET, &members.concat()));
    }
    Ok(first_word(&Sha1::digest(&canonical)))
}

/// `openssl x509 -subject_hash_old`.
pub(crate) fn subject_hash_old(name: &[u8]) -> Result<String, DnError> {
    rdns(name)?;
    Ok(first_word(&Md5::digest(name)))
}

/// The first four bytes, read as a little-endian number.
fn first_word(digest: &[u8]) -> String {
    let mut word = [0_u8; 4];
    word.copy_from_slice(&digest[..4]);
    format!("{:08x}", u32::from_le_bytes(word))
}

fn canonical_attribute(attribute: &Attribute<'_>) -> Option<Vec<u8>> {
    let oid = der::element(der::OID, &der::oid_content(&attribute.oid)?);
    let value = match string_bytes(attribute) {
        Some(text) => der::element(der::UTF8_STRING, &fold(&text)),
        None => der::element(attribute.tag, attribute.value),
    };
    Some(der::sequence(&[&oid, &value]))
}

/// The value in UTF-8 when its type is one of the string types that OpenSSL folds.
fn string_bytes(attribute: &Attribute<'_>) -> Option<Vec<u8>> {
    const PLAIN: [u8; 4] = [0x0c, 0x13, 0x16, 0x1a];
    let value = attribute.value;
    match attribute.tag {
        tag if PLAIN.contains(&tag) => Some(value.to_vec()),
        0x14 => Some(
            value
                .iter()
                .map(|byte| char::from(*byte))
                .collect::<String>()
                .into_bytes(),
        ),
        0x1e => {
            let units = value
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            let text: String = char::decode_utf16(units)
                .map(|unit| unit.unwrap_or('\u{fffd}'))
                .collect();
            Some(text.into_bytes())
        }
        0x1c => {
            let points = value
                .chunks_exact(4)
                .map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]));
            let text: String = points
                .map(|point| char::from_u32(point).unwrap_or('\u{fffd}'))
                .collect();
            Some(text.into_bytes())
        }
        _ => None,
    }
}

/// ASCII lower case, no outer blanks, inner runs of blanks as one.
fn fold(text: &[u8]) -> Vec<u8> {
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let words = text.split(is_blank).filter(|word| !word.is_empty());
    let folded: Vec<Vec<u8>> = words.map(<[u8]>::to_ascii_lowercase).collect();
    folded.join(&b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dn::encode;

    #[test]
    fn case_and_blanks_do_not_change_the_new_hash() {
        let one = encode("/C=CH/O=Some  Org/CN=Test CA").unwrap();
        let two = encode("/C=ch/O= some org /CN=TEST ca").unwrap();
        assert_eq!(subject_hash(&one).unwrap(), subject_hash(&two).unwrap());
        assert_ne!(
            subject_hash_old(&one).unwrap(),
            subject_hash_old(&two).unwrap()
        );
    }

    #[test]
    fn hashes_are_eight_hex_digits() {
        let name = encode("/DC=ch/DC=cern/CN=CA").unwrap();
        for hash in [
            subject_hash(&name).unwrap(),
            subject_hash_old(&name).unwrap(),
        ] {
            assert!(
                hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{hash}"
            );
        }
        assert!(subject_hash(b"junk").is_err());
    }
}
