//! One parsed view of a certificate, and the parts of signed structures.
//!
//! Parsing is `x509-parser`'s; the exact bytes that were signed, and the names as they are encoded,
//! are kept beside it because chains are judged on those.

use x509_parser::oid_registry::OID_X509_EXT_BASIC_CONSTRAINTS;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};
use x509_parser::public_key::PublicKey as ParsedKey;

use super::der::{self, Reader};

/// A certificate parsed once, borrowing its bytes.
#[derive(Debug)]
pub(crate) struct Certificate<'a> {
    pub(crate) der: &'a [u8],
    pub(crate) x509: X509Certificate<'a>,
    pub(crate) signed: Signed<'a>,
}

impl<'a> Certificate<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, String> {
        let (rest, x509) = X509Certificate::from_der(der).map_err(|why| why.to_string())?;
        if !rest.is_empty() {
            return Err("a certificate has data after its end".to_owned());
        }
        if x509.tbs_certificate.signature != x509.signature_algorithm {
            return Err("a certificate names two signature algorithms".to_owned());
        }
        // Two extensions of one kind would let two readers see two different certificates.
        x509.extensions_map()
            .map_err(|_| "a certificate has an extension twice".to_owned())?;
        // An unreadable claim to be a CA, or not, must not count as "is none".
        let constraints = x509
            .extensions()
            .iter()
            .filter(|it| it.oid == OID_X509_EXT_BASIC_CONSTRAINTS);
        for extension in constraints {
            if !matches!(
                extension.parsed_extension(),
                ParsedExtension::BasicConstraints(_)
            ) {
                return Err("basic constraints are malformed".to_owned());
            }
        }
        let signed = signed_parts(der).ok_or("a certificate is not a signed structure")?;
        Ok(Self { der, x509, signed })
    }

    /// The encoded SubjectPublicKeyInfo.
    pub(crate) fn public_key_info(&self) -> &'a [u8] {
        self.x509.tbs_certificate.subject_pki.raw
    }

    /// The encoded subject.
    pub(crate) fn subject(&self) -> &'a [u8] {
        self.x509.tbs_certificate.subject.as_raw()
    }

    /// The encoded issuer.
    pub(crate) fn issuer(&self) -> &'a [u8] {
        self.x509.tbs_certificate.issuer.as_raw()
    }

    /// Start of validity in seconds since 1970; before 1970 counts as 0.
    pub(crate) fn not_before(&self) -> u64 {
        u64::try_from(self.x509.validity().not_before.timestamp()).unwrap_or(0)
    }

    /// End of validity in seconds since 1970; before 1970 counts as 0, so as long past.
    pub(crate) fn not_after(&self) -> u64 {
        u64::try_from(self.x509.validity().not_after.timestamp()).unwrap_or(0)
    }

    pub(crate) fn is_ca(&self) -> bool {
        self.x509.is_ca()
    }

    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject() == self.issuer()
    }

    /// Length of the RSA modulus in bits, or nothing for other kinds of keys.
    pub(crate) fn rsa_bits(&self) -> Option<usize> {
        match self.x509.public_key().parsed() {
            Ok(ParsedKey::RSA(key)) => Some(key.key_size()),
            _ => None,
        }
    }
}

/// A public key: the inside of its algorithm identifier, and the key's own bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublicKey<'a> {
    pub(crate) algorithm: &'a [u8],
    pub(crate) bytes: &'a [u8],
}

/// A signed structure (certificate, request) in its three parts: what is signed, the inside of the
/// algorithm identifier, and the signature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
}

pub(crate) fn signed_parts(der: &[u8]) -> Option<Signed<'_>> {
    let mut parts = Reader::new(der::only(der, der::SEQUENCE)?.content);
    let body = parts.expect(der::SEQUENCE)?.raw;
    let algorithm = parts.expect(der::SEQUENCE)?.content;
    let signature = whole_bytes(parts.expect(der::BIT_STRING)?.content)?;
    parts.is_empty().then_some(Signed {
        body,
        algorithm,
        signature,
    })
}

/// The parts of a SubjectPublicKeyInfo.
pub(crate) fn key_parts(spki: &[u8]) -> Option<PublicKey<'_>> {
    let mut parts = Reader::new(der::only(spki, der::SEQUENCE)?.content);
    let algorithm = parts.expect(der::SEQUENCE)?.content;
    let bytes = whole_bytes(parts.expect(der::BIT_STRING)?.content)?;
    Some(PublicKey { algorithm, bytes })
}

/// The bytes of a bit string that has no unused bits.
fn whole_bytes(content: &[u8]) -> Option<&[u8]> {
    let (unused, bytes) = content.split_first()?;
    (*unused == 0).then_some(bytes)
}
