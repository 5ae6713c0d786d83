//! The extensions of attribute certificates: certificates of the issuer, and services they are for.

use super::VomsError;
use super::parse::{CONTEXT_0, URI, elements};
use crate::der::{self, Reader};

/// The issuer's certificates.
pub(crate) const ISSUER_CERTIFICATES: &str = "1.3.6.1.4.1.8005.100.100.10";
/// Free attributes, which are not used here.
const GENERIC_ATTRIBUTES: &str = "1.3.6.1.4.1.8005.100.100.11";
/// The services they are for.
pub(crate) const TARGETS: &str = "2.5.29.55";
/// There are no revocation lists for them.
pub(crate) const NO_REVOCATION: &str = "2.5.29.56";
const AUTHORITY_KEY: &str = "2.5.29.35";
/// A DNS name among general names.
const DNS_NAME: u8 = 0x82;

/// Nobody writes so many.
const MAX_EXTENSIONS: usize = 64;

/// What the extensions say.
#[derive(Debug, Default)]
pub(crate) struct Extensions<'a> {
    /// Certificates of the issuer, the issuer's own first.
    pub(crate) certificates: Option<Vec<&'a [u8]>>,
    /// Names of the services it was made for.
    pub(crate) targets: Option<Vec<&'a str>>,
    /// A critical one that is not understood.
    pub(crate) unknown_critical: Option<String>,
}

impl<'a> Extensions<'a> {
    /// What is left of an attribute certificate behind its attributes.
    pub(super) fn read(fields: &mut Reader<'a>) -> Result<Self, VomsError> {
        let mut found = Self::default();
        let malformed = || VomsError::Malformed("extensions are malformed");
        let mut last = fields.next_element();
        if last.is_some_and(|it| it.tag == der::BIT_STRING) {
            last = fields.next_element(); // the issuer's unique id, which nobody uses
        }
        let Some(list) = last else {
            return if fields.is_empty() {
                Ok(found)
            } else {
                Err(malformed())
            };
        };
        if list.tag != der::SEQUENCE || !fields.is_empty() {
            return Err(malformed());
        }
        let mut seen: Vec<String> = Vec::new();
        let mut reader = Reader::new(list.content);
        while !reader.is_empty() {
            let extension = reader.expect(der::SEQUENCE).ok_or_else(malformed)?;
            let (oid, is_critical, value) =
                extension_parts(extension.content).ok_or_else(malformed)?;
            if seen.len() == MAX_EXTENSIONS {
                return Err(VomsError::TooMany("64 extensions"));
            }
            if seen.contains(&oid) {
                return Err(VomsError::Malformed("an extension occurs twice"));
            }
            match oid.as_str() {
                ISSUER_CERTIFICATES => found.certificates = Some(issuer_certificates(value)?),
                TARGETS => found.targets = Some(targets(value).ok_or_else(malformed)?),
                NO_REVOCATION | AUTHORITY_KEY | GENERIC_ATTRIBUTES => {}
                _ if is_critical => found.unknown_critical = Some(oid.clone()),
                _ => {}
            }
            seen.push(oid);
        }
        Ok(found)
    }
}

fn extension_parts(content: &[u8]) -> Option<(String, bool, &[u8])> {
    let mut parts = Reader::new(content);
    let oid = der::oid_text(parts.expect(der::OID)?.content)?;
    let mut value = parts.next_element()?;
    let mut is_critical = false;
    if value.tag == der::BOOLEAN {
        is_critical = value.content != [0];
        value = parts.next_element()?;
    }
    (value.tag == der::OCTET_STRING && parts.is_empty()).then_some((
        oid,
        is_critical,
        value.content,
    ))
}

/// A sequence of certificates, inside one more sequence or not.
fn issuer_certificates(value: &[u8]) -> Result<Vec<&[u8]>, VomsError> {
    let read = || {
        let outer = der::only(value, der::SEQUENCE)?;
        let first = Reader::new(outer.content).expect(der::SEQUENCE)?;
        // The signed part of a certificate begins with no sequence; a certificate does.
        let inner = Reader::new(first.content).expect(der::SEQUENCE)?;
        let is_list = Reader::new(inner.content).expect(der::SEQUENCE).is_some();
        let list = if is_list { first } else { outer };
        elements(list.content, der::SEQUENCE)
    };
    let list = read().ok_or(VomsError::Malformed(
        "certificates of the issuer are malformed",
    ))?;
    match list.len() {
        many if many > crate::pki::MAX_CHAIN => Err(VomsError::TooMany("32 issuer certificates")),
        _ => Ok(list),
    }
}

/// The names in `SEQUENCE OF SEQUENCE OF` targets. VOMS wraps each name once more.
fn targets(value: &[u8]) -> Option<Vec<&str>> {
    let mut out = Vec::new();
    let mut lists = Reader::new(der::only(value, der::SEQUENCE)?.content);
    while !lists.is_empty() {
        let mut list = Reader::new(lists.expect(der::SEQUENCE)?.content);
        while !list.is_empty() {
            let mut target = list.next_element()?;
            if target.tag == der::SEQUENCE {
                target = Reader::new(target.content).expect(CONTEXT_0)?;
            }
            // Groups and certificates as targets are nobody's name, so they match nothing.
            if target.tag == CONTEXT_0
                && let Some(name) = Reader::new(target.content).next_element()
                && matches!(name.tag, URI | DNS_NAME)
            {
                out.push(std::str::from_utf8(name.content).ok()?); // a name that is no text
            }
        }
    }
    Some(out)
}
